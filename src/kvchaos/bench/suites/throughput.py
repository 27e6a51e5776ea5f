"""Blocks a second that the observer takes in: receive, decode, order, oracle, end to end.

The observer is on one core and the publisher on the other. Blocks per second of CPU (of the
observer's process, all threads) tell what one core does on a machine that has other work as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from kvchaos.bench.feeding import CLOCK
from kvchaos.bench.publishing import engines, observing
from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench, cpu_seconds
from kvchaos.clock import poll
from kvchaos.errors import KVChaosError
from kvchaos.observer import Observer

SECONDS = 1.0
WARM = 1000
"""Batches before it is measured."""
FIGURES = {
    "blocks": Figure("blocks/s", Better.HIGHER, 300_000),
    "blocks_per_cpu": Figure("blocks/s of CPU", Better.HIGHER, gate=True),
}


@benchmark("throughput.stored", figures=FIGURES, timeout=60)
def stored(bench: Bench) -> Iterator[dict[str, float]]:
    """Take in batches of 8 blocks stored as fast as the observer can."""
    yield from observed(bench, "stored")


@benchmark("throughput.churn", figures={**FIGURES, "blocks": Figure("blocks/s", Better.HIGHER)})
def churn(bench: Bench) -> Iterator[dict[str, float]]:
    """Take in batches of 8 blocks stored and 8 removed as fast as the observer can."""
    yield from observed(bench, "churn")


def observed(bench: Bench, kind: str) -> Iterator[dict[str, float]]:
    """Samples of ``SECONDS`` each, from a new publisher and a new observer each time."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    while True:
        with engines(kind, seed=bench.seed, core=cores[-1]) as found, observing(found) as observer:
            found.go()
            yield _sample(observer)


def _sample(observer: Observer) -> dict[str, float]:
    """Rates while it runs; KVChaosError if a batch got lost, which would be no throughput."""
    engine = observer.engines()[0]
    poll(
        lambda: observer.head(engine) or 0,
        lambda head: head > WARM,
        timeout=10,
        every=0.01,
        clock=CLOCK,
    )
    first, began, cpu = observer.status()["blocks"], CLOCK.now(), cpu_seconds()
    CLOCK.sleep(SECONDS)
    last, took, spent = observer.status()["blocks"], CLOCK.now() - began, cpu_seconds() - cpu
    if gaps := observer.wait_ready(0.0):
        raise KVChaosError("batches got lost", saw=str(gaps))
    return {"blocks": (last - first) / took, "blocks_per_cpu": (last - first) / spent}
