"""This tree against a baseline: the same benchmarks on both, in turn, on this machine.

Where the baseline's commit is not to be had (a wheel, a shallow clone) its stored figures are the
base, in units of the calibration loop: another day, maybe another machine, so that only a slowdown
of more than ``APART`` is told from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from kvchaos.bench.detect import Judgement, interval, judge
from kvchaos.bench.pairs import Compared, Plan, compare_trees
from kvchaos.bench.results import Results
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.trees import Tree, at_commit, copied
from kvchaos.bench.workers import BenchmarkFailed, worker
from kvchaos.clock import Clock

APART = 0.35
"""Threshold where the two sides were not measured in turn."""
SAMPLES = 30

Told = Callable[[list[Compared]], None]


def gated(benchmarks: Iterable[Benchmark]) -> list[Benchmark]:
    """Those that can raise the alarm."""
    return [each for each in benchmarks if _gates(each)]


def unloaded(broken: Mapping[str, str]) -> list[Compared]:
    """Suites that could not be loaded, and why: what they would have raised the alarm for is open.

    Each stands for all of its figures.
    """
    return [
        Compared(f"suite {suite}", "", True, Judgement.UNKNOWN, reason=f"not loaded: {error}")
        for suite, error in broken.items()
    ]


def against_commit(
    benchmarks: Iterable[Benchmark], revision: str, *, plan: Plan, clock: Clock, told: Told
) -> list[Compared]:
    """What became of each figure since that commit."""
    with TemporaryDirectory(prefix="kvchaos-bench-") as folder:
        base, this = at_commit(revision, Path(folder, "base")), copied(Path(folder, "this"))
        return against_tree(benchmarks, base, this, plan=plan, clock=clock, told=told)


def against_tree(
    benchmarks: Iterable[Benchmark], base: Tree, this: Tree, *, plan: Plan, clock: Clock, told: Told
) -> list[Compared]:
    """What each figure is in ``this``, beside ``base``."""
    whole = []
    for benchmark in benchmarks:
        found = compare_trees(benchmark, base, this, plan=plan, clock=clock)
        told(found)
        whole += found
    return whole


def against_figures(
    benchmarks: Iterable[Benchmark],
    stored: Results,
    tree: Tree,
    *,
    seed: int,
    clock: Clock,
    told: Told,
) -> list[Compared]:
    """What became of each gate since its calibrated figure was stored."""
    whole = []
    for benchmark in benchmarks:
        found = _scaled(benchmark, stored, tree, seed, clock)
        told(found)
        whole += found
    return whole


def _scaled(
    benchmark: Benchmark, stored: Results, tree: Tree, seed: int, clock: Clock
) -> list[Compared]:
    try:
        taken = _taken(benchmark, tree, seed, clock)
    except BenchmarkFailed as error:
        return [_unknown(benchmark, name, str(error)) for name in _gates(benchmark)]
    return [_beside(benchmark, name, stored, taken) for name in _gates(benchmark)]


def _taken(
    benchmark: Benchmark, tree: Tree, seed: int, clock: Clock
) -> list[tuple[dict[str, float], float]]:
    """Samples, each with the seconds of the calibration loop right after it."""
    with worker(benchmark, tree, seed=seed, clock=clock) as process:
        process.take(1)  # warms up
        turns = [process.take(1, calibrate=1) for _ in range(SAMPLES)]
    return [(samples[0], loops[0]) for samples, loops in turns]


def _beside(
    benchmark: Benchmark, name: str, stored: Results, taken: list[tuple[dict[str, float], float]]
) -> Compared:
    figure, label = benchmark.figures[name], benchmark.label(name)
    base = stored.figures.get(label)
    if base is None or not base.calibrated:
        return _unknown(benchmark, name, "the baseline has no calibrated figure of it")
    scaled = [figure.calibrated(sample[name], loop) for sample, loop in taken]
    found = interval([figure.worse(each, base.calibrated) for each in scaled])
    now = median(sample[name] for sample, _ in taken)
    judgement = judge(found, threshold=APART)
    reason = "the noise is too much to tell" if judgement is Judgement.UNKNOWN else ""
    return Compared(label, figure.unit, True, judgement, base.median, now, found, reason)


def _unknown(benchmark: Benchmark, name: str, reason: str) -> Compared:
    unit = benchmark.figures[name].unit
    return Compared(benchmark.label(name), unit, True, Judgement.UNKNOWN, reason=reason)


def _gates(benchmark: Benchmark) -> list[str]:
    return [name for name, figure in benchmark.figures.items() if figure.gate]
