"""One port-forward: a WebSocket to the API server on one side, a plain stream on the other.

Spoken is ``v4.channel.k8s.io``. Each binary message is a channel byte and data; channel 0 carries
the stream, channel 1 the server's error text; the first message on either holds the port number
(2 bytes, little endian) and nothing else. The protocol knows no half-close.

The one rule guarded here: neither side outlives the other. A clean end closes, anything else
resets, so that a reader can tell a cut from an end.

aiohttp is slow to import, and so it is only when there is something to dial.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kvchaos.cluster.call import Call
from kvchaos.cluster.config import Access
from kvchaos.cluster.keepalive import KEEPALIVE
from kvchaos.cluster.kinds import PODS
from kvchaos.cluster.refusal import refused
from kvchaos.errors import ClusterError, ClusterUnreachable
from kvchaos.untrusted import MIB

if TYPE_CHECKING:
    import aiohttp

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = 0, 1
CHUNK = 65_536  # bytes read from the local side at once
LARGEST = 8 * MIB  # bytes of one message; kubelets send 32 KiB, the lab 256 KiB
LONGEST_ERROR = 1000  # characters kept of what the server says went wrong
QUIET = 2.0  # seconds without an answer after which a half-closed stream is ended
GOODBYE = 1.0  # seconds for the server to confirm the end
REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}


class Target(NamedTuple):
    """A TCP port inside a pod; a pod that replaces it under the same name is meant too."""

    namespace: str
    pod: str
    port: int

    def call(self) -> Call:
        return Call(
            verb="get",
            kind=PODS,
            name=self.pod,
            namespace=self.namespace,
            subresource="portforward",
            query={"ports": str(self.port)},
        )

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}:{self.port}"


@dataclass(slots=True)
class Tunnel:
    """A WebSocket that was opened, the local stream, and what went through."""

    target: Target
    ws: aiohttp.ClientWebSocketResponse
    received: int = 0
    error: str = ""
    _opened: set[int] = field(default_factory=set)

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until either side ends; then both are closed."""
        up = asyncio.create_task(self._to_pod(reader))
        down = asyncio.create_task(self._from_pod(writer))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            await self._answer_of_half_closed(down)
        finally:
            self._end(writer, clean=_is_clean(down))
            await _cancelled(up, down)
            await self._hang_up()

    async def _to_pod(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK):
            await self.ws.send_bytes(b"\0" + data)

    async def _from_pod(self, writer: asyncio.StreamWriter) -> None:
        import aiohttp  # noqa: PLC0415 - slow, see above

        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.BINARY and message.data:
                await self._take(message.data, writer)
            elif message.type is aiohttp.WSMsgType.ERROR:  # too long a message, or none at all
                self.error = self.error or f"the link to the API server broke: {message.data}"
        if self.ws.close_code is None or self.ws.exception() is not None:
            self.error = self.error or f"the link to the API server broke: {self.ws.exception()}"

    async def _take(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        channel = message[0]
        if channel not in self._opened:  # the port number; nothing to carry
            self._opened.add(channel)
        elif channel == DATA:
            self.received += len(message) - 1
            writer.write(memoryview(message)[1:])
            await writer.drain()
        elif channel == ERROR:
            text = message[1 : LONGEST_ERROR + 1].decode("utf-8", "replace")
            self.error = (self.error + text)[:LONGEST_ERROR]

    async def _answer_of_half_closed(self, down: asyncio.Task[None]) -> None:
        """After the local side sent all it had, wait for as long as the pod goes on talking."""
        before = -1
        while not down.done() and before != self.received:
            before = self.received
            await asyncio.wait({down}, timeout=QUIET)

    async def _hang_up(self) -> None:
        """Close the WebSocket, and the socket below it without waiting for TLS to say good-bye."""
        sock = self.ws.get_extra_info("socket")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ws.close(), GOODBYE)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _end(self, writer: asyncio.StreamWriter, *, clean: bool) -> None:
        if clean and not self.error:
            writer.close()
        else:
            reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a local stream so that its reader sees a reset, not an end of file."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _is_clean(down: asyncio.Task[None]) -> bool:
    return down.done() and not down.cancelled() and down.exception() is None


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def dial(
    session: aiohttp.ClientSession, access: Access, target: Target, *, within: float
) -> Tunnel:
    """An opened tunnel; raises what the API server answered, or ClusterUnreachable."""
    import aiohttp  # noqa: PLC0415 - slow, see above

    call = target.call()
    settings = access.configuration
    try:
        async with asyncio.timeout(within):
            ws = await session.ws_connect(
                access.server + call.target,
                protocols=(PROTOCOL,),
                headers=access.headers(),
                max_msg_size=LARGEST,
                proxy=settings.proxy,
                server_hostname=settings.tls_server_name,
            )
    except aiohttp.WSServerHandshakeError as error:
        raise _refused(call, error) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ClusterUnreachable(
            f"{call}: no answer from {access.server} within {within} s",
            saw=str(error) or type(error).__name__,
            look=access.hint,
        ) from error
    _keep_alive(ws)
    return Tunnel(target, ws)


def _refused(call: Call, error: aiohttp.WSServerHandshakeError) -> ClusterError:
    """The WebSocket client keeps no body, so the ``Status`` is made from the code."""
    status = {
        "kind": "Status",
        "reason": REASONS.get(error.status, "InternalError"),
        "message": f'pods "{call.name}" not found' if error.status == 404 else error.message,
    }
    return refused(call, error.status, msgspec.json.encode(status))


def _keep_alive(ws: aiohttp.ClientWebSocketResponse) -> None:
    sock = ws.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            for option in KEEPALIVE:
                sock.setsockopt(*option)
