"""What a record does not tell, or tells in another type, is not there."""

from __future__ import annotations

import math

import pytest

from kvchaos.gameday.facts import facts
from kvchaos.report.figures import figures
from kvchaos.report.html.scale import number as drawn
from kvchaos.report.json import as_json
from kvchaos.report.reading import fields, number, objects
from kvchaos.verdict.verdict import judge

NO_FIGURES: list[object] = [None, True, "7", [], {}, math.nan, math.inf, -math.inf, 1e300]


@pytest.mark.parametrize("value", NO_FIGURES, ids=repr)
def test_what_can_not_have_been_measured_is_no_number(value: object) -> None:
    """A truth, a text, what is endless or far too large."""
    assert number(value) is None


def test_what_is_read_has_its_type() -> None:
    """An object, a list of objects, a number; else nothing of it."""
    assert [number(each) for each in (0, -3, 2.5, 1e12)] == [0.0, -3.0, 2.5, 1e12]
    assert [fields(each) for each in ({"a": 1}, [1], None, "x")] == [{"a": 1}, {}, {}, {}]
    assert [objects(each) for each in ([{"a": 1}, 2, None], {"a": 1}, None)] == [[{"a": 1}], [], []]


@pytest.mark.parametrize("value", NO_FIGURES, ids=repr)
def test_all_readers_of_a_record_take_the_same_for_a_number(value: object) -> None:
    """A game day, a report over many runs, and a page."""
    load = {"sent": value, "failed": value, "hit_tokens": value, "prompt_tokens": value}
    record = as_json([], judge([])) | {
        "traffic": [load, None],
        "worst": {"missing": value},
        "faults": [{"held": value}],
    }

    day, run = facts(record), figures(record)

    assert (day.requests, day.failed_requests, day.hit_ratio, day.missing) == (0, 0, None, None)
    assert day.fault_time == 0
    assert (run.requests, run.failed, run.hit_ratio, run.missing) == (None, None, None, None)
    assert drawn(value) is None
