"""What a block costs in the oracle's memory: its number, its place, the counts of its copies.

Resident memory, at the fill at which the tables have just grown, which is their worst. The second
figure is with a copy of all for a comparison, which is there only while somebody compares.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.suites.compare import fed
from kvchaos.bench.suites.memory import resident
from kvchaos.bench.timing import Bench

ENGINES = 10
BLOCKS = ENGINES * 157_400
"""A table of 2^18 places is doubled at 60 % of them."""
FIGURES = {"oracle": Figure("bytes", target=120.0), "with_copy": Figure("bytes")}


@benchmark("memory.per_block", figures=FIGURES, samples=1)
def per_block(bench: Bench) -> Iterator[dict[str, float]]:
    """Resident memory for each block that the oracle knows."""
    fed(bench.rng, ENGINES * 1000, ENGINES)
    gc.collect()
    before = resident()
    oracle = fed(bench.rng, BLOCKS, ENGINES)
    gc.collect()
    alone = resident() - before
    expected = oracle.expected()
    yield {"oracle": alone / BLOCKS, "with_copy": (resident() - before) / BLOCKS}
    del expected
