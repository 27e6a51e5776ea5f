"""Blocks a second that the observer takes in: receive, decode, order, oracle, end to end.

The observer is on one core and the publisher on the other. Blocks per second of CPU (of the
observer's process, all threads) tell what one core does on a machine that has other work as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from kvchaos.bench.feeding import BLOCKS, CLOCK
from kvchaos.bench.publishing import engines, observing
from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench, cpu_seconds
from kvchaos.clock import poll
from kvchaos.errors import KVChaosError
from kvchaos.observer.observer import Observer

SECONDS = 0.5
LIMIT = 20.0
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
    """Samples of ``SECONDS`` each; in between, the publisher rests and the observer catches up."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    with engines(kind, seed=bench.seed, core=cores[-1]) as found, observing(found) as observer:
        while True:
            found.go()
            rates = _rates(observer)
            _caught_up(observer, found.rest())
            yield rates


def _rates(observer: Observer) -> dict[str, float]:
    """Blocks a second while it runs, by the clock and by the CPU."""
    before = _head(observer)
    _until(lambda: _head(observer) > before + WARM)
    first, began, cpu = _head(observer), CLOCK.now(), cpu_seconds()
    CLOCK.sleep(SECONDS)
    last, took, spent = _head(observer), CLOCK.now() - began, cpu_seconds() - cpu
    blocks = (last - first) * BLOCKS
    return {"blocks": blocks / took, "blocks_per_cpu": blocks / spent}


def _caught_up(observer: Observer, sent: int) -> None:
    """KVChaosError if a batch got lost, which would be no throughput."""
    _until(lambda: _head(observer) == sent - 1)
    if gaps := observer.wait_ready(LIMIT):
        raise KVChaosError("batches got lost", saw=str(gaps))


def _head(observer: Observer) -> int:
    head = observer.head(observer.engines()[0])
    return -1 if head is None else head


def _until(done: Callable[[], bool]) -> None:
    poll(done, lambda it: it, timeout=LIMIT, every=0.01, clock=CLOCK)
