"""Port-forward over a WebSocket: Kubernetes' v4.channel.k8s.io, between a client and a pod's ports.

Every message is binary and begins with a channel number: port ``i`` of the request has ``2i`` for
data and ``2i+1`` for an error text. The first message on each channel, from the server, is the
port number in two bytes, little-endian. Nothing tells the end of one port's data: the server
closes the WebSocket when every port has ended.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from kvchaos.errors import LabError
from kvchaos.lab.apiserver.backend import NodeBackend
from kvchaos.lab.apiserver.podaccess import ForwardPorts

_CHUNK = 256 * 1024  # bytes
_CONNECT_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 1.0
logger = logging.getLogger(__name__)


class Messages(Protocol):
    """A WebSocket, as binary messages."""

    async def receive(self) -> bytes | None:
        """The next message; None once the client is gone."""
        ...

    async def send(self, message: bytes) -> None: ...

    async def close(self) -> None: ...


async def forward(messages: Messages, asked: ForwardPorts, backend: NodeBackend) -> None:
    """Carry data both ways until the client leaves or every port has ended."""
    for channel in range(2 * len(asked.ports)):
        await messages.send(bytes([channel]) + asked.ports[channel // 2].to_bytes(2, "little"))
    connections = await _connect(messages, asked, backend)
    pumps = [
        asyncio.create_task(_from_pod(messages, channel, reader))
        for channel, (reader, _) in connections.items()
    ]
    closer = asyncio.create_task(_close_after(pumps, messages))
    try:
        await _to_pod(messages, {channel: writer for channel, (_, writer) in connections.items()})
    finally:
        for task in (closer, *pumps):
            task.cancel()
        await asyncio.gather(closer, *pumps, return_exceptions=True)
        await asyncio.gather(*(_close(writer) for _, writer in connections.values()))


async def _close(writer: StreamWriter) -> None:
    """Close once what was written is sent, or drop it when the pod does not take it."""
    writer.close()
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await writer.wait_closed()
    except OSError:  # a timeout is one too
        writer.transport.abort()


async def _connect(
    messages: Messages, asked: ForwardPorts, backend: NodeBackend
) -> dict[int, tuple[StreamReader, StreamWriter]]:
    """The connections that could be made, by data channel; the others are told of their error."""
    connections = {}
    for index, port in enumerate(asked.ports):
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                connections[2 * index] = await backend.open_port(asked.pod, port)
        except (OSError, LabError) as error:  # a timeout is an OSError too
            text = f"error forwarding port {port} to pod {asked.pod.name}: {error}"
            logger.info("%s", text)
            await messages.send(bytes([2 * index + 1]) + text.encode())
    return connections


async def _from_pod(messages: Messages, channel: int, reader: StreamReader) -> None:
    head = bytes([channel])
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            await messages.send(head + data)


async def _close_after(pumps: list[asyncio.Task[None]], messages: Messages) -> None:
    await asyncio.gather(*pumps, return_exceptions=True)
    await messages.close()


async def _to_pod(messages: Messages, writers: Mapping[int, StreamWriter]) -> None:
    """Write what the client sends; what comes for a port that has ended is dropped."""
    while (message := await messages.receive()) is not None:
        writer = writers.get(message[0]) if message else None
        if writer is None:
            continue
        with suppress(ConnectionError):
            writer.write(memoryview(message)[1:])
            await writer.drain()
