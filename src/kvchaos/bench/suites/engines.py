"""A thousand engines in one observer, each publishing five batches a second: is anything lost?

The engines are sockets of one process beside, on loopback addresses of their own; they keep their
history and answer replays. Lost is what the observer has not taken in when all is over; a gap is a
batch that it had to ask for again. ``share`` is what of one core the observer takes.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import zmq

from kvchaos.bench.feeding import CLOCK, WINDOW, address, payloads
from kvchaos.bench.publishing import Pods
from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench, cpu_seconds
from kvchaos.clock import poll
from kvchaos.errors import KVChaosError
from kvchaos.kvevents.frames import Message, join_live, join_reply, split_request
from kvchaos.observer.observer import Observer

PORTS = (25_557, 25_657)
RATE = 5
SECONDS = 5.0
LIMIT = 120.0
END = 300.0
LEAST = 0.95
"""Of the rate; below it the engines were too slow, and nothing is known of the observer."""


def figures(count: int) -> dict[str, Figure]:
    """Of so many engines; ``rate`` is what they published, all together."""
    return {
        "rate": Figure("batches/s", Better.HIGHER, target=LEAST * RATE * count),
        "lost": Figure("batches", target=0),
        "gaps": Figure("batches", target=0),
        "share": Figure("of one core"),
        "ready": Figure("s"),
    }


@benchmark("engines.100", figures=figures(100), samples=2)
def engines_100(bench: Bench) -> Iterator[dict[str, float]]:
    """Follow a hundred engines at five batches a second each."""
    while True:
        yield at_rate(crowd(100, bench.seed), 100)


@benchmark("engines.1000", figures=figures(1000), samples=2, slow=True, timeout=240)
def engines_1000(bench: Bench) -> Iterator[dict[str, float]]:
    """Follow a thousand engines at five batches a second each."""
    while True:
        yield at_rate(crowd(1000, bench.seed), 1000)


def at_rate(found: dict[str, float], count: int) -> dict[str, float]:
    """The same; KVChaosError if so many engines were slower than what is to be followed."""
    if found["rate"] < LEAST * RATE * count:
        raise KVChaosError(
            "the benchmark's engines are too slow for this machine",
            wanted=f"at least {LEAST:.0%} of {RATE * count} batches/s",
            saw=f"{found['rate']:.0f} batches/s",
        )
    return found


def crowd(count: int, seed: int, seconds: float = SECONDS) -> dict[str, float]:
    """What became of the batches of so many engines, in so many seconds."""
    gaps: list[int] = []
    with publishing(count, seed) as control:
        observer = Observer(
            Pods(count),
            namespace="bench",
            selector="",
            event_port=PORTS[0],
            replay_port=PORTS[1],
            transport="direct",
            emit=lambda _, told: gaps.append(told["missing"]) if told["what"] == "gap" else None,
            clock=CLOCK,
        )
        began = CLOCK.now()
        observer.start()
        try:
            if left := observer.wait_ready(LIMIT):
                raise KVChaosError(f"{len(left)} engines are not followed", saw=str(left)[:200])
            ready, cpu = CLOCK.now() - began, cpu_seconds()
            gone = CLOCK.now()
            control.send("go")
            CLOCK.sleep(seconds)
            share = (cpu_seconds() - cpu) / seconds
            sent = _asked(control, "stop")
            rate = sent / (CLOCK.now() - gone)
            left_out, _ = poll(
                lambda: sent - taken(observer),
                lambda left: left == 0,
                timeout=LIMIT / 4,
                every=0.05,
                clock=CLOCK,
            )
        finally:
            observer.stop()
    return {
        "rate": rate,
        "lost": left_out,
        "gaps": sum(gaps),
        "share": share,
        "ready": ready,
    }


def taken(observer: Observer) -> int:
    """Batches up to the last one of each engine, none of them passed over."""
    known = [each for each in observer.expected().values() if each.complete]
    return sum(each.head + 1 for each in known if each.head is not None)


@contextmanager
def publishing(count: int, seed: int) -> Iterator[Connection]:
    """The engines' process, which is told to go and to stop; ended with the block."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_publish, args=(theirs, count, seed), daemon=True
    )
    process.start()
    try:
        _asked(ours, None)
        yield ours
    finally:
        process.terminate()
        process.join(LIMIT)


def _asked(control: Connection, word: str | None) -> int:
    if word:
        control.send(word)
    if not control.poll(LIMIT):
        raise KVChaosError("the benchmark's engines do not answer")
    return int(control.recv())


class _Engines:
    """The sockets, and how far each engine has come."""

    def __init__(self, count: int, seed: int) -> None:
        context = zmq.Context[zmq.Socket[bytes]]()
        context.set(zmq.MAX_SOCKETS, 2 * count + 8)
        self._made = payloads("stored", seed)
        self._pubs, self._routers = (
            [_bound(context, kind, number, port) for number in range(count)]
            for kind, port in zip((zmq.PUB, zmq.ROUTER), PORTS, strict=True)
        )
        self._of = {router: number for number, router in enumerate(self._routers)}
        self._poller = zmq.Poller()
        for router in self._routers:
            self._poller.register(router, zmq.POLLIN)
        self.sent = 0

    def publish(self, until: int) -> None:
        """Batches, one engine after the other, until there are so many in all."""
        while self.sent < until:
            seq, number = divmod(self.sent, len(self._pubs))
            self._pubs[number].send_multipart(join_live(self._message(seq)))
            self.sent += 1

    def serve(self, timeout: float) -> None:
        """Replays that are asked for meanwhile."""
        for router, _ in self._poller.poll(round(timeout * 1000)):
            peer, start = split_request(router.recv_multipart())
            whole, more = divmod(self.sent, len(self._pubs))
            for seq in range(start, whole + (self._of[router] < more)):
                router.send_multipart([peer, *join_reply(self._message(seq))])
            router.send_multipart([peer, *join_reply(None)])

    def _message(self, seq: int) -> Message:
        return Message(b"", seq, self._made.at(seq))


def _bound(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, number: int, port: int
) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.sndhwm = WINDOW
    socket.bind(f"tcp://{address(number)}:{port}")
    return socket


def _publish(control: Connection, count: int, seed: int) -> None:
    """The process: says how many engines there are, goes, and at last says what it sent."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    engines = _Engines(count, seed)
    control.send(count)
    while not control.poll(0):
        engines.serve(0.02)
    control.recv()
    began = CLOCK.now()
    while not control.poll(0):
        engines.serve(0.002)
        engines.publish(int((CLOCK.now() - began) * RATE * count))
    control.recv()
    control.send(engines.sent)
    ended = CLOCK.now()
    while CLOCK.now() - ended < END:
        engines.serve(0.02)
