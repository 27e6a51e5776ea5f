"""Loopback addresses that lead into pods through the API server, for pyzmq and HTTP alike.

It works wherever kubectl works and does not cross the pod's network interface, so a partition
does not blind who looks through it. All streams share one thread with an event loop. The client
library's own port-forward is not used: it has no time limit to connect, buffers without bound
when a reader stalls, and leaves its reader waiting when the link to the API server breaks.
Listeners are bound to 127.0.0.1 and open to every local user, as kubectl's are.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import socket
import threading
from collections import Counter, deque
from collections.abc import Coroutine
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from kvchaos.cluster.config import Access
from kvchaos.cluster.tunnel import Target, Tunnel, dial, reset
from kvchaos.errors import ClusterError, ClusterUnreachable

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
KEPT = 100  # failures remembered
CLOSING = 5.0  # seconds within which everything is closed
FIRST_PAUSE = 0.1  # seconds before a port is dialled again that was dialled in vain


class Reachable(Protocol):
    """What a bridge needs of a cluster."""

    @property
    def access(self) -> Access: ...

    @property
    def timeout(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A stream that could not be opened, or broke."""

    target: Target
    text: str


class Bridge:
    """Port-forwards of one cluster; a context manager that closes them all.

    Connections to a port that was dialled in vain wait before it is dialled again, each longer,
    at most ``patience`` seconds: for who connects anew at once and for ever, such as libzmq.
    """

    def __init__(self, cluster: Reachable, *, patience: float = 0.0) -> None:
        import_module("aiohttp")  # slow: now, when nobody waits for an answer yet
        self._access = cluster.access
        self._timeout = cluster.timeout
        self._addresses: dict[Target, str] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._recent: deque[Failure] = deque(maxlen=KEPT)
        self._patience = patience
        self._in_vain: Counter[Target] = Counter()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._session: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._run, name="kvchaos-portforward", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address(self, pod: str, port: int, *, namespace: str) -> str:
        """``127.0.0.1:N``, where each connection becomes one to ``port`` inside the pod.

        The same for the same pod and port as long as the bridge is open. Nothing is dialled yet:
        a pod that is not there shows as a connection reset, and among ``recent_failures``.
        Who asks again is not made to wait for what was in vain before.
        """
        target = Target(namespace, pod, port)
        self._in_vain[target] = 0
        with self._lock:
            if target not in self._addresses:
                self._addresses[target] = self._do(self._listen(target))
            return self._addresses[target]

    def connect(self, pod: str, port: int, *, namespace: str) -> socket.socket:
        """A connected stream to ``port`` inside the pod; raises what the API server answered."""
        target = Target(namespace, pod, port)
        ours, theirs = _pair()
        try:
            self._do(self._open(target, theirs))
        except BaseException:
            ours.close()
            theirs.close()
            raise
        return ours

    def recent_failures(self) -> list[Failure]:
        """The last failures, oldest first."""
        return list(self._recent)

    def close(self) -> None:
        """End every stream and listener and the thread; again is harmless."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=CLOSING)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._shut())
        finally:
            self._loop.close()

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, computed on the bridge's thread."""
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as error:
            coroutine.close()
            raise ClusterUnreachable("the port-forward bridge is closed") from error
        try:
            return future.result(self._timeout + CLOSING)
        except TimeoutError as error:
            future.cancel()
            raise ClusterUnreachable(
                "the port-forward bridge did not answer", wanted="an open bridge"
            ) from error

    async def _listen(self, target: Target) -> str:
        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._own(self._loop.create_task(self._serve(target, reader, writer)))

        server = await asyncio.start_server(accepted, LOOPBACK, 0)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def _serve(
        self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pause = pause_after(self._in_vain[target], self._patience)
        self._in_vain[target] += 1
        try:
            await asyncio.sleep(pause)
            tunnel = await self._dial(target)
            await self._carry(tunnel, reader, writer)
            if tunnel.received:
                self._in_vain[target] = 0
        except ClusterError as error:
            self._failed(target, str(error))
        finally:
            if not writer.is_closing():
                reset(writer)

    async def _open(self, target: Target, sock: socket.socket) -> None:
        tunnel = await self._dial(target)
        reader, writer = await asyncio.open_connection(sock=sock)
        self._own(self._loop.create_task(self._carry(tunnel, reader, writer)))

    async def _carry(
        self, tunnel: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await tunnel.run(reader, writer)
        if tunnel.error:
            self._failed(tunnel.target, tunnel.error)

    async def _dial(self, target: Target) -> Tunnel:
        import aiohttp  # noqa: PLC0415 - slow, and imported by then

        if self._session is None:
            context = self._access.ssl_context()
            connector = aiohttp.TCPConnector(ssl=context or True, limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector)
        return await dial(self._session, self._access, target, within=self._timeout)

    def _failed(self, target: Target, text: str) -> None:
        self._recent.append(Failure(target, text))
        logger.debug("port-forward %s: %s", target, text)

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        # Transports close their sockets in later rounds of the loop, whose own pipe remains.
        for _ in range(100):
            if len(self._selector.get_map()) <= 1:
                return
            await asyncio.sleep(0.01)


def pause_after(times: int, patience: float) -> float:
    """How long to wait, in seconds, after a port was dialled so many ``times`` in vain."""
    return min(patience, FIRST_PAUSE * 2.0 ** min(times - 1, 16)) if times else 0.0


def _pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one TCP connection on loopback, so that every TCP option works on them."""
    with socket.create_server((LOOPBACK, 0), backlog=1) as listener:
        ours = socket.create_connection(listener.getsockname(), timeout=5)
        while True:
            theirs, peer = listener.accept()
            if peer == ours.getsockname():
                break
            theirs.close()
    ours.settimeout(None)
    theirs.setblocking(False)
    return ours, theirs
