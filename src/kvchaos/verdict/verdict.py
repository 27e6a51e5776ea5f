"""From a history to one verdict: every check is asked, the weightiest answer stands. Pure.

The one rule guarded here: what was not observed is not a pass. No checks, an empty history, a
malformed event and a check that breaks are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kvchaos.verdict.checks import CHECKS, Check
from kvchaos.verdict.events import Events
from kvchaos.verdict.records import Malformed
from kvchaos.verdict.result import WEIGHT, Result, Status, Verdict
from kvchaos.verdict.status import EXIT_CODE, status_of

__all__ = ["EXIT_CODE", "Judgement", "Status", "Verdict", "judge", "merge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict over a run, the results it was merged from, and what the run came to."""

    verdict: Verdict
    results: tuple[Result, ...]
    status: Status

    @property
    def exit_code(self) -> int:
        return EXIT_CODE[self.status]

    def of(self, verdict: Verdict) -> list[Result]:
        """The results with this verdict, in the order of the checks."""
        return [result for result in self.results if result.verdict is verdict]


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The weightiest of them; unknown when there are none, as no checks prove nothing."""
    return max(verdicts, key=WEIGHT.__getitem__, default=Verdict.UNKNOWN)


def judge(events: Events, checks: Sequence[Check] = CHECKS) -> Judgement:
    """The verdict over this history, with each check's answer."""
    if not events:
        nothing = Result("history", Verdict.UNKNOWN, "the history is empty: nothing was recorded")
        return Judgement(Verdict.UNKNOWN, (nothing,), Status.UNKNOWN)
    results = tuple(_ask(check, events) for check in checks)
    verdict = merge(result.verdict for result in results)
    return Judgement(verdict, results, status_of(verdict, events))


def _ask(check: Check, events: Events) -> Result:
    name = check.__name__.replace("_", " ")
    try:
        return check(events)
    except Malformed as error:
        return Result(name, Verdict.UNKNOWN, f"malformed history: {error}")
    except Exception as error:  # noqa: BLE001 - a check that breaks is unknown, whatever broke it
        why = f"the check itself broke: {type(error).__name__}: {error}"
        return Result(name, Verdict.UNKNOWN, why)
