"""A suite of benchmarks whose figures are known, and a tree that has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kvchaos.bench.suite import ONLY, Benchmark, Better, Figure
from kvchaos.bench.timing import Bench
from kvchaos.bench.trees import Tree, copied

SUITE = '''
from kvchaos.bench.suite import benchmark
from kvchaos.bench.timing import extra_work


@benchmark("steady.time", unit="s", gate=True)
def time(bench):
    """A second, more by the extra work, and up to 2 % of noise."""
    while True:
        yield (1 + extra_work()) * (1 + bench.rng.random() / 50)


@benchmark("steady.wild", unit="s", gate=True)
def wild(bench):
    """Noise that nothing can be told from."""
    while True:
        yield 1.6 ** bench.rng.choice([-1, 1]) if extra_work() else 1.0


@benchmark("steady.raises", unit="s", gate=True)
def raises(bench):
    """No figure."""
    print("said before")
    raise ValueError("no such thing")
    yield


@benchmark("steady.hangs", unit="s", gate=True)
def hangs(bench):
    """No figure either."""
    while True:
        bench.clock.sleep(60)
    yield


@benchmark("steady.other", unit="s", gate=True)
def other(bench):
    """A figure that was not declared."""
    yield {"other": 1.0}
'''


def planted(folder: Path) -> Tree:
    """A copy of this tree that has the suite ``steady``."""
    tree = copied(folder)
    (tree.source / "kvchaos" / "bench" / "suites" / "steady.py").write_text(SUITE)
    return tree


def known(name: str, *, timeout: float = 30.0) -> Benchmark:
    """What this side knows of a benchmark of the suite."""
    figures = {ONLY: Figure("s", Better.LOWER, gate=True)}
    return Benchmark(f"steady.{name}", iter_nothing, figures, 3, False, False, timeout, "")


def iter_nothing(_: Bench) -> Iterator[float]:
    """In place of the generator, which is in the other process."""
    yield from ()
