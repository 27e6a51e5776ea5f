"""A reverse proxy before a lab's API server that misbehaves as it is told.

Plain HTTP on loopback, to the lab's unix socket. Each request is shown to ``decide`` as ``Asked``;
the deed that comes back says what happens to it. Watches and port-forwards are passed on as
streams, and can be cut midway.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from kvchaos.clock import SystemClock
from tests.lab.faults.deeds import PASSED, Asked, Deed

T = TypeVar("T")

CONTEXT = "behind-a-proxy"
HOLD = 120.0  # seconds that a held answer is held, unless the client leaves before
NOT_PASSED_ON = frozenset({"host", "transfer-encoding", "content-length", "connection"})
CLOCK = SystemClock()


class Proxy:
    """Listens while the block lasts; asks ``decide`` for every request, in a loop of its own."""

    def __init__(
        self, lab: Path, decide: Callable[[Asked], Deed], *, gone: tuple[float, float]
    ) -> None:
        """``gone``: seconds after the first fault's creation when it goes away, and comes back."""
        self._upstream = lab / "api.sock"
        self._decide = decide
        self._gone = gone
        self._count = 0
        self._fault_at: float | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._open: set[asyncio.Transport] = set()
        self._site: web.SockSite
        self._runner: web.AppRunner
        self._session: aiohttp.ClientSession
        self.port = 0
        self.disturbed = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig whose one context leads here."""
        cluster = {"server": f"http://127.0.0.1:{self.port}"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": CONTEXT, "user": {}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
            "current-context": CONTEXT,
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def _call(self, what: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(what, self._loop)
        return done.result(timeout=30)

    async def _begin(self) -> None:
        connector = aiohttp.UnixConnector(str(self._upstream), limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._site = web.SockSite(self._runner, listener)
        await self._site.start()

    async def _end(self) -> None:
        self._cut_all()
        await self._runner.cleanup()
        await self._session.close()

    async def _go(self) -> None:
        """Refuse connections from now on, and end those there are."""
        await self._site.stop()
        self._cut_all()
        self.disturbed += 1

    def _cut_all(self) -> None:
        for transport in tuple(self._open):
            transport.abort()
        for idle in self._runner.server.connections if self._runner.server else ():
            idle.force_close()

    def _later(self, after: float, do: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if after < HOLD:
            self._loop.call_later(after, lambda: self._loop.create_task(do()))

    def _fault_was_created(self) -> None:
        if self._fault_at is None:
            self._fault_at = CLOCK.now()
            away, back = self._gone
            self._later(away, self._go)
            self._later(back, self._listen)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return web.Response()  # the client has left
        self._open.add(transport)
        try:
            return await self._done(request, transport)
        finally:
            self._open.discard(transport)

    async def _done(self, request: web.Request, transport: asyncio.Transport) -> web.StreamResponse:
        self._count += 1
        since = None if self._fault_at is None else CLOCK.now() - self._fault_at
        asked = Asked(self._count, request.method, request.path, request.query_string, since)
        deed = self._decide(asked)
        self.disturbed += deed != PASSED
        if asked.is_stream and deed.passed and not (deed.cut or deed.held or deed.status):
            return await self._stream(request, transport, asked, deed)
        answer = await self._passed_on(request, asked, deed) if deed.passed else None
        if deed.held:
            await asyncio.sleep(HOLD)
        if deed.cut or deed.held:
            transport.abort()
            return web.Response()
        if deed.status or answer is None:
            return _refusal(deed)
        return answer

    async def _passed_on(self, request: web.Request, asked: Asked, deed: Deed) -> web.Response:
        body = await request.read()
        async with self._session.request(
            request.method, _url(request), headers=_headers(request), data=body or None
        ) as answer:
            content = await answer.read()
            if asked.is_create and answer.status < 300:
                self._fault_was_created()
            kept = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
            return web.Response(body=deed.body(content), status=answer.status, headers=kept)

    async def _stream(
        self, request: web.Request, transport: asyncio.Transport, asked: Asked, deed: Deed
    ) -> web.StreamResponse:
        carry = self._forward if asked.is_forward else self._watch
        try:
            async with asyncio.timeout(deed.lasts):
                return await carry(request)
        except TimeoutError:
            transport.abort()
            return web.Response()

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        async with self._session.get(_url(request), headers=_headers(request)) as answer:
            down = web.StreamResponse(
                status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
            )
            with suppress(ConnectionError, aiohttp.ClientError):
                await down.prepare(request)
                async for chunk in answer.content.iter_any():
                    await down.write(chunk)
            return down

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = tuple(one.strip() for one in offered.split(",") if one.strip())
        try:
            up = await self._session.ws_connect(_url(request), protocols=protocols, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            return _refusal(Deed(status=error.status, reason="BadRequest"))
        down = web.WebSocketResponse(protocols=protocols, max_msg_size=0, compress=False)
        try:
            await down.prepare(request)
            pumps = [asyncio.create_task(_pump(up, down)), asyncio.create_task(_pump(down, up))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
            with suppress(ConnectionError):
                await down.close()
        finally:
            await up.close()
        return down


Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


async def _pump(source: Socket, sink: Socket) -> None:
    with suppress(ConnectionError, aiohttp.ClientError):
        async for message in source:
            await sink.send_bytes(message.data)


def _url(request: web.Request) -> URL:
    return URL(f"http://lab{request.raw_path}", encoded=True)


def _headers(request: web.Request) -> dict[str, str]:
    return {k: v for k, v in request.headers.items() if k.lower() not in NOT_PASSED_ON}


def _refusal(deed: Deed) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": deed.reason,
        "message": "so says the proxy",
        "code": deed.status,
    }
    return web.json_response(body, status=deed.status, headers=deed.headers)
