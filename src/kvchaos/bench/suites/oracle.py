"""What it costs to know what an engine should hold: batches folded, numbered, and copied out."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from kvchaos.bench.suite import benchmark
from kvchaos.bench.timing import Bench
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.wire import Batch, BlockRemoved, BlockStored, Event

ENGINE = EngineId(pod="engine-0", uid="1", rank=0)
BLOCKS = 8
BATCHES = 2000


@benchmark("oracle.fold", unit="us of CPU", gate=True)
def fold(bench: Bench) -> Iterator[float]:
    """Take over a batch: 8 blocks stored, the 8 of an older batch removed."""
    batches = churn(bench.rng)

    def work() -> None:
        oracle = Oracle()
        oracle.begin(ENGINE, epoch=0, complete=True)
        for seq, batch in enumerate(batches):
            oracle.apply(ENGINE, batch, seq=seq)

    while True:
        yield bench.timed(work, calls=5).cpu / BATCHES * 1e6


def churn(rng: Random) -> list[Batch]:
    """Batches that each store eight blocks and remove those stored a thousand batches before."""
    stored: list[list[int | bytes]] = [
        [rng.getrandbits(64) for _ in range(BLOCKS)] for _ in range(BATCHES)
    ]
    batches = []
    for number, blocks in enumerate(stored):
        events: list[Event] = [BlockStored(blocks, None, [], 16, None, "GPU", None)]
        if number >= BATCHES // 2:
            old = stored[number - BATCHES // 2]
            events += [BlockRemoved([block], "GPU") for block in old]
        batches.append(Batch(float(number), events, 0))
    return batches
