"""The process in which benchmarks' engines are: it publishes batches that were encoded before.

Engine 0 sends as fast as is taken (it waits at its high-water mark instead of dropping), or one
batch at a time at a pace; the others are idle. All answer replays as engines do. They differ by
their loopback address, 127.1.0.1 and so on, and have the same ports, as pods do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from random import Random

import zmq

from kvchaos.clock import SystemClock
from kvchaos.kvevents.frames import Message, join_live, join_reply, split_request
from kvchaos.kvevents.wire import AllBlocksCleared, Batch, BlockRemoved, BlockStored, Event, encode

BLOCKS = 8
BLOCK_SIZE = 16
DISTINCT = 4096
WINDOW = 20_000
BURST = 256
CLOCK = SystemClock()
SERVED = 0.5
"""Seconds in which an observer makes sure that the first batch it sees is in a history."""


def address(number: int) -> str:
    """The loopback address of engine ``number``, from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


@dataclass(frozen=True, slots=True)
class Payloads:
    """What an engine publishes: ``lead`` once, then ``cycle`` over and over."""

    lead: list[bytes]
    cycle: list[bytes]

    def at(self, seq: int) -> bytes:
        if seq < len(self.lead):
            return self.lead[seq]
        return self.cycle[(seq - len(self.lead)) % len(self.cycle)]


def payloads(kind: str, seed: int, count: int = DISTINCT) -> Payloads:
    """``stored``: eight blocks a batch; ``churn``: also eight evictions, one event each, of what
    was stored half a cycle before.
    """
    rng = Random(seed)  # noqa: S311  # data to measure with
    events = [_stored(rng) for _ in range(count)]
    plain: list[list[Event]] = [[event] for event in events]
    if kind == "stored":
        return Payloads([], _encoded([*plain, [AllBlocksCleared()]]))  # else they had copies
    cycle: list[list[Event]] = [
        [event, *(BlockRemoved([block], "GPU") for block in events[at - count // 2].block_hashes)]
        for at, event in enumerate(events)
    ]
    return Payloads(_encoded(plain[count // 2 :]), _encoded(cycle))


def _encoded(batches: list[list[Event]]) -> list[bytes]:
    return [encode(Batch(1.5 + number, batch, 0)) for number, batch in enumerate(batches)]


def _stored(rng: Random) -> BlockStored:
    """What an engine publishes for a prompt of eight blocks."""
    return BlockStored(
        [rng.getrandbits(64) for _ in range(BLOCKS)],
        rng.getrandbits(64),
        [rng.randrange(1000, 32_000) for _ in range(BLOCKS * BLOCK_SIZE)],
        BLOCK_SIZE,
        None,
        "GPU",
        None,
    )


@dataclass(slots=True)
class Feed:
    """Engine 0's publisher: the next seq, when each batch was sent, and the others' replays."""

    pub: zmq.Socket[bytes]
    routers: list[zmq.Socket[bytes]]
    made: Payloads
    seq: int = 0
    sent: list[float] = field(default_factory=list)

    def publish(self, flags: int = 0) -> None:
        """The next batch; zmq.Again when there is no room for it."""
        self.pub.send_multipart(join_live(self._message(self.seq)), flags)
        self.seq += 1

    def serve(self, timeout: float) -> None:
        """Replays that are asked for within so many seconds: all that engine 0 sent since."""
        poller = zmq.Poller()
        for router in self.routers:
            poller.register(router, zmq.POLLIN)
        for router, _ in poller.poll(round(timeout * 1000)):
            peer, start = split_request(router.recv_multipart())
            last = self.seq if router is self.routers[0] else 0
            for seq in range(start, last):
                router.send_multipart([peer, *join_reply(self._message(seq))])
            router.send_multipart([peer, *join_reply(None)])

    def _message(self, seq: int) -> Message:
        return Message(b"", seq, self.made.at(seq))

    def pour(self, control: Connection) -> None:
        """As fast as it is taken, until told to stop; the first batch may be asked for again."""
        if not self.seq:
            self.publish()
            self.serve(SERVED)
        while not control.poll(0):
            try:
                for _ in range(BURST):
                    self.publish(zmq.NOBLOCK)
            except zmq.Again:
                CLOCK.sleep(0.0005)
            self.serve(0)

    def burst(self, count: int) -> None:
        """So many batches, as fast as they are taken; the first one may be asked for again."""
        goal = self.seq + count
        if not self.seq:
            self.publish()
            self.serve(SERVED)
        while self.seq < goal:
            try:
                for _ in range(min(BURST, goal - self.seq)):
                    self.publish(zmq.NOBLOCK)
            except zmq.Again:
                CLOCK.sleep(0.0005)
            self.serve(0)

    def drip(self, control: Connection, pace: float) -> None:
        """A batch every ``pace`` seconds, until told to stop."""
        while not control.poll(0):
            self.sent.append(CLOCK.now())
            self.publish()
            self.serve(pace)


def feed(  # noqa: PLR0917  # a process takes them in order
    control: Connection, kind: str, seed: int, count: int, core: int | None, pace: float
) -> None:
    """Binds, tells its ports, answers replays; publishes from a first word until a second, and
    again; ends with whoever started it. A first word that is (engine, count) is for so many.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 2 * count + 8)
    pub, router = _bound(context, zmq.PUB), _bound(context, zmq.ROUTER)
    ports = _port(pub), _port(router)
    idle = [
        [_bound(context, kind_of, number=number, port=port) for number in range(1, count)]
        for kind_of, port in zip((zmq.PUB, zmq.ROUTER), ports, strict=True)
    ]
    made = payloads(kind, seed)
    engine = Feed(pub, [router, *idle[1]], made)
    others = [Feed(each, [], made) for each in idle[0]]
    control.send(ports)
    while True:
        while not control.poll(0):
            engine.serve(0.02)
        word = control.recv()
        if isinstance(word, tuple):
            [engine, *others][word[0]].burst(word[1])
        elif pace:
            engine.drip(control, pace)
        else:
            engine.pour(control)
        control.recv()
        control.send((engine.seq, engine.sent))


def _bound(
    context: zmq.Context[zmq.Socket[bytes]], kind: int, *, number: int = 0, port: int = 0
) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    if kind == zmq.PUB:
        socket.sndhwm = WINDOW
        socket.setsockopt(zmq.XPUB_NODROP, 1)
    socket.bind(f"tcp://{address(number)}:{port or '*'}")
    return socket


def _port(socket: zmq.Socket[bytes]) -> int:
    return int(bytes(socket.get(zmq.LAST_ENDPOINT)).rpartition(b":")[2])
