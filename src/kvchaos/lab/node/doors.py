"""The two doors between the pods' network and the rest of the lab.

In: the API server asks on a unix socket for a connection to a port inside a pod, and gets the
connected socket itself (SCM_RIGHTS), so no byte of a port-forward passes through the node. It
is dialled inside the pod's namespace to 127.0.0.1, as kubelet does: it works while eth0 is cut.
Request, one JSON line: ``{"namespace", "name", "uid", "port"}``. Answer: ``{}`` with the socket,
or ``{"errno": N, "error": TEXT}`` (``errno`` 0: no such pod).

Out: pods reach the API server on the bridge's address, relayed to its unix socket.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from kvchaos.errors import LabError
from kvchaos.lab.addresses import API_PORT, GATEWAY
from kvchaos.lab.api import Object
from kvchaos.lab.network import PodNetwork

logger = logging.getLogger(__name__)

_DIAL_SECONDS = 5.0
_REQUEST_LIMIT = 4096
_CHUNK = 65536

Find = Callable[[Object], PodNetwork]


async def serve_ports(path: Path, find: Find) -> asyncio.Task[None]:
    """Answer requests for pods' ports on the unix socket ``path``."""
    return asyncio.get_running_loop().create_task(_accept(_listen(path), find))


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(128)
    return listener


async def serve_api(api_socket: Path) -> asyncio.Server:
    """Let pods reach the API server's unix socket at ``GATEWAY:API_PORT``."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(str(api_socket))
        except OSError as error:
            logger.warning("API server: %s", error)
            writer.close()
            return
        await asyncio.gather(_pump(reader, back_writer), _pump(back_reader, writer))

    return await asyncio.start_server(relay, GATEWAY, API_PORT)


async def _accept(listener: socket.socket, find: Find) -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    while True:
        client, _ = await loop.sock_accept(listener)
        task = loop.create_task(_answer(client, find))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _answer(client: socket.socket, find: Find) -> None:
    loop = asyncio.get_running_loop()
    with client:
        try:
            request = json.loads(await loop.sock_recv(client, _REQUEST_LIMIT))
            with await _dial(find(request), int(request["port"])) as connection:
                connection.setblocking(True)
                socket.send_fds(client, [b"{}\n"], [connection.fileno()])
        except (LabError, OSError, ValueError, KeyError) as error:
            number = error.errno or 0 if isinstance(error, OSError) else 0
            reply = json.dumps({"errno": number, "error": str(error)})
            await loop.sock_sendall(client, reply.encode() + b"\n")


async def _dial(network: PodNetwork, port: int) -> socket.socket:
    connection = network.socket()
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    except BaseException:
        connection.close()
        raise
    return connection


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side ends, then close the other."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError as error:
        logger.debug("relay: %s", error)
    finally:
        writer.close()
