"""A page is written whatever a history holds: damaged, hostile, or of another version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kvchaos.report.folder import RunData
from kvchaos.report.html import Spread, distribution_chart, run_page
from kvchaos.report.json import as_json
from kvchaos.verdict.history import read
from kvchaos.verdict.verdict import judge
from tests.hostile import ODD_JSON

Json = dict[str, Any]

RECORDED = read(Path(__file__).parents[1] / "data" / "runs" / "aborted" / "history.jsonl")
PLACE = re.compile(r'(?:x1?|x2|width|cx)="(-?[\d.e+-]+)%"')


@st.composite
def damaged(draw: st.DrawFn) -> list[Json]:
    """A run's history of which some fields hold something else, and some events are missing."""
    events = [dict(each) for each in RECORDED]
    for _ in range(draw(st.integers(1, 8))):
        event = events[draw(st.integers(0, len(events) - 1))]
        key = draw(st.sampled_from([*event]))
        event[key] = draw(ODD_JSON)
    first = draw(st.integers(0, 3))
    return events[first : draw(st.integers(first, len(events)))]


@settings(max_examples=60)
@given(events=damaged())
def test_no_history_keeps_a_page_from_being_written(events: list[Json]) -> None:
    """Each place in its charts is within them, and nothing of the run is markup."""
    record = as_json(events, judge(events))

    page = run_page(RunData(Path("run"), [*events], record, {}, {}))

    assert page.endswith("</html>")
    assert all(0 <= float(place) <= 100 for place in PLACE.findall(page))
    assert not re.search(r"\b(nan|inf)\b[%\"]", page)


LISTED, OPEN = ("faults", "traffic"), ("run", "worst", "recovery", "observer", "preflight", "stop")


@settings(max_examples=60)
@given(draw=st.data())
def test_no_record_keeps_a_page_from_being_written(draw: st.DataObject) -> None:
    """One that was read back may hold anything in the parts that nobody checks."""
    record = as_json(RECORDED, judge(RECORDED))
    for _ in range(draw.draw(st.integers(1, 4))):
        key = draw.draw(st.sampled_from((*LISTED, *OPEN)))
        part = dict(record[key][0] if key in LISTED else record[key] or {"agreed": None})
        part[draw.draw(st.sampled_from([*part]))] = draw.draw(ODD_JSON)
        record[key] = [part] if key in LISTED else part

    page = run_page(RunData(Path("run"), [*RECORDED], record, {}, {}))

    assert page.endswith("</html>")


@given(values=st.lists(st.floats() | st.integers(-(2**70), 2**70)))
def test_distributions_take_any_figures(values: list[float]) -> None:
    """What is no figure is left out."""
    drawn = str(distribution_chart([Spread(name="x", values=values)], limit=1.0))

    assert all(0 <= float(place) <= 100 for place in PLACE.findall(drawn))
