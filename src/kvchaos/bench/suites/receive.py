"""What the observer takes in beside a bare pyzmq loop that only receives, on the same batches.

Both are on one core, with their libzmq I/O threads, and the publisher on the other; they take
turns. The ratio is that of batches per second of CPU, all threads of the process, so that other
work on the machine does not count. The bare loop is ``recv_multipart`` and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import zmq

from kvchaos.bench.feeding import CLOCK, WINDOW, address
from kvchaos.bench.publishing import Engines, engines, observing
from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench, cpu_seconds
from kvchaos.clock import poll
from kvchaos.errors import KVChaosError

SECONDS = 1.0
WARM = 1000
"""Batches before it is measured."""
CHUNK = 256
LIMIT = 10_000
FIGURES = {
    "of_bare": Figure("ratio to bare pyzmq", Better.HIGHER, 0.6, gate=True),
    "bare": Figure("batches/s of CPU", Better.HIGHER),
    "observer": Figure("batches/s of CPU", Better.HIGHER),
}


@benchmark("receive", figures=FIGURES, timeout=60)
def receive(bench: Bench) -> Iterator[dict[str, float]]:
    """From the socket to the oracle, batches of 8 blocks stored, beside receiving alone."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})
    while True:
        with engines(seed=bench.seed, core=cores[-1]) as found:
            bare = _bare(found)
        with engines(seed=bench.seed, core=cores[-1]) as found:
            observer = _observer(found)
        yield {"of_bare": observer / bare, "bare": bare, "observer": observer}


def _bare(found: Engines) -> float:
    """Batches a second of CPU."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.rcvhwm, socket.rcvtimeo = WINDOW, LIMIT
    socket.subscribe(b"")
    socket.connect(f"tcp://{address(0)}:{found.event_port}")
    try:
        CLOCK.sleep(0.5)
        found.go()
        for _ in range(WARM):
            socket.recv_multipart()
        count, began, cpu = 0, CLOCK.now(), cpu_seconds()
        while CLOCK.now() - began < SECONDS:
            for _ in range(CHUNK):
                socket.recv_multipart()
            count += CHUNK
        return count / (cpu_seconds() - cpu)
    finally:
        socket.close(0)


def _observer(found: Engines) -> float:
    """As above; KVChaosError if a batch got lost, which would be no throughput."""
    with observing(found) as observer:
        engine = observer.engines()[0]
        found.go()
        poll(
            lambda: observer.head(engine) or 0,
            lambda head: head > WARM,
            timeout=10,
            every=0.01,
            clock=CLOCK,
        )
        first, cpu = observer.head(engine) or 0, cpu_seconds()
        CLOCK.sleep(SECONDS)
        count, spent = (observer.head(engine) or 0) - first, cpu_seconds() - cpu
        found.sent()
        if gaps := observer.wait_ready(LIMIT / 1000):
            raise KVChaosError("batches got lost", saw=str(gaps))
    return count / spent
