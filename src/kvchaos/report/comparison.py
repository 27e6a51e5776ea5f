"""Two sets of runs beside each other, experiment by experiment: what differs, and what got worse.

Pure. The rule guarded here: nothing is called worse or better that chance explains, and where the
runs are too few to tell, that is the answer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, median

from kvchaos.report.distribution import Distribution, distribution
from kvchaos.report.figures import Figures
from kvchaos.report.ranks import CHANCE, Shift, chance, enough, shift
from kvchaos.verdict.result import ORDER, Status


class Answer(StrEnum):
    """What is known of B against A."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "no difference seen"
    TOO_FEW = "too few runs to say"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared: ``value`` of a run, endless where it never came, None where not known."""

    key: str
    name: str
    unit: str
    value: Callable[[Figures], float | None]
    more_is_better: bool = False


def _recovery(run: Figures) -> float | None:
    return math.inf if run.recovered is False else run.recovery


def _passed(run: Figures) -> float | None:
    """None for a run that tells nothing of the router: unknown, aborted, residue."""
    return {Status.PASS: 1.0, Status.FAIL: 0.0}.get(run.status)


RECOVERY = Metric("recovery_seconds", "recovery", "s", _recovery)
PASSED = Metric("passed", "passed", "%", _passed, more_is_better=True)
METRICS = (
    RECOVERY,
    PASSED,
    Metric("worst_missing", "missing at worst", "blocks", lambda run: run.missing),
    Metric("worst_phantom", "phantom at worst", "blocks", lambda run: run.phantom),
    Metric("hit_ratio", "cache hits", "%", lambda run: run.hit_ratio, more_is_better=True),
    Metric("failed_ratio", "failed requests", "%", lambda run: run.failed_ratio),
    Metric("latency_p95", "latency p95", "s", lambda run: run.p95),
)
SETTINGS: tuple[tuple[str, Callable[[Figures], object]], ...] = (
    ("context", lambda run: run.context),
    ("namespace", lambda run: run.namespace),
    ("version of kvchaos", lambda run: run.version),
    ("budget", lambda run: None if run.budget is None else f"{run.budget:g} s"),
)
"""What should be the same, or the comparison is of something else."""


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sets by their names; the experiments of both, and those that only one of them has."""

    a: str
    b: str
    experiments: tuple[Experiment, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def worse(self) -> list[tuple[Experiment, Row]]:
        """What got worse from A to B, for more than chance."""
        return [(each, row) for each in self.experiments for row in each.those(Answer.WORSE)]


def compare(
    first: Sequence[Figures], second: Sequence[Figures], *, names: tuple[str, str]
) -> Comparison:
    """The runs of ``second`` (B) against those of ``first`` (A), by their experiments.

    When each has one experiment, these are compared, whatever they are called.
    """
    of_a, of_b = _by_experiment(first), _by_experiment(second)
    if len(of_a) == len(of_b) == 1:
        pairs = [(*of_a, *of_b)]
    else:
        pairs = [(title, title) for title in of_a if title in of_b]
    return Comparison(
        a=names[0],
        b=names[1],
        experiments=tuple(_experiment(a, of_a[a], b, of_b[b]) for a, b in pairs),
        only_a=tuple(title for title in of_a if title not in {a for a, _ in pairs}),
        only_b=tuple(title for title in of_b if title not in {b for _, b in pairs}),
    )


def _by_experiment(runs: Sequence[Figures]) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {}
    for run in runs:
        found.setdefault(run.experiment, []).append(run)
    return found


def _experiment(a: str, of_a: list[Figures], b: str, of_b: list[Figures]) -> Experiment:
    other = [f"not the same experiment: A {a}, B {b}"] if a != b else []
    return Experiment(
        title=b,
        statuses=(_statuses(of_a), _statuses(of_b)),
        rows=tuple(_row(metric, of_a, of_b) for metric in METRICS),
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


def _row(metric: Metric, of_a: Sequence[Figures], of_b: Sequence[Figures]) -> Row:
    values = [[metric.value(run) for run in of_it] for of_it in (of_a, of_b)]
    a, b = ([value for value in each if value is not None] for each in values)
    moved = shift(a, b)
    return Row(
        metric=metric,
        a=_side(metric, values[0]),
        b=_side(metric, values[1]),
        shift=moved,
        answer=_answer(metric, a, b, moved, least=_resolution(metric, [*of_a, *of_b])),
    )


def _side(metric: Metric, values: Sequence[float | None]) -> Side:
    known = sorted(value for value in values if value is not None)
    middle = median(known) if known and metric is not PASSED else fmean(known) if known else None
    return Side(distribution(known), known.count(math.inf), len(values) - len(known), middle)


def _resolution(metric: Metric, runs: Sequence[Figures]) -> float:
    """What a recovery cannot be told more exactly than; nothing of the other metrics."""
    known = [run.resolution for run in runs if run.resolution is not None]
    return max(known, default=0.0) if metric is RECOVERY else 0.0


def _answer(
    metric: Metric, a: Sequence[float], b: Sequence[float], moved: Shift | None, *, least: float
) -> Answer:
    if not a or not b:
        return Answer.UNKNOWN
    if not enough(len(a), len(b)):
        return Answer.TOO_FEW
    if chance(a, b) > CHANCE or moved is None or abs(moved.middle) < least:
        return Answer.SAME
    grew = sum(b) / len(b) > sum(a) / len(a) if moved.middle == 0 else moved.middle > 0
    return Answer.BETTER if grew is metric.more_is_better else Answer.WORSE
