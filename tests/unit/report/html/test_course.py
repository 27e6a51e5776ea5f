"""The course that all charts of a run share."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from kvchaos.report.html.course import LETTER, MAX_PINS, NARROW, Band, Pin, course, placed
from kvchaos.report.html.scale import Scale
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import (
    altered,
    injected,
    run_that_recovered,
    run_that_stayed_wrong,
    run_that_was_aborted,
    started,
)


def record_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    """As a run would write it."""
    return as_json(events, judge(events))


def test_a_fault_and_the_recovery_after_it_are_shaded() -> None:
    """From injection to heal, and from the heal until the index agreed."""
    events = run_that_recovered()
    record = record_of(events)
    fault, moments = record["faults"][0], record["recovery"]["timeline"]

    bands = course(events, record).bands

    assert bands == (
        Band("fault", "network partition", fault["injected"], fault["healed"]),
        Band("heal", "recovering", moments["healed"], moments["agreed"]),
    )


def test_a_fault_whose_effect_was_seen_first_is_shaded_from_then() -> None:
    """Chaos Mesh says that it injected a fault once it is done."""
    events = altered(run_that_recovered(), "effect", effect_at=3.2)

    fault = course(events, record_of(events)).faults[0]

    assert (fault.start, fault.end) == (3.2, record_of(events)["faults"][0]["healed"])


def test_a_recovery_that_did_not_come_is_open() -> None:
    """It is shaded as long as somebody waited."""
    events = run_that_stayed_wrong()

    assert [(band.kind, band.open) for band in course(events, record_of(events)).bands] == [
        ("fault", False),
        ("heal", True),
    ]


def test_a_fault_whose_end_nobody_saw_goes_on_to_the_end() -> None:
    """The run may have been killed meanwhile."""
    events = [started(), injected()]

    bands = course(events, record_of(events)).bands

    assert bands == (Band("fault", "network partition, end not seen", 3.52, 3.53, open=True),)


def test_a_stop_is_marked() -> None:
    """With its moment among the others."""
    events = run_that_was_aborted()
    told = course(events, record_of(events))

    assert told.stops == (9.2,)
    assert "stopped 9.20 s" in [pin.text for pin in told.pins]


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.3, 1.0], ids=str)
def test_labels_never_meet(spread: float) -> None:
    """Nor on a phone: those that would stand in rows of their own."""
    pins = [Pin(50 + spread * at, f"index agrees {at}", "heal") for at in range(-40, 40)]

    told = placed(pins, Scale(0.0, 100.0))

    for row in range(MAX_PINS):
        spans = sorted(_span(pin) for pin in told if pin.row == row)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert len(told) == MAX_PINS


def _span(pin: Pin) -> tuple[float, float]:
    place, width = pin.at * NARROW / 100, LETTER * len(pin.text) + 12
    return (place - width, place) if pin.left else (place, place + width)
