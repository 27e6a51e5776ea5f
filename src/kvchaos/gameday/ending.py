"""Whether a game day may go on: its budget before a run, its stop conditions after one. Pure.

The rule guarded here: what would exceed the budget does not begin, and what a run left or broke
is never followed by another fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.gameday.day import Attempt, Day, Stop, Stopped
from kvchaos.gameday.plan import Budget, StopWhen
from kvchaos.verdict.events import many
from kvchaos.verdict.result import Status
from kvchaos.verdict.times import asked, span

ALWAYS = frozenset({Status.ABORTED, Status.RESIDUE})
BAD = frozenset({Status.UNKNOWN, Status.FAIL, Status.RESIDUE})
"""What counts as a failure; a run that was broken off is played again."""
UNUSABLE = 4
"""The exit code of an experiment that could not be used as it stands."""


def spent_budget(day: Day, budget: Budget, *, faults: int) -> Stopped | None:
    """What keeps a run with that many ``faults`` from beginning; None: the budget has room."""
    why = next(_spent(day, budget, faults), "")
    return Stopped(Stop.BUDGET, f"the budget is spent: {why}") if why else None


def time_left(day: Day, budget: Budget) -> float | None:
    """Seconds that a run may take now; None: as long as it needs."""
    return None if budget.time is None else max(0.0, budget.time - day.took)


def ended_by(attempt: Attempt, title: str, when: StopWhen) -> Stopped | None:
    """What of this run ends the game day; None: nothing."""
    why = next(_ends(attempt, when), "")
    return Stopped(Stop.RUN, f"{title}: {why}") if why else None


def _spent(day: Day, budget: Budget, faults: int) -> Iterator[str]:
    told = [attempt.facts for attempt in day.attempts]
    done = sum(each.faults for each in told)
    if budget.faults is not None and done + faults > budget.faults:
        more = f", the next run has {faults}" if faults else ""
        yield f"{done} of {budget.faults} faults{more}"
    under = sum(each.fault_time for each in told)
    if budget.fault_time is not None and under >= budget.fault_time:
        yield f"{span(under)} of {asked(budget.fault_time)} under faults"
    bad = sum(attempt.status in BAD for attempt in day.attempts)
    if budget.failures is not None and bad > budget.failures:
        yield f"{many(bad, 'run')} did not pass, {budget.failures} may"
    failed = sum(each.failed_requests for each in told)
    if budget.failed_requests is not None and failed > budget.failed_requests:
        yield f"{failed} requests failed, {budget.failed_requests} may"
    if budget.time is not None and day.took >= budget.time:
        yield f"{span(day.took)} of {asked(budget.time)}"


def _ends(attempt: Attempt, when: StopWhen) -> Iterator[str]:
    facts = attempt.facts
    if attempt.status in ALWAYS or attempt.exit_code == UNUSABLE:
        yield attempt.why or str(attempt.status)
    if attempt.status in when.status:
        yield f"its status is {attempt.status}"
    took = facts.recovery or 0.0
    if when.recovery_over is not None and took > when.recovery_over:
        yield f"recovered after {span(took)}, later than {asked(when.recovery_over)}"
    if when.missing_over is not None and (facts.missing or 0) > when.missing_over:
        yield f"{facts.missing} blocks were missing, more than {when.missing_over}"
