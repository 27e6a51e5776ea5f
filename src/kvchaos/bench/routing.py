"""The reference router in a process of its own, which knows when each batch was in its index.

As in the router's pod: its receive thread, its index and its HTTP face, of the code that runs there
(looked up by name, for nothing here is part of it). Only the engine is told instead of discovered.
After each turn of the receive thread, the lock still held, the process notes what was applied, by
the machine's monotonic clock; ``kvchaos.bench.witness`` does so in a lab.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

import msgspec
from aiohttp import web

from kvchaos.bench.feeding import CLOCK
from kvchaos.bench.publishing import READY, Engines, Pods
from kvchaos.clock import Clock, poll
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import KVChaosError

HOST = "127.0.0.1"
LOOK = 0.02


class Rank(msgspec.Struct, frozen=True):
    """What is read of an engine's entry of ``GET /index``."""

    connected: bool
    seq: int | None
    replays: int


class Index(msgspec.Struct, frozen=True):
    """What is read of ``GET /index``."""

    engines: list[Rank]


class Seen:
    """When each batch was first seen to be in an index, by looks at the last one that is."""

    def __init__(self, clock: Clock) -> None:
        self.at: list[float] = []
        self._clock = clock

    def look(self, head: int | None) -> None:
        """Now the index has all batches up to seq ``head``, or none."""
        now = self._clock.now()
        self.at += [now] * ((-1 if head is None else head) + 1 - len(self.at))


class Routed:
    """A process with a router, made by ``routed``."""

    def __init__(self, control: Connection, http: HTTPConnection) -> None:
        self._control = control
        self._http = http

    def seen(self) -> list[float]:
        """When each batch so far was in the index, as the router itself noted it."""
        self._control.send("seen")
        if not self._control.poll(READY):
            raise KVChaosError("the benchmark's router does not answer")
        told: list[float] = self._control.recv()
        return told

    def index(self) -> Rank | None:
        """The engine's entry of ``GET /index``; None while there is none."""
        self._http.request("GET", "/index")
        answer = msgspec.json.decode(self._http.getresponse().read(), type=Index)
        return next(iter(answer.engines), None)

    def head(self) -> int | None:
        """The last batch in the index, as a client is told."""
        rank = self.index()
        return None if rank is None else rank.seq


@contextmanager
def routed(found: Engines) -> Iterator[Routed]:
    """A router that follows the first of the engines, ready; ended with the block."""
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, found.event_port, found.replay_port)
    process = multiprocessing.get_context("spawn").Process(target=run, args=arguments, daemon=True)
    process.start()
    try:
        if not ours.poll(READY):
            raise KVChaosError("the benchmark's router did not start")
        with closing(HTTPConnection(HOST, ours.recv(), timeout=READY)) as http:
            router = Routed(ours, http)
            rank, _ = poll(router.index, is_ready, timeout=READY, every=LOOK, clock=CLOCK)
            if not is_ready(rank):
                raise KVChaosError("the benchmark's router is not ready", saw=str(rank))
            yield router
    finally:
        process.terminate()
        process.join(READY)


def is_ready(rank: Rank | None) -> bool:
    """Whether it follows the engine: the replay that it asks for at first is over."""
    return rank is not None and rank.connected and rank.replays > 0


def run(control: Connection, event_port: int, replay_port: int) -> None:
    """The process: tells its HTTP port, then when it saw what, whenever asked; ends with whoever
    started it.
    """
    sim = "kvchaos.sim.router"
    at = import_module(f"{sim}.engines")
    receiver = import_module(f"{sim}.receiver").Receiver(recover=True, clock=CLOCK)
    seen = noting(receiver)
    (pod,) = Pods(1).list(PODS)
    receiver.found(at.engine_of(pod, at.Ports(events=event_port, replay=replay_port)))
    router = import_module(f"{sim}.http").Router(
        receiver, recovery="replay", is_ready=lambda: True, timeout=READY, clock=CLOCK
    )
    receiver.start()
    asyncio.run(serve(router.application(), control, lambda: seen.at))


def noting(receiver: Any) -> Seen:
    """When each batch of its one rank was applied, from now on."""
    seen, turn = Seen(CLOCK), receiver._turn  # noqa: SLF001  # as the witness

    def noted() -> None:
        turn()
        for feeds in receiver._feeds.values():  # noqa: SLF001  # as above
            seen.look(feeds[0]._stream.applied)  # noqa: SLF001  # a view would copy the index

    receiver._turn = noted  # noqa: SLF001  # as above
    return seen


async def serve(app: web.Application, control: Connection, answer: Callable[[], object]) -> None:
    """HTTP at a port that is told first; then the answer for each word, until nobody asks."""
    over, runner = asyncio.Event(), web.AppRunner(app, access_log=None)

    def asked() -> None:
        try:
            control.recv()
            control.send(answer())
        except (EOFError, OSError):
            over.set()

    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    control.send(runner.addresses[0][1])
    asyncio.get_running_loop().add_reader(control.fileno(), asked)
    await over.wait()
