"""The API server's view of the node (``NodeBackend``): logs from files, ports over its socket."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

from kvchaos.errors import LabError
from kvchaos.lab.apiserver.backend import LogQuery, PodRef
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.logs import container_logs, selected, stamped

_TIMEOUT = 10.0
_ANSWER_LIMIT = 65536
_CHUNK = 65536
_FOLLOW_SECONDS = 0.1


class LocalNode:
    """Implements ``NodeBackend`` for the node of the lab in ``directory``."""

    def __init__(self, directory: LabDirectory) -> None:
        self._directory = directory

    async def logs(self, pod: PodRef, query: LogQuery) -> AsyncIterator[bytes]:
        """The container's log, newest life (or the one before), in chunks."""
        lives = container_logs(self._directory, pod.namespace, pod.name, pod.uid, query.container)
        index = -2 if query.previous else -1
        if len(lives) < -index:
            what = "previous terminated container" if query.previous else "container"
            raise LabError(f'{what} "{query.container}" in pod "{pod.name}" not found')
        path = lives[index]
        with path.open("rb") as file:
            whole = file.read()
            chunk = selected(whole, tail=query.tail, limit=query.limit_bytes)
            yield stamped(chunk, path) if query.timestamps else chunk
            while query.follow:
                ended = path.with_suffix(".end").exists()
                if more := file.read(_CHUNK):
                    yield more
                elif ended:
                    return
                else:
                    await asyncio.sleep(_FOLLOW_SECONDS)

    async def open_port(self, pod: PodRef, port: int) -> tuple[StreamReader, StreamWriter]:
        """A connection to the port, dialled by the node inside the pod."""
        request = {"namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "port": port}
        connection = await asyncio.to_thread(self._ask, request)
        connection.setblocking(False)
        return await asyncio.open_connection(sock=connection, limit=_CHUNK)

    def _ask(self, request: dict[str, object]) -> socket.socket:
        """The connected socket that the node hands over."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ask:
            ask.settimeout(_TIMEOUT)
            try:
                ask.connect(str(self._directory.node_socket))
                ask.sendall(json.dumps(request).encode())
                answer, handles, _, _ = socket.recv_fds(ask, _ANSWER_LIMIT, 1)
            except OSError as error:
                raise LabError("the lab's node does not answer", saw=str(error)) from error
        if handles:
            return socket.socket(fileno=handles[0])
        return _refuse(answer)


def _refuse(answer: bytes) -> socket.socket:
    reply = json.loads(answer or b"{}")
    number = int(reply.get("errno", 0))
    if number:
        raise OSError(number, os.strerror(number))
    raise LabError(str(reply.get("error", "the lab's node hung up")))
