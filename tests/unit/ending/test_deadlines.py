"""How long an activity may take, and who is told when it takes longer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kvchaos.clock import SystemClock
from kvchaos.ending.deadlines import Deadlines, seconds_asked
from tests.scripted import FakeClock

Json = dict[str, Any]


def activity(pauses: Json | None = None, **provider: Any) -> Json:
    return {"name": "a", "provider": provider, **({"pauses": pauses} if pauses else {})}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (activity(), 0),
        ({"name": "without provider"}, 0),
        (activity(arguments={"within": 5, "blocks": 8}), 5),
        (activity(arguments={"held": "${held}", "timeout": 60}), 67.5),
        (activity(arguments={"settle": 1, "budget": 2, "visible_within": 4}), 7),
        (activity(arguments={"visible_within": None}), 0),
        (activity(arguments=["--timeout", "9"], timeout=20), 20),
        (activity(timeout=[3, 4]), 7),
        (activity({"before": 1, "after": "${held}"}), 8.5),
        (activity(arguments={"within": "soon", "timeout": -3}), 0),
    ],
)
def test_an_activity_has_the_seconds_that_it_was_given(given: Json, seconds: float) -> None:
    """By its arguments, its provider and its pauses, as they are resolved."""
    assert seconds_asked(given, {"held": 7.5}, {}) == seconds


def test_what_is_overdue_is_told_once() -> None:
    """With what it is and the seconds that it had."""
    clock, told = FakeClock(), list[str]()
    deadlines = Deadlines(told.append, clock=clock)
    deadlines.arm("probe 'x'", seconds=5)

    clock.sleep(4.9)
    deadlines.look()
    early = list(told)
    clock.sleep(0.2)
    deadlines.look()
    deadlines.look()

    assert (early, told) == ([], ["probe 'x' did not answer within 5 s"])


def test_what_answered_in_time_is_not_told() -> None:
    """Nor what was never begun."""
    clock, told = FakeClock(), list[str]()
    deadlines = Deadlines(told.append, clock=clock)
    deadlines.arm("probe 'x'", seconds=5)
    deadlines.disarm()
    deadlines.disarm()

    clock.sleep(10)
    deadlines.look()

    assert told == []


def test_each_thread_has_its_own() -> None:
    """A hypothesis that is asked all the time must not end the deadline of the method."""
    clock, told = FakeClock(), list[str]()
    deadlines = Deadlines(told.append, clock=clock)
    deadlines.arm("the method's", seconds=5)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(deadlines.arm, "the hypothesis's", seconds=2).result()
        pool.submit(deadlines.disarm).result()
    armed = deadlines.is_armed(threading.get_ident())

    clock.sleep(5)
    deadlines.look()

    assert (armed, deadlines.is_armed(threading.get_ident())) == (True, False)
    assert told == ["the method's did not answer within 5 s"]


def test_it_looks_by_itself_until_it_is_stopped() -> None:
    """On a thread of its own."""
    late = threading.Event()
    deadlines = Deadlines(lambda _: late.set(), clock=SystemClock())
    deadlines.arm("probe 'x'", seconds=0)

    deadlines.start()
    told = late.wait(10)
    deadlines.stop()

    assert told
    assert "kvchaos-deadlines" not in [each.name for each in threading.enumerate()]
