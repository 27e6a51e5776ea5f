"""What is known of each metric of B against A, over all that one comparison asks. Pure.

The rule guarded here: nothing is called worse or better that chance explains, however much is asked
at once; where the runs are too few to tell, that is the answer; and a verdict that was always pass
and is never pass any more is worse, whatever chance says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kvchaos.report.figures import Figures
from kvchaos.report.measures import PASSED, RECOVERY, Metric
from kvchaos.report.ranks import Shift, apart, shift
from kvchaos.verdict.result import Status


class Answer(StrEnum):
    """What is known of B against A."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no difference seen"
    TOO_FEW = "too few runs to say"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one experiment in both sets of runs."""

    metric: Metric
    of_a: Sequence[Figures]
    of_b: Sequence[Figures]

    @property
    def values(self) -> tuple[list[float], list[float]]:
        """What is known of it, of A and of B."""
        of_a, of_b = (
            [value for run in runs if (value := self.metric.value(run)) is not None]
            for runs in (self.of_a, self.of_b)
        )
        return of_a, of_b

    @property
    def shift(self) -> Shift | None:
        return shift(*self.values)

    @property
    def least(self) -> float:
        """What a recovery cannot be told more exactly than; nothing of the other metrics."""
        known = [run.resolution for run in (*self.of_a, *self.of_b) if run.resolution is not None]
        return max(known, default=0.0) if self.metric is RECOVERY else 0.0

    @property
    def passes_no_more(self) -> bool:
        """Whether it is about the verdicts, which were all pass and of which none is."""
        before, after = ({run.status for run in runs} for runs in (self.of_a, self.of_b))
        return self.metric is PASSED and before == {Status.PASS} and Status.PASS not in after


def answers(asked: Sequence[Question]) -> list[Answer]:
    """The answer to each, of which any is wrong by chance in at most 1 of 100 comparisons."""
    found = apart([each.values for each in asked])
    return [_answer(each, differs=known) for each, known in zip(asked, found, strict=True)]


def _answer(asked: Question, *, differs: bool | None) -> Answer:
    a, b = asked.values
    if asked.passes_no_more:
        return Answer.WORSE
    if not a or not b:
        return Answer.UNKNOWN
    moved = asked.shift
    if not differs or moved is None:
        return Answer.TOO_FEW if differs is None else Answer.SAME
    if abs(moved.middle) < asked.least:
        return Answer.SAME
    grew = sum(b) / len(b) > sum(a) / len(a) if moved.middle == 0 else moved.middle > 0
    return Answer.BETTER if grew is asked.metric.more_is_better else Answer.WORSE
