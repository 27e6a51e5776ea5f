"""What a history says counts where its events are of one run, and in their order."""

from __future__ import annotations

import math

import pytest

from kvchaos.verdict.history_checks import history_in_order, not_stopped, run_reached_its_end
from kvchaos.verdict.result import passed, unknown
from tests.builders import Json, event, injected, run_that_recovered, sample, started

ORDER = "history in order"
NO_START = "it does not begin with the start of a run"
BACK = "its clock went back, or an event has no time"


def test_history_of_one_run_passes() -> None:
    """From its start on, on a clock that never goes back."""
    assert history_in_order([started(), sample(1.0), sample(1.0)]) == passed(
        ORDER, "3 events of one run"
    )


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([], NO_START),
        ([sample(1.0)], NO_START),
        ([started(), started()], "it has the start of 2 runs"),
        ([sample(0.0), started()], NO_START),
        ([started(), sample(2.0), sample(1.0)], BACK),
        ([started(), {**sample(1.0), "at": math.nan}, sample(1.0)], BACK),
        ([started(), {**sample(1.0), "at": math.inf}], BACK),
        ([started(), {**sample(1.0), "at": None}], BACK),
        ([started(), {**sample(1.0), "at": True}], BACK),
        ([started(), {"event": "sample"}], BACK),
        (
            [started(), event(1.0, "run_ended", journal="completed"), injected()],
            "a fault was injected after the end of the run",
        ),
    ],
)
def test_history_of_two_runs_or_out_of_order_is_unknown(history: list[Json], why: str) -> None:
    """What was agreed in one run is no recovery of another."""
    assert history_in_order(history) == unknown(ORDER, why)


def test_wall_time_that_goes_back_changes_nothing() -> None:
    """A clock that is set during the run is not the clock that runs are judged by."""
    jumped = [{**each, "wall": "1999-01-01T00:00:00.000Z"} for each in run_that_recovered()]

    assert history_in_order(jumped) == history_in_order(run_that_recovered())


def test_run_that_nobody_stopped_passes() -> None:
    """Nothing ended it early."""
    assert not_stopped([started()]) == passed(
        "not stopped", "nobody and nothing ended the run early"
    )


def test_run_that_was_stopped_is_unknown_by_its_first_stop() -> None:
    """What came of it later is not what was to be tested."""
    history = [
        event(9.0, "stop", by="signal", reason="SIGTERM"),
        event(9.5, "stop", by="hold", reason="maintenance"),
    ]

    assert not_stopped(history) == unknown(
        "not stopped", "the run was ended early: signal, SIGTERM"
    )


def test_run_that_preflight_refused_did_not_start() -> None:
    """All reasons are told at once."""
    findings = [{"refusal": "hold", "text": "a hold is on", "look": "kvchaos release"}, "no target"]
    history = [event(1.0, "preflight", targets=[], findings=findings, notes=[])]

    assert run_reached_its_end(history) == unknown(
        "run reached its end",
        "preflight refused the run for 2 reasons",
        "a hold is on",
        "no target",
    )


def test_preflight_that_found_nothing_says_nothing_of_the_end() -> None:
    """The run may begin: that is all."""
    fine = event(1.0, "preflight", targets=["a"], findings=[], notes=[])
    end = event(9.0, "run_ended", journal="completed")

    assert run_reached_its_end([fine, end]).verdict == "pass"
    assert run_reached_its_end([fine]).verdict == "unknown"
