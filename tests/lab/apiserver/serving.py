"""An API server on loopback for tests: a real one in a thread, with a node that is made up."""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from kvchaos.clock import SystemClock
from kvchaos.errors import LabError
from kvchaos.lab.apiserver.backend import LogQuery, PodRef
from kvchaos.lab.apiserver.core import Core
from kvchaos.lab.apiserver.identity import make_identity
from kvchaos.lab.apiserver.kubeconfig import kubeconfig
from kvchaos.lab.apiserver.server import Server, serve

T = TypeVar("T")
CONTEXT = "lab-under-test"
TOKEN = "token-of-the-test"


@dataclass(slots=True)
class MadeUpNode:
    """A node whose pods log three lines and whose ports are those of this machine."""

    follow: asyncio.Event = field(default_factory=asyncio.Event)  # ends a followed log
    closed: list[str] = field(default_factory=list)  # logs that were read to whatever end

    async def logs(self, pod: PodRef, query: LogQuery) -> AsyncIterator[bytes]:
        if query.previous:
            raise LabError(f'previous terminated container "{query.container}" not found')
        lines = [f"{query.container} line {number}\n".encode() for number in range(3)]
        try:
            for line in lines if query.tail is None else lines[len(lines) - query.tail :]:
                yield line
            if query.follow:
                await self.follow.wait()
                yield b"the end\n"
        finally:
            self.closed.append(pod.name)

    async def open_port(self, pod: PodRef, port: int) -> tuple[StreamReader, StreamWriter]:
        if port == 1:
            raise LabError(f"pod {pod.name} is not there")
        return await asyncio.open_connection("127.0.0.1", port)


@dataclass(frozen=True, slots=True)
class Running:
    """A server that listens, and the loop it lives in."""

    server: Server
    core: Core
    node: MadeUpNode
    loop: asyncio.AbstractEventLoop
    unix_path: Path
    kubeconfig: Path

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, done in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=50)


@contextmanager
def running(home: Path) -> Iterator[Running]:
    """A server with TLS and token on loopback, and on a unix socket in ``home``."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        started.set_result((loop, stop))
        await stop.wait()
        transports: Any = getattr(loop, "_transports")  # noqa: B009 - the loop's own list
        async with asyncio.timeout(10):  # TLS says goodbye before a socket closes
            while any(  # noqa: ASYNC110 - a transport tells nobody of its end
                one._sock is not None for one in tuple(transports.values())
            ):
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="apiserver")
    thread.start()
    loop, stop = started.result(timeout=20)
    try:
        yield from _serve(home, loop)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)


def _serve(home: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Running]:
    clock, node, unix_path = SystemClock(), MadeUpNode(), home / "api.sock"
    core = Core(clock, rng=Random(os.getpid()))
    identity = make_identity(now=clock.wall())
    starting = serve(core, backend=node, tls=identity, token=TOKEN, unix_path=unix_path)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(timeout=20)
    path = home / "kubeconfig"
    path.write_text(kubeconfig(server.url, server.ca_pem, server.token, CONTEXT))
    try:
        yield Running(server, core, node, loop, unix_path, path)
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(timeout=20)
