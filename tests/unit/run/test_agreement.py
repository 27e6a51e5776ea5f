"""Whether the index agrees now, over samples that a test wrote."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.errors import RouterUnreachable
from kvchaos.run import agreement
from tests.looks import NOTHING, sample
from tests.run_world import Made

Json = dict[str, Any]


def test_without_a_sample_the_difference_is_unknown(made: Made) -> None:
    """Nothing seen is not agreement, and the time was waited out."""
    answer = agreement.difference(made().run, settle=3)

    assert answer == {
        "agrees": None,
        "missing": 0,
        "phantom": 0,
        **NOTHING,
        "unknown": {"router": "no sample was taken"},
        "waited": 3.0,
    }


def test_the_difference_is_the_newest_once_it_is_none(made: Made) -> None:
    """An index that is about to agree is waited for; one that agreed earlier does not count."""
    world = made()
    world.sampler.plan = [sample(1), sample(5, agrees=False, missing=3), sample(6)]
    world.clock.sleep(4)

    answer = agreement.difference(world.run, settle=10)

    assert (answer["agrees"], answer["waited"]) == (True, 2.0)


def test_a_difference_that_stays_is_told_when_the_time_is_out(made: Made) -> None:
    """The newest of them."""
    world = made()
    world.sampler.plan = [sample(1, agrees=False, missing=3), sample(2, agrees=False, missing=2)]

    answer = agreement.difference(world.run, settle=4)

    assert (answer["agrees"], answer["missing"], answer["waited"]) == (False, 2, 4.0)


def test_waiting_for_agreement_says_how_long_it_took(made: Made) -> None:
    """In seconds."""
    world = made()
    world.sampler.plan = [sample(1, agrees=False), sample(2)]

    assert agreement.wait_for_agreement(world.run, timeout=5) == 2.0


def test_agreement_that_does_not_come_is_an_error_with_the_difference(made: Made) -> None:
    """Whoever warms engines must not go on with a router that does not follow."""
    world = made()
    wrong = {"a/0": {"missing": 2, "phantom": 1}, "b/0": {"missing": 0, "phantom": 0}}
    world.sampler.plan = [sample(1, agrees=False, engines=wrong)]

    with pytest.raises(RouterUnreachable, match="within 2 s, saw a/0: 2 missing, 1 phantom"):
        agreement.wait_for_agreement(world.run, timeout=2)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, "agreement"),
        ({"engines": {"a/0": {"missing": 0, "phantom": 0}}}, "agreement"),
        ({"engines": {"a/0": {"missing": 0, "phantom": 4}}}, "a/0: 0 missing, 4 phantom"),
        ({"ghosts": ["x", "y"]}, "x: a ghost; y: a ghost"),
        ({"unknown": {"router": "no answer"}}, "router: unknown (no answer)"),
    ],
)
def test_a_difference_in_words_names_who_is_wrong(seen: Json, words: str) -> None:
    """And nobody else."""
    assert agreement.describe({**NOTHING, **seen}) == words
