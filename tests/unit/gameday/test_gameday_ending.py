"""Budgets and stop conditions: what keeps the next run from beginning."""

from __future__ import annotations

import pytest

from kvchaos.gameday.day import Attempt, Day, Facts, Step, Stop, Stopped
from kvchaos.gameday.ending import ended_by, spent_budget, time_left
from kvchaos.gameday.plan import Budget, StopWhen
from kvchaos.verdict.result import Status

FACTS = Facts(faults=1, fault_time=10.0, requests=100, failed_requests=3, recovery=2.5, missing=40)


def attempt(status: Status = Status.PASS, *, code: int = 0, why: str = "") -> Attempt:
    return Attempt(0.0, ended=30.0, status=status, exit_code=code, why=why, facts=FACTS)


def day(*attempts: Attempt) -> Day:
    steps = [Step(n, "a", n, attempts=[each]) for n, each in enumerate(attempts, 1)]
    return Day("weekly", "to know", "us", "plan.yaml", "", 0.0, steps)


TWO = day(attempt(), attempt(Status.FAIL, code=1))


@pytest.mark.parametrize(
    ("budget", "why"),
    [
        (Budget(faults=2), "2 of 2 faults, the next run has 1"),
        (Budget(fault_time=20.0), "20.0 s of 20 s under faults"),
        (Budget(failures=0), "1 run did not pass, 0 may"),
        (Budget(failed_requests=5), "6 requests failed, 5 may"),
        (Budget(time=60.0), "60.0 s of 60 s"),
    ],
    ids=["faults", "fault_time", "failures", "failed_requests", "time"],
)
def test_what_is_spent_is_told(budget: Budget, why: str) -> None:
    """Each kind by itself."""
    assert spent_budget(TWO, budget, faults=1) == Stopped(
        Stop.BUDGET, f"the budget is spent: {why}"
    )


def test_a_budget_with_room_lets_the_next_one_begin() -> None:
    """Just so: the next fault is the last."""
    room = Budget(faults=3, fault_time=20.5, failures=1, failed_requests=6, time=61.0)

    assert (spent_budget(TWO, room, faults=1), time_left(TWO, room)) == (None, 1.0)


def test_a_run_that_was_broken_off_costs_no_failure() -> None:
    """It is played again."""
    broken = day(attempt(Status.ABORTED, code=3))

    assert spent_budget(broken, Budget(failures=0), faults=1) is None


@pytest.mark.parametrize(
    ("last", "when", "why"),
    [
        (attempt(Status.ABORTED, code=3), StopWhen(), "aborted"),
        (attempt(Status.RESIDUE, code=5, why="rules are left"), StopWhen(), "rules are left"),
        (attempt(Status.UNKNOWN, code=4, why="not usable"), StopWhen(), "not usable"),
        (attempt(Status.FAIL, code=1), StopWhen(frozenset({"fail"})), "its status is fail"),
        (
            attempt(),
            StopWhen(recovery_over=2.0),
            "recovered after 2.50 s, later than 2 s",
        ),
        (attempt(), StopWhen(missing_over=39), "40 blocks were missing, more than 39"),
    ],
    ids=["aborted", "residue", "unusable", "status", "recovery", "missing"],
)
def test_a_run_that_ends_the_day_says_why(last: Attempt, when: StopWhen, why: str) -> None:
    """What is left behind, aborted or unusable always does."""
    assert ended_by(last, "a", when) == Stopped(Stop.RUN, f"a: {why}")


def test_a_run_within_the_conditions_ends_nothing() -> None:
    """Nor does a fail that no condition names."""
    near = StopWhen(frozenset({"unknown"}), recovery_over=2.5, missing_over=40)

    assert ended_by(attempt(Status.FAIL, code=1), "a", near) is None
