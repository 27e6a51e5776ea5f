"""One verdict from many results; nothing unobserved may become a pass."""

from __future__ import annotations

import pytest

from kvchaos.verdict.checks import CHECKS
from kvchaos.verdict.events import Events
from kvchaos.verdict.result import Result, passed, unknown
from kvchaos.verdict.verdict import Judgement, Status, Verdict, judge, merge
from tests.builders import (
    Json,
    altered,
    run_that_recovered,
    run_that_stayed_wrong,
    run_whose_fault_never_landed,
    run_with_observer_incomplete,
    run_with_router_unreachable,
    without,
)

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [
        ([], UNKNOWN),
        ([PASS], PASS),
        ([PASS, UNKNOWN, PASS], UNKNOWN),
        ([UNKNOWN, FAIL, PASS], FAIL),
    ],
)
def test_merge_takes_the_weightiest(verdicts: list[Verdict], merged: Verdict) -> None:
    """Fail outweighs unknown, unknown outweighs pass, and no checks prove nothing."""
    assert merge(verdicts) is merged


@pytest.mark.parametrize(
    ("history", "verdict", "exit_code"),
    [
        (run_that_recovered(), PASS, 0),
        (run_that_stayed_wrong(), FAIL, 1),
        (run_whose_fault_never_landed(), FAIL, 1),
        (run_with_router_unreachable(), UNKNOWN, 2),
        (run_with_observer_incomplete(), UNKNOWN, 2),
    ],
)
def test_sample_runs_get_their_verdicts(
    history: list[Json], verdict: Verdict, exit_code: int
) -> None:
    """The five runs that a user will meet first."""
    judgement = judge(history)

    assert (judgement.verdict, judgement.exit_code) == (verdict, exit_code)
    assert [result.name for result in judgement.results] == [
        check.__name__.replace("_", " ") for check in CHECKS
    ]


def test_empty_history_is_unknown() -> None:
    """Nothing recorded is nothing known."""
    nothing = unknown("history", "the history is empty: nothing was recorded")

    assert judge([]) == Judgement(UNKNOWN, (nothing,), Status.UNKNOWN)


def test_no_checks_are_unknown() -> None:
    """A verdict must rest on something."""
    assert judge(run_that_recovered(), checks=()) == Judgement(UNKNOWN, (), Status.UNKNOWN)


def good_check(_: Events) -> Result:
    return passed("good check", "fine")


def broken_check(events: Events) -> Result:
    raise KeyError(events[0]["event"])


def test_check_that_raises_is_unknown_with_the_errors_text() -> None:
    """A broken check is neither a pass nor the end of the others."""
    judgement = judge(run_that_recovered(), checks=(broken_check, good_check))

    broken = unknown("broken check", "the check itself broke: KeyError: 'run_started'")
    assert judgement == Judgement(UNKNOWN, (broken, passed("good check", "fine")), Status.UNKNOWN)
    assert judgement.of(UNKNOWN) == [broken]


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("recovery", {"agreed": "no"}, "Expected `bool | null`, got `str` - at `$.agreed`"),
        ("observer", {"up": 1}, "Expected `bool`, got `int` - at `$.up`"),
        ("residue", {"left": ""}, "Expected `array | null`, got `str` - at `$.left`"),
    ],
)
def test_malformed_event_is_unknown_and_named(name: str, fields: Json, why: str) -> None:
    """Whoever reads it must find what is wrong with the history."""
    judgement = judge(altered(run_that_recovered(), name, **fields))

    told = {result.why for result in judgement.of(UNKNOWN)}
    assert (judgement.verdict, told) == (UNKNOWN, {f"malformed history: the event {name}: {why}"})


@pytest.mark.parametrize(
    "name",
    [
        "run_started",
        "hypothesis",
        "activity",
        "fault_injected",
        "effect",
        "fault_recovered",
        "sample",
        "recovery",
        "residue",
        "observer",
        "run_ended",
    ],
)
def test_run_without_one_kind_of_evidence_is_unknown(name: str) -> None:
    """Each kind of event is needed: take it away, and the pass is gone."""
    assert judge(without(run_that_recovered(), name)).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("name", "fields", "verdict"),
    [
        ("activity", {"outcome": "failed"}, FAIL),
        ("hypothesis", {"met": False, "failed": ["index-agrees"]}, FAIL),
        ("fault_injected", {"targets": []}, FAIL),
        ("effect", {"effect": "not effective"}, FAIL),
        ("effect", {"effect": "inconclusive"}, UNKNOWN),
        ("recovery", {"agreed": False}, FAIL),
        ("recovery", {"agreed": None}, UNKNOWN),
        ("recovery", {"budget": None}, UNKNOWN),
        ("sample", {"agrees": None}, UNKNOWN),
        ("residue", {"left": ["rules in pod a"]}, FAIL),
        ("recovery", {"flushed": None}, UNKNOWN),
        ("observer", {"up": False}, UNKNOWN),
        ("observer", {"sampler_up": False}, UNKNOWN),
        ("observer", {"incomplete": {"a/0": "late"}}, UNKNOWN),
        ("fault_recovered", {"held": 4.2}, UNKNOWN),
        ("residue", {"unconfirmed": ["partition"]}, UNKNOWN),
        ("run_ended", {"journal": "aborted"}, UNKNOWN),
        ("run_ended", {"journal": "failed"}, UNKNOWN),
    ],
)
def test_run_with_one_thing_wrong_is_no_pass(name: str, fields: Json, verdict: Verdict) -> None:
    """Every single way in which a run goes wrong is seen by some check."""
    assert judge(altered(run_that_recovered(), name, **fields)).verdict is verdict
