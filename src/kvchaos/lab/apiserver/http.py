"""The core on HTTP: the only module here that knows aiohttp.

It turns requests into ``Request`` and answers into bytes, streams watches and logs, and carries
port-forwards. A watch that nothing happens on sends a bookmark now and then, if asked for.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from kvchaos.errors import LabError
from kvchaos.lab.apiserver.backend import NodeBackend
from kvchaos.lab.apiserver.core import Core, refused
from kvchaos.lab.apiserver.forward import forward
from kvchaos.lab.apiserver.message import Request, Response
from kvchaos.lab.apiserver.podaccess import PROTOCOL, ForwardPorts, ReadLog
from kvchaos.lab.apiserver.refusal import Refused, bad_request, too_large, unauthorized
from kvchaos.lab.apiserver.watching import Watch

LARGEST_BODY = 3 * 1024 * 1024  # bytes, as the real server
_LARGEST_MESSAGE = 8 * 1024 * 1024  # bytes of one port-forward message
_BOOKMARK_EVERY = 10.0  # seconds
_FIRST_CHUNK_WITHIN = 0.5  # seconds until a followed log is answered without any
_OPEN = frozenset({"/healthz", "/livez", "/readyz"})  # need no token


class _Streams:
    """The handlers that have no end of their own, to be ended with the server."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)

    def __exit__(self, *_: object) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.discard(task)

    async def end(self, _app: web.Application) -> None:
        for task in tuple(self._tasks):
            task.cancel()


class _Messages:
    """aiohttp's WebSocket as the binary messages that ``forward`` wants."""

    def __init__(self, websocket: web.WebSocketResponse) -> None:
        self._websocket = websocket

    async def receive(self) -> bytes | None:
        while (message := await self._websocket.receive()).type is WSMsgType.TEXT:
            pass  # no text in this protocol
        return bytes(message.data) if message.type is WSMsgType.BINARY else None

    async def send(self, message: bytes) -> None:
        with suppress(ConnectionError):
            await self._websocket.send_bytes(message)

    async def close(self) -> None:
        await self._websocket.close(code=WSCloseCode.OK)


class _Adapter:
    def __init__(self, core: Core, backend: NodeBackend, token: str | None) -> None:
        self._core = core
        self._backend = backend
        self._wanted = f"Bearer {token}" if token is not None else None
        self.streams = _Streams()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self._is_known(request):
            return _whole(refused(unauthorized()))
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _whole(refused(too_large(LARGEST_BODY)))
        query = {name: request.query.getall(name) for name in request.query}
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._core.handle(Request(request.method, request.path, query, headers, body))
        match answer:
            case Response():
                return _whole(answer)
            case Watch():
                with self.streams:
                    return await _watch(request, answer)
            case ReadLog():
                with self.streams:
                    return await self._log(request, answer)
            case ForwardPorts():
                with self.streams:
                    return await self._forward(request, answer)

    def _is_known(self, request: web.Request) -> bool:
        if self._wanted is None or request.path in _OPEN:
            return True
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), self._wanted.encode())

    async def _log(self, request: web.Request, asked: ReadLog) -> web.StreamResponse:
        chunks = self._backend.logs(asked.pod, asked.query)
        first = asyncio.ensure_future(_next(chunks))
        try:
            await asyncio.wait({first}, timeout=_FIRST_CHUNK_WITHIN if asked.query.follow else None)
            if first.done() and (error := first.exception()):
                return _whole(refused(_as_refusal(error)))
            return await _text(request, first, chunks)
        finally:
            first.cancel()
            with suppress(LabError, asyncio.CancelledError):
                await first
            if aclose := getattr(chunks, "aclose", None):
                await aclose()

    async def _forward(self, request: web.Request, asked: ForwardPorts) -> web.StreamResponse:
        websocket = web.WebSocketResponse(
            protocols=(PROTOCOL,), max_msg_size=_LARGEST_MESSAGE, compress=False
        )
        await websocket.prepare(request)
        await forward(_Messages(websocket), asked, self._backend)
        return websocket


def create_app(core: Core, *, backend: NodeBackend, token: str | None) -> web.Application:
    """The API as an aiohttp application; ``token`` None lets everyone in."""
    adapter = _Adapter(core, backend, token)
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", adapter.handle)
    app.on_shutdown.append(adapter.streams.end)
    return app


async def listen(
    app: web.Application, listener: socket.socket, *, tls: ssl.SSLContext | None
) -> web.AppRunner:
    """Serve ``app`` on a bound socket; ``cleanup`` of what comes back ends it."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=tls).start()
    return runner


def _whole(response: Response) -> web.Response:
    headers = {**response.headers, "Content-Type": response.content_type}
    return web.Response(status=response.status, body=response.body, headers=headers)


async def _watch(request: web.Request, watch: Watch) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    changed = asyncio.Event()
    stop = watch.listen(changed.set)
    try:
        await response.prepare(request)
        with suppress(TimeoutError):
            async with asyncio.timeout(watch.timeout):
                await _follow(response, watch, changed)
        if not watch.over:
            await response.write(b"".join([*watch.take(), watch.bookmark()]))
    except ConnectionError:
        pass  # the client has left
    finally:
        stop()
    return response


async def _follow(response: web.StreamResponse, watch: Watch, changed: asyncio.Event) -> None:
    """Send events until the watch is over; a quiet one gets bookmarks."""
    while not watch.over:
        changed.clear()
        if lines := watch.take():
            await response.write(b"".join(lines))
            continue
        try:
            async with asyncio.timeout(_BOOKMARK_EVERY):
                await changed.wait()
        except TimeoutError:
            await response.write(watch.bookmark())


async def _text(
    request: web.Request, first: asyncio.Future[bytes], chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    with suppress(ConnectionError):  # the client has left
        await response.prepare(request)
        await response.write(await first)
        async for chunk in chunks:
            await response.write(chunk)
    return response


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks, b"")


def _as_refusal(error: BaseException) -> Refused:
    if isinstance(error, Refused):
        return error
    if isinstance(error, LabError):
        return bad_request(str(error))
    raise error
