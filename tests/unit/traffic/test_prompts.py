"""Prompts: as seeded, in whole blocks, and never the same twice."""

from __future__ import annotations

import pytest

from kvchaos.traffic.prompts import FIRST_ID, VOCABULARY, Prompts


def test_one_seed_and_run_give_one_sequence_of_prompts() -> None:
    """A run can be repeated to the token."""
    one, other = Prompts(7, run="r1"), Prompts(7, run="r1")

    assert [one.take(2) for _ in range(3)] == [other.take(2) for _ in range(3)]


def test_another_run_with_the_same_seed_gives_other_prompts() -> None:
    """Engines still hold the blocks of the run before."""
    assert Prompts(7, run="r1").take(1) != Prompts(7, run="r2").take(1)


def test_first_blocks_are_never_the_same() -> None:
    """An engine that was not asked before has none of a prompt in its cache."""
    prompts = Prompts(7, block_size=4)

    firsts = {tuple(prompts.take(2)[:4]) for _ in range(1000)}

    assert len(firsts) == 1000


def test_a_prompt_is_whole_blocks_of_ordinary_tokens() -> None:
    """No part of a block is left out of the cache, and no special token has a meaning."""
    prompt = Prompts(7, block_size=16).take(3)

    assert len(prompt) == 48
    assert all(FIRST_ID <= token < VOCABULARY for token in prompt)


def test_a_prompt_goes_on_after_a_shared_prefix() -> None:
    """What is shared comes first, what is new after it."""
    prompts = Prompts(7)
    prefix = prompts.take(2)

    prompt = prompts.take(1, after=prefix)

    assert prompt[:32] == prefix
    assert len(prompt) == 48


def test_blocks_too_small_to_be_unique_are_refused() -> None:
    """Three tokens number a prompt; one more makes it the seed's."""
    with pytest.raises(ValueError, match="a block of 3 tokens is too small to be unique"):
        Prompts(7, block_size=3)
