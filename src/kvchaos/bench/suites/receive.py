"""What the observer takes in beside a bare pyzmq loop that only receives, on the same batches.

Both are in one process, on one core, with their libzmq I/O threads, and their publishers on the
other; they take turns, in slices of so many batches, so that both see the same machine. What is
compared is the CPU time of a slice, all threads of the process, from before the first batch is
sent until the last one is taken: other work on the machine does not count, and nothing that comes
in for one is done in the other's time. The bare loop is ``recv_multipart`` and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from statistics import median

import zmq

from kvchaos.bench.feeding import CLOCK, WINDOW, address
from kvchaos.bench.publishing import Engines, engines, observing
from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench, cpu_seconds
from kvchaos.clock import poll
from kvchaos.errors import KVChaosError
from kvchaos.observer.observer import Observer

SLICE = 10_000
"""Batches; less than a queue holds."""
PAIRS = 11
LIMIT = 10.0
OURS, BARE = 0, 1
"""The engines that are received from."""
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
    with engines(seed=bench.seed, count=2, core=cores[-1]) as found, observing(found) as observer:
        socket = _bare(found)
        try:
            _slices(found, observer, socket)  # warm
            while True:
                pairs = [_slices(found, observer, socket) for _ in range(PAIRS)]
                yield {
                    "of_bare": median(bare / ours for bare, ours in pairs),
                    "bare": SLICE / median(bare for bare, _ in pairs),
                    "observer": SLICE / median(ours for _, ours in pairs),
                }
        finally:
            socket.close(0)


def _bare(found: Engines) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.rcvhwm, socket.rcvtimeo = WINDOW, round(LIMIT * 1000)
    socket.subscribe(b"")
    socket.connect(f"tcp://{address(BARE)}:{found.event_port}")
    CLOCK.sleep(0.5)
    return socket


def _slices(found: Engines, observer: Observer, socket: zmq.Socket[bytes]) -> tuple[float, float]:
    """Seconds of CPU, bare and observed, one after the other."""
    engine = observer.engines()[0]
    head = observer.head(engine)
    goal = SLICE + (-1 if head is None else head)

    def bare() -> None:
        receive_one = socket.recv_multipart
        for _ in range(SLICE):
            receive_one()

    def ours() -> None:
        last, _ = poll(
            lambda: observer.head(engine) or 0,
            lambda head: head >= goal,
            timeout=LIMIT,
            every=0.02,
            clock=CLOCK,
        )
        if last != goal:
            raise KVChaosError("batches got lost", wanted=str(goal), saw=str(last))

    return _cpu(found, BARE, bare), _cpu(found, OURS, ours)


def _cpu(found: Engines, engine: int, take: Callable[[], None]) -> float:
    """Of a slice that ``engine`` publishes and ``take`` receives."""
    began = cpu_seconds()
    found.burst(engine, SLICE)
    take()
    spent = cpu_seconds() - began
    found.rest()
    return spent
