"""The machine of the sequences' merging, walked at random: many more steps than Hypothesis takes.

What it looks for is rare: a message of a life in between, stitched to the present one, takes a
dozen acts in one order. A walk that fails is told by its number, which plays it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.sequence_machine import Streams

WALKS = {"nightly": 60_000}.get(os.environ.get("HYPOTHESIS_PROFILE", "ci"), 3_000)
STEPS = 40
SEED = int(os.environ.get("KVCHAOS_WALKS_SEED", "7"))


def is_offered(machine: Streams, act: str) -> bool:
    """What the machine's preconditions say."""
    return {
        "disconnect": machine.connected,
        "reconnect": not machine.connected,
        "read": bool(machine.link),
        "serve": machine.request is not None,
        "read_replies": bool(machine.replies),
        "silence": machine.tracker.asking and not machine.replies and machine.request is None,
    }.get(act, True)


ACTS: dict[str, Callable[[Random], dict[str, Any]]] = {
    "publish": lambda rng: {"times": rng.randint(1, 4), "copies": rng.choice((0, 1, 1, 1, 2))},
    "publish_fails": lambda rng: {},
    "disconnect": lambda rng: {},
    "reconnect": lambda rng: {"reads_first": rng.random() < 0.5},
    "restart": lambda rng: {
        "in_flight": rng.random() < 0.5,
        "unseen": rng.randint(0, 3),
        "returns": rng.random() < 0.7,
    },
    "read": lambda rng: {"count": rng.randint(1, 5), "at_once": rng.random() < 0.5},
    "serve": lambda rng: {"dropped": {seq for seq in range(2, 8) if rng.random() < 0.2}},
    "read_replies": lambda rng: {"count": rng.randint(1, 5)},
    "silence": lambda rng: {},
    "answer": lambda rng: {"answered": rng.randint(1, 3), "reads_first": rng.random() < 0.5},
}
SELDOM = {"publish_fails": 0.8, "silence": 0.5, "disconnect": 0.3}
"""The share of walks without an act after which little is complete, or can be, any more."""


def walk(rng: Random) -> None:
    machine = Streams()
    machine.start(
        buffer=rng.choice((1000, 1000, 1, 3, 0)),
        hold=rng.choice((1000, 1, 4)),
        tries=rng.choice((1, 3)),
        window=rng.choice((1000, 1, 3)),
    )
    left_out = {act for act, share in SELDOM.items() if rng.random() < share}
    acts = [act for act in ACTS if act not in left_out]
    for _ in range(STEPS):
        act = rng.choice([each for each in acts if is_offered(machine, each)])
        getattr(machine, act)(**ACTS[act](rng))
        machine.nothing_is_skipped_repeated_or_mixed_unsaid()
        machine.order_is_kept()
    machine.teardown()


@pytest.mark.parametrize("part", range(10))
def test_no_walk_ends_in_a_false_complete(part: int) -> None:
    """Nothing is skipped, repeated or mixed unsaid; and what can be had is had in the end."""
    for number in range(part, WALKS, 10):
        try:
            walk(Random(f"{SEED}/{number}"))
        except AssertionError as error:
            pytest.fail(f"walk {SEED}/{number}: {error}")
