"""What an engine costs the observer in memory, beside its blocks: sockets, buffers, bookkeeping."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kvchaos.bench.publishing import engines, observing
from kvchaos.bench.suite import benchmark
from kvchaos.bench.timing import Bench

ENGINES = 200
KIB = 1024


@benchmark("memory.per_engine", unit="KiB", samples=1)
def per_engine(bench: Bench) -> Iterator[float]:
    """Resident memory for each of 200 idle engines that are followed."""
    with engines(seed=bench.seed) as found, observing(found):
        before = resident()  # one engine, and all that is there once
    with engines(seed=bench.seed, count=ENGINES + 1) as found, observing(found, ENGINES + 1):
        after = resident()
    yield (after - before) / ENGINES / KIB


def resident() -> int:
    """Bytes of this process that are in memory, as proc(5) tells."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
