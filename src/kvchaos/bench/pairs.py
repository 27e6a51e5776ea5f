"""Two trees measured in turn, until it is known whether one is slower, or the bound is reached.

A round is base, this, this, base (or the other way round), so that a machine that gets faster or
slower meanwhile does so for both. A launch is some rounds with a fresh process for each side: the
same code differs by some per cent from process to process, by where things lie in memory. Rounds
whose interval still crosses the threshold after a launch ask for another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import fmean, median

from kvchaos.bench.detect import THRESHOLD, Interval, Judgement, interval, judge
from kvchaos.bench.suite import Benchmark, Figure
from kvchaos.bench.trees import Tree
from kvchaos.bench.workers import BenchmarkFailed, Worker, worker
from kvchaos.clock import Clock

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; ``seconds`` bounds a benchmark, checked before each launch."""

    rounds: int = 4
    fewest: int = 3
    """Launches, before anything is judged."""
    most: int = 15
    """Launches, after which nobody knows."""
    turn: float = 0.06
    """Seconds that a side measures at a stretch, at least."""
    seconds: float = 120.0
    threshold: float = THRESHOLD
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of one figure; ``base`` and ``this`` are medians of its turns."""

    label: str
    unit: str
    gate: bool
    judgement: Judgement
    base: float | None = None
    this: float | None = None
    ratio: Interval | None = None
    """Above 1 is worse than the base, whichever way the figure should go."""
    reason: str = ""


@dataclass(slots=True)
class _Seen:
    """One figure's turns so far, a pair a round."""

    base: list[float] = field(default_factory=list)
    this: list[float] = field(default_factory=list)

    def ratios(self, figure: Figure) -> list[float]:
        pairs = zip(self.base, self.this, strict=True)
        return [figure.worse(this, base) for base, this in pairs]


def compare_trees(
    benchmark: Benchmark, base: Tree, this: Tree, *, plan: Plan, clock: Clock
) -> list[Compared]:
    """What became of each figure of the benchmark; one that gives none is unknown, with why."""
    seen = {name: _Seen() for name in benchmark.figures}
    began = clock.now()
    reason = ""
    for launch in range(plan.most):
        try:
            for name, (old, new) in _launch(benchmark, (base, this), plan, launch, clock):
                seen[name].base.append(old)
                seen[name].this.append(new)
        except BenchmarkFailed as error:
            reason = str(error)
            break
        spent = clock.now() - began
        known = launch + 1 >= plan.fewest and _decided(benchmark, seen, plan)
        if known or spent * (launch + 2) / (launch + 1) > plan.seconds:
            break
    return [_compared(benchmark, name, seen[name], plan, reason) for name in benchmark.figures]


def _launch(
    benchmark: Benchmark, trees: tuple[Tree, Tree], plan: Plan, launch: int, clock: Clock
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each round's pair of each figure, from two new processes."""
    with ExitStack() as stack:
        sides = [
            stack.enter_context(worker(benchmark, tree, seed=plan.seed + launch, clock=clock))
            for tree in trees
        ]
        count = _samples(sides, plan, clock)
        for number in range(plan.rounds):
            first = (launch + number) % 2
            order = [sides[first], sides[1 - first], sides[1 - first], sides[first]]
            turns = [_turn(side, count) for side in order]
            halves = (turns[0], turns[3]), (turns[1], turns[2])
            pair = halves[first], halves[1 - first]
            for name in benchmark.figures:
                old, new = (fmean(turn[name] for turn in half) for half in pair)
                yield name, (old, new)


def _samples(sides: list[Worker], plan: Plan, clock: Clock) -> int:
    """How many samples make a turn, the same for both."""
    for side in sides:
        side.take(1)  # the first one warms up
    began = clock.now()
    sides[0].take(1)
    took = max(clock.now() - began, 1e-4)
    return max(1, math.ceil(plan.turn / took))


def _turn(side: Worker, samples: int) -> Figures:
    found, _ = side.take(samples)
    return {name: fmean(each[name] for each in found) for name in found[0]}


def _decided(benchmark: Benchmark, seen: Mapping[str, _Seen], plan: Plan) -> bool:
    """Whether all that can raise the alarm is known."""
    gates = {name: figure for name, figure in benchmark.figures.items() if figure.gate}
    return Judgement.UNKNOWN not in {
        judge(interval(seen[name].ratios(figure)), threshold=plan.threshold)
        for name, figure in gates.items()
    }


def _compared(benchmark: Benchmark, name: str, seen: _Seen, plan: Plan, reason: str) -> Compared:
    figure = benchmark.figures[name]
    label = benchmark.label(name)
    if reason or not seen.base:
        return Compared(label, figure.unit, figure.gate, Judgement.UNKNOWN, reason=reason)
    found = interval(seen.ratios(figure))
    judgement = judge(found, threshold=plan.threshold)
    open_end = f"not decided after {len(seen.base)} rounds"
    return Compared(
        label,
        figure.unit,
        figure.gate,
        judgement,
        median(seen.base),
        median(seen.this),
        found,
        open_end if judgement is Judgement.UNKNOWN else "",
    )
