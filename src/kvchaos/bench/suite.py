"""What a benchmark is, and how one is written: a generator that yields a figure for each sample.

    @benchmark("compare.blocks_1e6", unit="s", better="lower", target=0.5, gate=True)
    def blocks_1e6(bench: Bench) -> Iterator[float]:
        '''CPU time of one comparison of a million blocks that agree.'''
        expected, observed = books(bench.rng, 10**6)      # set up, once in a process
        while True:
            yield bench.timed(lambda: compare(expected, observed, alive=ALIVE)).cpu

What comes before the first yield is not measured, what is in a ``finally`` cleans up; the harness
takes as many samples as it wants and then closes the generator. A benchmark that finds several
figures at once declares ``figures`` and yields a mapping: its results are ``name.figure``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kvchaos.bench.timing import Bench

Sample = float | Mapping[str, float]
Run = Callable[[Bench], Iterator[Sample]]
TIMES = frozenset({"s", "ms", "us"})
"""First words of units of time; ``us of CPU`` is one, ``blocks/s`` is a rate."""
ONLY = ""
"""The figure's name where a benchmark has one alone."""


class Better(StrEnum):
    """Which way a figure should go."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a benchmark finds; ``gate``: a regression of it raises the alarm.

    A gate should rest on CPU time, or be a ratio of two things that were measured in turn: wall
    time on a machine with other work tells of the other work.
    """

    unit: str
    better: Better = Better.LOWER
    target: float | None = None
    gate: bool = False

    def calibrated(self, value: float, loop: float) -> float:
        """The value in units of a calibration loop that took ``loop`` seconds: a time divided by
        them, a rate multiplied with them; anything else does not depend on the machine's speed.
        """
        what = self.unit.partition(" ")[0]
        if what in TIMES:
            return value / loop
        return value * loop if what.endswith("/s") else value

    def worse(self, this: float, base: float) -> float:
        """How many times worse ``this`` is than ``base``, whichever way the figure should go."""
        top, bottom = (this, base) if self.better is Better.LOWER else (base, this)
        if bottom == 0:
            return 1.0 if top == 0 else math.inf
        return top / bottom

    def meets(self, value: float) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return value <= self.target if self.better is Better.LOWER else value >= self.target


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark with what the harness needs to know of it."""

    name: str
    run: Run
    figures: Mapping[str, Figure]
    samples: int
    slow: bool
    lab: bool
    timeout: float
    about: str

    def label(self, figure: str) -> str:
        """The name of one of its figures in results and baselines."""
        return f"{self.name}.{figure}" if figure else self.name

    def read(self, sample: Sample) -> dict[str, float]:
        """A sample's figures by name; KeyError or ValueError if it is not what was declared."""
        found = dict(sample) if isinstance(sample, Mapping) else {ONLY: sample}
        if found.keys() != self.figures.keys():
            raise ValueError(f"{self.name} declares {[*self.figures]} and yields {[*found]}")
        return {name: float(value) for name, value in found.items()}


_BENCHMARKS: dict[str, Benchmark] = {}


def benchmark(
    name: str,
    *,
    unit: str = "",
    better: str = Better.LOWER,
    target: float | None = None,
    gate: bool = False,
    figures: Mapping[str, Figure] | None = None,
    samples: int = 5,
    slow: bool = False,
    lab: bool = False,
    timeout: float = 120.0,
) -> Callable[[Run], Run]:
    """Registers the generator under it as the benchmark ``name``, such as ``wire.decode_map``.

    ``samples`` is how many a plain run takes; ``slow`` leaves it out of ``--quick``, ``lab`` says
    that it starts a lab; ``timeout`` bounds the set-up and each sample, in seconds.
    """

    def register(run: Run) -> Run:
        if name in _BENCHMARKS:
            raise ValueError(f"there are two benchmarks {name}")
        only = {ONLY: Figure(unit, Better(better), target, gate)}
        about = (run.__doc__ or "").strip().partition("\n")[0]
        found = figures if figures is not None else only
        _BENCHMARKS[name] = Benchmark(name, run, found, samples, slow, lab, timeout, about)
        return run

    return register


def registered() -> dict[str, Benchmark]:
    """All that were registered so far, by name; ``kvchaos.bench.catalogue`` knows them all."""
    return dict(sorted(_BENCHMARKS.items()))
