"""What it costs to compare an index with the oracle, and to copy the oracle out for it.

As blocks grow (10^4 to 10^7 over ten engines) and as engines grow (1 to 1,000 over 10^5 blocks).
Both sides have numbers of their own, as after decoding, and hold the same blocks: the usual case,
and the dearest, since every block has to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.index.compare import compare
from kvchaos.index.names import EngineId
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.wire import Batch, BlockStored

AT_ONCE = 64
ENGINES = 10


def fed(rng: Random, blocks: int, engines: int) -> Oracle:
    """An oracle that knows so many blocks of so many engines."""
    oracle = Oracle()
    for number in range(engines):
        engine = EngineId(f"engine-{number}", str(number), 0)
        oracle.begin(engine, epoch=0, complete=True)
        left = blocks // engines
        for seq in range(-(-left // AT_ONCE)):
            some = min(AT_ONCE, left - seq * AT_ONCE)
            names: list[int | bytes] = [rng.getrandbits(64) for _ in range(some)]
            event = BlockStored(names, None, [], 16, None, "GPU")
            oracle.apply(engine, Batch(0.0, [event], 0), seq=seq)
    return oracle


def indexed(oracle: Oracle) -> Observed:
    """A router's index of the same blocks; its numbers are other objects."""
    views = {}
    for engine, expected in oracle.expected().items():
        blocks = {
            key: frozenset(block ^ 1 ^ 1 for block in found)
            for key, found in expected.blocks.items()
        }
        views[engine.pod, engine.rank] = EngineView(blocks)
    return Observed(views)


def compared(bench: Bench, blocks: int, engines: int) -> Iterator[float]:
    """CPU seconds of one comparison of two that agree."""
    oracle = fed(bench.rng, blocks, engines)
    observed, expected = indexed(oracle), oracle.expected()
    alive = {engine.pod for engine in expected}
    calls = max(1, 500_000 // blocks)
    while True:
        yield bench.timed(lambda: compare(expected, observed, alive=alive), calls=calls).cpu


@benchmark("compare.blocks_1e4", unit="s of CPU")
def blocks_1e4(bench: Bench) -> Iterator[float]:
    """Compare ten thousand blocks of ten engines."""
    yield from compared(bench, 10**4, ENGINES)


@benchmark("compare.blocks_1e5", unit="s of CPU", gate=True)
def blocks_1e5(bench: Bench) -> Iterator[float]:
    """Compare a hundred thousand blocks of ten engines."""
    yield from compared(bench, 10**5, ENGINES)


@benchmark("compare.blocks_1e6", unit="s of CPU", target=0.5)
def blocks_1e6(bench: Bench) -> Iterator[float]:
    """Compare a million blocks of ten engines."""
    yield from compared(bench, 10**6, ENGINES)


@benchmark("compare.blocks_1e7", unit="s of CPU", target=6.0, samples=3, slow=True, timeout=300)
def blocks_1e7(bench: Bench) -> Iterator[float]:
    """Compare ten million blocks of ten engines; takes about 3 GB."""
    yield from compared(bench, 10**7, ENGINES)


@benchmark("compare.engines_1", unit="s of CPU")
def engines_1(bench: Bench) -> Iterator[float]:
    """Compare a hundred thousand blocks of one engine."""
    yield from compared(bench, 10**5, 1)


@benchmark("compare.engines_1000", unit="s of CPU")
def engines_1000(bench: Bench) -> Iterator[float]:
    """Compare a hundred thousand blocks of a thousand engines."""
    yield from compared(bench, 10**5, 1000)


@benchmark(
    "compare.apart_1e6",
    figures={"lost": Figure("s of CPU", target=0.5), "wrong": Figure("s of CPU", target=0.5)},
)
def apart_1e6(bench: Bench) -> Iterator[dict[str, float]]:
    """Compare a million blocks with an index that lost all of them, and with one of others."""
    oracle = fed(bench.rng, 10**6, ENGINES)
    wrong, expected = indexed(fed(bench.rng, 10**6, ENGINES)), oracle.expected()
    alive, lost = {engine.pod for engine in expected}, Observed({})
    while True:
        yield {
            name: bench.timed(lambda with_=index: compare(expected, with_, alive=alive)).cpu  # type: ignore[misc]  # bound now
            for name, index in (("lost", lost), ("wrong", wrong))
        }


@benchmark("compare.copy_1e6", unit="s of CPU")
def copy_1e6(bench: Bench) -> Iterator[float]:
    """Copy a million blocks out of the oracle, while the receive loop has to wait."""
    oracle = fed(bench.rng, 10**6, ENGINES)
    while True:
        yield bench.timed(oracle.expected).cpu
