"""How long after its publishing a batch is visible in an index: the oracle's and the router's.

Sent by another process each 5 ms, with the time by the machine's monotonic clock. The oracle is
looked at each 0.1 ms, which is how exact its figures are. The reference router notes the moment
itself, in a process of its own (``kvchaos.bench.routing``). A client of it asks ``GET /index`` and
pauses for 1 ms, in turn, and its figures have both in them; without the pause it would slow down
the router that it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kvchaos.bench.feeding import CLOCK
from kvchaos.bench.publishing import engines, observing
from kvchaos.bench.routing import Seen, routed
from kvchaos.bench.suite import Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.clock import Clock, poll
from kvchaos.errors import KVChaosError
from kvchaos.percentile import percentile

BATCHES = 300
PACE = 0.005
LOOK = 0.0001
ASK = 0.001
COUNT = 0.1
LIMIT = 30.0
PERCENTILES = (50, 95, 99)
FIGURES = {f"p{at}": Figure("ms") for at in PERCENTILES}


@benchmark("latency.oracle", figures=FIGURES)
def oracle(bench: Bench) -> Iterator[dict[str, float]]:
    """From a batch's publishing in another process to its blocks in the oracle."""
    while True:
        with engines(seed=bench.seed, pace=PACE) as found, observing(found) as observer:
            engine = observer.engines()[0]
            found.go()
            seen = visible(lambda: observer.head(engine), LOOK)  # noqa: B023  # over with the turn
            sent = found.sent()
        yield figures(sent, seen)


@benchmark("latency.router", figures=FIGURES)
def router(bench: Bench) -> Iterator[dict[str, float]]:
    """From a batch's publishing in another process to its blocks in the router's index."""
    while True:
        with engines(seed=bench.seed, pace=PACE) as found, routed(found) as there:
            found.go()
            seen, _ = poll(
                there.seen,
                lambda seen: len(seen) >= BATCHES,
                timeout=LIMIT,
                every=COUNT,
                clock=CLOCK,
            )
            sent = found.sent()
        yield figures(sent, seen)


@benchmark("latency.client", figures=FIGURES)
def client(bench: Bench) -> Iterator[dict[str, float]]:
    """From a batch's publishing in another process to a client's reading of it, by HTTP."""
    while True:
        with engines(seed=bench.seed, pace=PACE) as found, routed(found) as there:
            found.go()
            seen = visible(there.head, ASK)
            sent = found.sent()
        yield figures(sent, seen)


def visible(head: Callable[[], int | None], every: float, clock: Clock = CLOCK) -> list[float]:
    """When each of the first batches was seen to be in the index whose last batch is ``head``."""
    seen = Seen(clock)
    deadline = clock.now() + LIMIT
    while len(seen.at) < BATCHES and clock.now() <= deadline:
        seen.look(head())
        clock.sleep(every)
    return seen.at


def figures(sent: Sequence[float], seen: Sequence[float]) -> dict[str, float]:
    """The percentiles of the first batches, in ms; KVChaosError if not so many were seen."""
    if len(seen) < BATCHES:
        raise KVChaosError("batches", wanted=f"{BATCHES} seen", saw=str(len(seen)))
    took = sorted((saw - left) * 1e3 for saw, left in zip(seen[:BATCHES], sent, strict=False))
    return {f"p{at}": percentile(took, at) for at in PERCENTILES}
