"""A game day with something of everything, and the one before it: what pages have to show."""

from __future__ import annotations

from typing import Any

from kvchaos.gameday.day import Attempt, Day, Facts, Note, Step, Stop, Stopped
from kvchaos.gameday.since import compared
from kvchaos.gameday.summary import summary
from kvchaos.verdict.result import Status


def attempt(number: int, status: Status, seconds: float | None, why: str = "") -> Attempt:
    """A run of ten seconds that came to ``status``."""
    facts = Facts(
        headline=""
        if why
        else f"The router's index became right again {seconds} s after the heal.",
        faults=1,
        fault_time=5.0,
        requests=40,
        failed_requests=number,
        hit_ratio=0.6,
        recovery=seconds,
        missing=16 * number,
    )
    began = 1_795_375_617.0 + 20 * number
    run = f"20261122-1925{number:02}-e6c477"
    return Attempt(
        began, run=run, ended=began + 10, exit_code=0, status=status, why=why, facts=facts
    )


def game_day(*seconds: float) -> Day:
    """One that was ended early: partitions that took so long, a fail, a skip, one not played."""
    cuts = [
        Step(n, "network-partition", n, attempts=[attempt(n, Status.PASS, each)])
        for n, each in enumerate(seconds, 1)
    ]
    n = len(cuts)
    late = "the index agreed 74.1 s after the heal; budget 60 s"
    steps = [
        *cuts,
        Step(n + 1, "pod-kill", 1, attempts=[attempt(n + 1, Status.FAIL, None, late)]),
        Step(n + 2, "router-restart", 1, skipped=True),
        Step(n + 3, "an experiment with a rather long name of its own", 1),
    ]
    return Day(
        "before-the-release",
        "Does the prefix index still become right again by itself, and as fast as last time?",
        "the team that runs the gateway",
        "plan.yaml",
        "",
        1_795_375_617.0,
        steps,
        seed=7,
        context="staging",
        namespace="inference",
        version="0.1.0",
        ended=1_795_375_917.0,
        stopped=Stopped(Stop.BUDGET, "the budget is spent: 1 run did not pass, 0 may"),
        log=[Note(1_795_375_617.0, "started", "game day before-the-release: 6 of 6 to play")],
    )


def told() -> dict[str, Any]:
    """The summary of one that was slower than the last."""
    now = summary(game_day(1.5, 1.7, 1.6))
    before = summary(game_day(0.5, 0.7, 0.6))
    return now | {"since": compared(now, before, folder="kvchaos-gamedays/before")}
