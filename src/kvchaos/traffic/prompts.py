"""Prompts as lists of token ids: seeded, and never the same twice.

The one rule guarded here: a prompt's first block is in no other prompt of the run, nor of another
run, so that an engine that was not asked before has none of it in its cache, and a router cannot
have learnt it from an earlier probe (design: prefixes for routing probes are used once).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

FIRST_ID = 1_000
"""Below it tokenizers keep their special tokens."""
VOCABULARY = 32_000
"""Ids stay below it: every model in use has at least as many tokens."""
_DIGITS = 3
_BASE = VOCABULARY - FIRST_ID


class Prompts:
    """An endless supply of prompts; ``seed`` and ``run`` decide them all. Safe across threads.

    ``run`` is the run's id: two runs with one seed would else find each other's blocks cached.
    """

    def __init__(self, seed: int, *, run: str = "", block_size: int = 16) -> None:
        if block_size < _DIGITS + 1:
            raise ValueError(f"a block of {block_size} tokens is too small to be unique")
        self.block_size = block_size
        self._name = f"{seed}/{run}"
        self._numbers = itertools.count()

    def take(self, blocks: int, *, after: Sequence[int] = ()) -> list[int]:
        """The next prompt: ``after`` (whole blocks that it shares), then ``blocks`` new ones."""
        number = next(self._numbers)
        rng = Random(f"{self._name}/{number}")  # noqa: S311  # reproducible, not secret
        size = blocks * self.block_size - _DIGITS
        fresh = [rng.randrange(FIRST_ID, VOCABULARY) for _ in range(size)]
        return [*after, *_digits(number), *fresh]


def _digits(number: int) -> list[int]:
    """``number`` as three token ids: 2.9e13 prompts differ in them alone."""
    high, low = divmod(number, _BASE)
    top, middle = divmod(high, _BASE)
    return [FIRST_ID + top % _BASE, FIRST_ID + middle, FIRST_ID + low]
