"""Two sets of runs beside each other, experiment by experiment: what differs, and what got worse.

Pure. The rule guarded here: what nobody can tell is told as that, and is no good news: an
experiment that only A has, a metric that only one of both has, runs that are too few.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from kvchaos.report.answers import Answer, Question, answers
from kvchaos.report.distribution import Distribution, distribution
from kvchaos.report.figures import Figures
from kvchaos.report.measures import METRICS, PASSED, RECOVERY, SETTINGS, Metric
from kvchaos.report.ranks import Shift, needed
from kvchaos.verdict.result import ORDER, Status


@dataclass(frozen=True, slots=True)
class Side:
    """One metric over one set of runs; ``never``: how many were endless, ``unknown``: not known.

    ``middle`` is the median of all that are not unknown, endless ones too; of shares the mean.
    """

    known: Distribution
    never: int
    unknown: int
    middle: float | None

    @property
    def count(self) -> int:
        return self.known.count + self.never


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of both; ``shift`` is of B against A, None where the runs are too few."""

    metric: Metric
    a: Side
    b: Side
    shift: Shift | None
    answer: Answer

    @property
    def is_open(self) -> bool:
        """Whether nobody knows what became of it, of what at least one set of runs has.

        How it recovered and whether it passed is asked of every experiment.
        """
        seen = self.a.count or self.b.count or self.metric in (RECOVERY, PASSED)
        return bool(seen) and self.answer in (Answer.TOO_FEW, Answer.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment in both sets: how the runs went, the metrics, and what was not the same."""

    title: str
    statuses: tuple[dict[str, int], dict[str, int]]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def recovery(self) -> Row:
        return self.rows[0]

    def those(self, answer: Answer) -> list[Row]:
        """The rows with this answer."""
        return [row for row in self.rows if row.answer is answer]

    @property
    def open(self) -> list[Row]:
        """The rows of which nobody knows what became."""
        return [row for row in self.rows if row.is_open]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sets by their names; the experiments of both, and those that only one of them has."""

    a: str
    b: str
    experiments: tuple[Experiment, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    enough: int
    """So many runs of each experiment in both tell all that can be told."""

    @property
    def worse(self) -> list[tuple[Experiment, Row]]:
        """What got worse from A to B, for more than chance."""
        return [(each, row) for each in self.experiments for row in each.those(Answer.WORSE)]

    @property
    def is_sure(self) -> bool:
        """Whether all that was asked has an answer: nothing is missing, open, or not in B."""
        return not self.only_a and not any(each.open for each in self.experiments)


def compare(
    first: Sequence[Figures], second: Sequence[Figures], *, names: tuple[str, str]
) -> Comparison:
    """The runs of ``second`` (B) against those of ``first`` (A), by their experiments.

    When each has one experiment, these are compared, whatever they are called.
    """
    of_a, of_b = _by_experiment(first), _by_experiment(second)
    if len(of_a) == len(of_b) == 1:
        pairs = [(next(iter(of_a)), next(iter(of_b)))]
    else:
        pairs = [(title, title) for title in of_a if title in of_b]
    asked = [_asked(of_a[a], of_b[b]) for a, b in pairs]
    flat = [each for of_one in asked for each in of_one]
    found = iter(answers(flat))
    return Comparison(
        a=names[0],
        b=names[1],
        experiments=tuple(
            _experiment(pair, each, [next(found) for _ in each])
            for pair, each in zip(pairs, asked, strict=True)
        ),
        only_a=tuple(title for title in of_a if title not in {a for a, _ in pairs}),
        only_b=tuple(title for title in of_b if title not in {b for _, b in pairs}),
        enough=needed(sum(any(each.values) for each in flat)),
    )


def _by_experiment(runs: Sequence[Figures]) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {}
    for run in runs:
        found.setdefault(run.experiment, []).append(run)
    return found


def _asked(of_a: Sequence[Figures], of_b: Sequence[Figures]) -> list[Question]:
    return [Question(metric, of_a, of_b) for metric in METRICS]


def _experiment(
    titles: tuple[str, str], asked: Sequence[Question], found: Sequence[Answer]
) -> Experiment:
    (a, b), of_a, of_b = titles, asked[0].of_a, asked[0].of_b
    other = [f"not the same experiment: A {a}, B {b}"] if a != b else []
    return Experiment(
        title=b,
        statuses=(_statuses(of_a), _statuses(of_b)),
        rows=tuple(_row(each, answer) for each, answer in zip(asked, found, strict=True)),
        notes=(*other, *_differing(of_a, of_b), *_failed(of_a, of_b)),
    )


def _failed(of_a: Sequence[Figures], of_b: Sequence[Figures]) -> list[str]:
    """That B failed where A never did: a fact, also where it may be chance."""
    failed = [sum(run.status is Status.FAIL for run in of_it) for of_it in (of_a, of_b)]
    if failed[0] or not failed[1]:
        return []
    return [f"B failed in {failed[1]} of {len(of_b)} runs, A in none of {len(of_a)}"]


def _statuses(runs: Sequence[Figures]) -> dict[str, int]:
    counted = Counter(run.status for run in runs)
    return {str(status): counted[status] for status in ORDER if counted[status]}


def _differing(of_a: Sequence[Figures], of_b: Sequence[Figures]) -> list[str]:
    notes = []
    for name, told in SETTINGS:
        had = [
            sorted({str(said) for run in of_it if (said := told(run))}) for of_it in (of_a, of_b)
        ]
        if had[0] != had[1]:
            said = [", ".join(each) or "none told" for each in had]
            notes.append(f"not the same {name}: A {said[0]}, B {said[1]}")
    return notes


def _row(asked: Question, answer: Answer) -> Row:
    a, b = (
        _side(asked.metric, [asked.metric.value(run) for run in runs])
        for runs in (asked.of_a, asked.of_b)
    )
    return Row(asked.metric, a, b, asked.shift, answer)


def _side(metric: Metric, values: Sequence[float | None]) -> Side:
    known = sorted(value for value in values if value is not None)
    middle = median(known) if known and metric is not PASSED else fmean(known) if known else None
    return Side(distribution(known), known.count(math.inf), len(values) - len(known), middle)
