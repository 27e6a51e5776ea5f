"""How long after its publishing a batch is visible in the oracle's index.

Sent by another process each 5 ms, with the time by the machine's monotonic clock; looked for each
0.1 ms, which is how exact the figures are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvchaos.bench.feeding import CLOCK
from kvchaos.bench.publishing import engines, observing
from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.errors import KVChaosError
from kvchaos.observer import Observer

BATCHES = 300
PACE = 0.005
LOOK = 0.0001
LIMIT = 30.0
FIGURES = {name: Figure("ms") for name in ("p50", "p95", "p99")}


@benchmark("latency.oracle", figures=FIGURES)
def oracle(bench: Bench) -> Iterator[dict[str, float]]:
    """From a batch's publishing in another process to its blocks in the oracle."""
    while True:
        with engines(seed=bench.seed, pace=PACE) as found, observing(found) as observer:
            found.go()
            seen = visible(observer)
            sent = found.sent()
        took = sorted((saw - left) * 1e3 for saw, left in zip(seen, sent, strict=False))
        yield {f"p{at}": percentile(took, at) for at in (50, 95, 99)}


def visible(observer: Observer) -> list[float]:
    """When each of the first batches was seen to be in the oracle."""
    engine = observer.engines()[0]
    seen: list[float] = []
    deadline = CLOCK.now() + LIMIT
    while len(seen) < BATCHES:
        head = observer.head(engine)
        now = CLOCK.now()
        seen += [now] * ((-1 if head is None else head) + 1 - len(seen))
        if now > deadline:
            raise KVChaosError("batches", wanted=f"{BATCHES} seen", saw=str(len(seen)))
        CLOCK.sleep(LOOK)
    return seen


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many per cent of them are not above."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
