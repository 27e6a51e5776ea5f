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
from kvchaos.lab.apiserver.backend import NodeBackend, PodRef
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
    writers: dict[int, StreamWriter] = {}
    tasks: list[asyncio.Task[None]] = []
    try:
        for index, port in enumerate(asked.ports):
            if opened := await _open(messages, asked.pod, port, 2 * index + 1, backend):
                reader, writers[2 * index] = opened
                tasks.append(asyncio.create_task(_from_pod(messages, 2 * index, reader)))
        tasks.append(asyncio.create_task(_close_after(tasks.copy(), messages)))
        await _to_pod(messages, writers)
    finally:
        for writer in writers.values():  # before any await: this task may be cancelled again
            writer.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *map(_closed, writers.values()), return_exceptions=True)


async def _closed(writer: StreamWriter) -> None:
    """Wait until what was written is sent, or drop it when the pod does not take it."""
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await writer.wait_closed()
    except OSError:  # a timeout is one too
        writer.transport.abort()


async def _open(
    messages: Messages, pod: PodRef, port: int, error_channel: int, backend: NodeBackend
) -> tuple[StreamReader, StreamWriter] | None:
    """A connection to the port; None if there is none, which the client is told."""
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            return await backend.open_port(pod, port)
    except (OSError, LabError) as error:  # a timeout is an OSError too
        text = f"error forwarding port {port} to pod {pod.name}: {error}"
        logger.info("%s", text)
        await messages.send(bytes([error_channel]) + text.encode())
        return None


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
