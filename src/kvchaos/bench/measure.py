"""Each benchmark measured by itself, in a process of its own: what the figures are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from kvchaos.bench.machine import machine
from kvchaos.bench.results import Result, Results, result
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.trees import Tree
from kvchaos.bench.workers import BenchmarkFailed, Worker, worker
from kvchaos.clock import Clock

PROFILED = 3.0
Told = Callable[[dict[str, Result], str], None]
"""Called after each benchmark: its figures, or why there are none."""


def measure(
    benchmarks: Iterable[Benchmark],
    tree: Tree,
    *,
    commit: str | None,
    seed: int,
    clock: Clock,
    told: Told,
    profiles: Path | None = None,
    samples: int | None = None,
    broken: Mapping[str, str] | None = None,
) -> Results:
    """The figures of all benchmarks; with ``profiles``, flame graphs come into that folder.

    ``broken``: suites that could not be loaded, and why, which are errors as any other.
    """
    about = machine()
    figures: dict[str, Result] = {}
    errors = {f"suite {suite}": error for suite, error in (broken or {}).items()}
    for benchmark in benchmarks:
        found: dict[str, Result] = {}
        try:
            found = _figures(
                benchmark, tree, seed=seed, clock=clock, profiles=profiles, samples=samples
            )
        except BenchmarkFailed as error:
            errors[benchmark.name] = f"{error}\n{error.said}".strip()
        figures |= found
        told(found, errors.get(benchmark.name, ""))
    return Results(
        commit=commit,
        seed=seed,
        at=clock.wall(),
        kvchaos=version("kvchaos"),
        machine=about,
        figures=figures,
        errors=errors,
    )


def _enough(process: Worker, clock: Clock) -> int:
    """So many samples that a profile sees ``PROFILED`` seconds of them."""
    began = clock.now()
    process.take(1)
    return math.ceil(PROFILED / max(clock.now() - began, 1e-3))


def _figures(
    benchmark: Benchmark,
    tree: Tree,
    *,
    seed: int,
    clock: Clock,
    profiles: Path | None,
    samples: int | None,
) -> dict[str, Result]:
    gates = any(figure.gate for figure in benchmark.figures.values())
    profile = profiles / benchmark.name if profiles else None
    taken: list[dict[str, float]] = []
    scale: list[float] = []
    with worker(benchmark, tree, seed=seed, clock=clock) as process:
        if gates:
            process.take(1)  # warms up; a figure that is no gate may be of a first time
        for _ in range(samples or benchmark.samples):
            found, loops = process.take(1, calibrate=int(gates))
            taken += found
            scale += loops
        if profile:
            process.take(_enough(process, clock), profile=profile)
    return {
        benchmark.label(name): result(figure, [each[name] for each in taken], scale)
        for name, figure in benchmark.figures.items()
    }
