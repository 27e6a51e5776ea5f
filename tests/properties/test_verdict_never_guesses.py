"""Whatever a history lacks or garbles, the verdict is told, and it is no pass."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.report.json import as_json
from kvchaos.report.summary import summary
from kvchaos.verdict.verdict import Verdict, judge, merge
from tests.builders import (
    PARTITION,
    Json,
    event,
    run_that_left_residue,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_was_aborted,
    run_whose_api_went_away,
    run_whose_fault_ended_early,
)

RUNS = (
    run_that_recovered(),
    run_that_was_aborted(),
    run_that_left_residue(),
    run_whose_api_went_away(),
    run_that_preflight_refused(),
    run_whose_fault_ended_early(),
)
NEEDED = sorted({each["event"] for each in run_that_recovered()} - {"traffic"})
NAMES = [
    *NEEDED,
    "traffic",
    "stream",
    "fault_failed",
    "stop",
    "targets_replaced",
    "preflight",
    "other",
]
FIELDS = sorted({field for run in RUNS for each in run for field in each})
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


NUMBER = object()


@given(st.sets(st.sampled_from(NEEDED), min_size=1))
def test_run_that_lacks_any_evidence_is_no_pass(lost: set[str]) -> None:
    """Every kind of evidence that a pass rests on is needed."""
    history = [each for each in run_that_recovered() if each["event"] not in lost]

    assert judge(history).verdict is not Verdict.PASS


@st.composite
def garbled(draw: st.DrawFn) -> list[Json]:
    """A history with one field of one kind of event replaced by anything at all."""
    run = draw(st.sampled_from(RUNS))
    name, field = draw(st.sampled_from(NAMES)), draw(st.sampled_from(FIELDS))
    value: Any = draw(ANYTHING)
    return [{**each, field: value} if each["event"] == name else each for each in run]


TRUTHS = (True, False, None)
DECIDING: dict[tuple[str, ...], tuple[object, ...]] = {
    ("hypothesis", "when"): ("before", "during", "after"),
    ("hypothesis", "met"): TRUTHS,
    ("hypothesis", "failed"): ([],),
    ("activity", "type"): ("action", "probe"),
    ("activity", "phase"): ("before", "method", "during", "after", "rollbacks"),
    ("activity", "outcome"): ("succeeded", "failed"),
    ("fault_injected", "fault"): (),
    ("fault_injected", "fault", "kind"): (PARTITION["kind"],),
    ("fault_injected", "fault", "namespace"): (PARTITION["namespace"],),
    ("fault_injected", "fault", "name"): (PARTITION["name"],),
    ("fault_injected", "targets"): ([],),
    ("fault_injected", "injected"): (NUMBER,),
    ("fault_injected", "requested"): (NUMBER, None),
    ("fault_injected", "duration"): (NUMBER, None),
    ("effect", "fault"): (),
    ("effect", "effect"): ("confirmed", "not effective", "inconclusive"),
    ("effect", "evidence"): (),
    ("effect", "effect_at"): (NUMBER,),
    ("fault_recovered", "fault"): (),
    ("fault_recovered", "healed"): (NUMBER,),
    ("fault_recovered", "held"): (NUMBER, None),
    ("fault_recovered", "asked"): (NUMBER, None),
    ("sample", "at"): (NUMBER,),
    ("sample", "agrees"): TRUTHS,
    ("recovery", "at"): (NUMBER,),
    ("recovery", "agreed"): TRUTHS,
    ("recovery", "budget"): (NUMBER,),
    ("recovery", "timeline"): (),
    ("recovery", "timeline", "healed"): (NUMBER,),
    ("recovery", "timeline", "agreed"): (NUMBER,),
    ("recovery", "flushed"): (NUMBER,),
    ("recovery", "samples_needed"): (NUMBER,),
    ("recovery", "left"): (),
    ("recovery", "left", "engines"): ({},),
    ("recovery", "left", "ghosts"): ([],),
    ("recovery", "left", "unknown"): ({},),
    ("residue", "left"): ([],),
    ("residue", "unconfirmed"): ([],),
    ("observer", "up"): TRUTHS,
    ("observer", "sampler_up"): TRUTHS,
    ("observer", "engines"): (NUMBER,),
    ("observer", "batches"): (NUMBER,),
    ("observer", "malformed"): (0,),
    ("observer", "incomplete"): ({},),
    ("run_ended", "journal"): ("completed",),
}
"""Each field that a check rests on, with the values that are of its form; all others garble it."""


def of_its_form(value: object, path: tuple[str, ...]) -> bool:
    """``1`` is not ``True``, and neither are NaN and the endless a number."""
    number = type(value) in (int, float) and 0 <= float(str(value)) < math.inf
    good = DECIDING[path]
    return (NUMBER in good and number) or any(
        type(value) is type(each) and value == each for each in good
    )


def with_value(event: Json, path: tuple[str, ...], value: object) -> Json:
    """The event with this in place of what is at the path."""
    key, *rest = path
    return {**event, key: with_value(event[key], tuple(rest), value) if rest else value}


def garbled_at(path: tuple[str, ...], value: object) -> list[Json]:
    """The good history with this field of this kind of event replaced."""
    name, *field = path
    return [
        with_value(each, tuple(field), value) if each["event"] == name else each
        for each in run_that_recovered()
    ]


@given(st.sampled_from(sorted(DECIDING)), st.data())
def test_garbled_deciding_field_is_no_pass(path: tuple[str, ...], data: st.DataObject) -> None:
    """No text is a truth, no empty text an empty list, no truth a number."""
    value = data.draw(ANYTHING.filter(lambda value: not of_its_form(value, path)))

    assert judge(garbled_at(path, value)).verdict is not Verdict.PASS


LIKELY: tuple[object, ...] = (
    "no",
    "",
    "yes",
    "0",
    True,
    1,
    0,
    1.0,
    math.nan,
    math.inf,
    -1.0,
    None,
    {},
    [],
    ["a"],
)


@pytest.mark.parametrize("path", sorted(DECIDING), ids=".".join)
def test_deciding_field_garbled_in_a_likely_way_is_no_pass(path: tuple[str, ...]) -> None:
    """The values that look like an answer, each in each place."""
    wrong = [value for value in LIKELY if not of_its_form(value, path)]

    passing = [value for value in wrong if judge(garbled_at(path, value)).verdict == "pass"]

    assert passing == []


@given(
    st.sampled_from(RUNS),
    st.lists(
        st.sampled_from(
            [
                event(99.0, "stop", by="signal", reason="SIGTERM"),
                event(99.0, "residue", left=["rules in a"], unconfirmed=[]),
                event(99.0, "residue", left=None, unconfirmed=["partition"]),
                event(99.0, "targets_replaced", fault=PARTITION, pods=["a"], replaced_at=9.0),
                event(99.0, "preflight", targets=[], findings=["no target"], notes=[]),
                event(99.0, "fault_failed", fault=PARTITION, error="not injected"),
                event(99.0, "hypothesis", when="during", met=False, failed=["a"]),
                event(99.0, "activity", name="a", type="action", phase="method"),
                event(99.0, "run_started"),
                event(0.0, "sample"),
            ]
        ),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_bad_news_anywhere_in_a_history_is_no_pass(
    run: list[Json], news: list[Json], random: Random
) -> None:
    """Whenever it comes, and whatever good follows it."""
    history = list(run)
    for each in news:
        history.insert(random.randrange(len(history) + 1), each)

    judgement = judge(history)

    assert judgement.verdict is not Verdict.PASS
    assert judgement.exit_code != 0


@given(garbled())
def test_garbled_history_is_judged_and_told(history: list[Json]) -> None:
    """A malformed event is unknown, not a traceback in place of the verdict."""
    judgement = judge(history)
    record = as_json(history, judgement)

    assert json.loads(json.dumps(record))["status"] == judgement.status
    assert f" {judgement.status.upper()} " in summary(history, judgement)


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
