"""Whatever a history lacks or garbles, the verdict is told, and it is no pass."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kvchaos.report.json import as_json
from kvchaos.report.summary import summary
from kvchaos.verdict.verdict import Verdict, judge, merge
from tests.builders import Json, run_that_recovered

NEEDED = sorted({each["event"] for each in run_that_recovered()} - {"run_started", "traffic"})
NAMES = [*NEEDED, "run_started", "traffic", "stream", "fault_failed", "something else"]
FIELDS = sorted({field for each in run_that_recovered() for field in each})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sets(st.sampled_from(NEEDED), min_size=1))
def test_run_that_lacks_any_evidence_is_no_pass(lost: set[str]) -> None:
    """Every kind of evidence that a pass rests on is needed."""
    history = [each for each in run_that_recovered() if each["event"] not in lost]

    assert judge(history).verdict is not Verdict.PASS


@st.composite
def garbled(draw: st.DrawFn) -> list[Json]:
    """The good history with one field of one kind of event replaced by anything at all."""
    name, field = draw(st.sampled_from(NAMES)), draw(st.sampled_from(FIELDS))
    value: Any = draw(ANYTHING)
    return [
        {**each, field: value} if each["event"] == name else each for each in run_that_recovered()
    ]


@given(garbled())
def test_garbled_history_is_judged_and_told(history: list[Json]) -> None:
    """A malformed event is unknown, not a traceback in place of the verdict."""
    judgement = judge(history)
    record = as_json(history, judgement)

    assert json.loads(json.dumps(record))["verdict"] == judgement.verdict
    assert f" {judgement.verdict.upper()} " in summary(history, judgement)


@given(st.lists(st.fixed_dictionaries({"event": st.sampled_from(NAMES)})))
def test_events_without_any_field_are_never_a_pass(history: list[Json]) -> None:
    """Names alone say nothing."""
    judgement = judge(history)

    assert judgement.verdict is not Verdict.PASS
    assert summary(history, judgement)


@given(st.lists(st.sampled_from(Verdict)), st.sampled_from(Verdict))
def test_one_more_answer_never_makes_a_verdict_better(
    verdicts: list[Verdict], one_more: Verdict
) -> None:
    """Unless there was none at all; and the order does not matter."""
    order = [Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL]

    merged = merge([*verdicts, one_more])

    assert merged is merge([one_more, *reversed(verdicts)])
    if verdicts:
        assert order.index(merged) >= order.index(merge(verdicts))
