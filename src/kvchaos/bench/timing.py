"""How long something takes: CPU time of this process, all its threads, beside the wall clock.

CPU time is what counts on a machine with other work. The work is done at least ``calls`` times;
with ``extra`` work it is done that much more often and not counted more often, which makes the
program really slower: ``kvchaos bench prove`` shows with it that a slowdown is noticed.
"""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from kvchaos.clock import Clock, SystemClock

EXTRA = "KVCHAOS_BENCH_EXTRA_WORK"
"""The variable that says how much of the measured work is done once more, such as 0.2."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of one call, the mean over all of them."""

    cpu: float
    wall: float


def cpu_seconds() -> float:
    """CPU time that this process has used so far, user and system, to the microsecond."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Bench:
    """What a benchmark gets: random numbers by ``seed``, a clock, and a stop watch."""

    def __init__(self, seed: int, *, extra: float = 0.0, clock: Clock | None = None) -> None:
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311  # data to measure with
        self.clock = clock or SystemClock()
        self._extra = extra
        self._owed = 0.0

    def timed(self, work: Callable[[], object], *, calls: int = 1) -> Timed:
        """Seconds of one call of ``work``, the garbage that it makes included.

        ``calls`` in a row should take 20 ms or more, so that reading the clock costs nothing.
        """
        done = calls + self._more(calls)
        gc.collect()
        cpu, wall = cpu_seconds(), self.clock.now()
        for _ in range(done):
            work()
        cpu, wall = cpu_seconds() - cpu, self.clock.now() - wall
        return Timed(cpu / calls, wall / calls)

    def _more(self, calls: int) -> int:
        """How many calls more there are to do; what is no whole call is owed to the next time."""
        self._owed += calls * self._extra
        whole = int(self._owed + 1e-9)
        self._owed -= whole
        return whole


def extra_work() -> float:
    """What the environment asks for; 0 for nothing."""
    return float(os.environ.get(EXTRA, "0"))
