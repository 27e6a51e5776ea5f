"""Port-forward over a WebSocket: v4.channel.k8s.io, by the message and by the Python client."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import aiohttp
import pytest

from tests.lab.apiserver.serving import Running
from tests.lab.apiserver.speaking_http import PODS, client, make_running

pytestmark = pytest.mark.lab

PROTOCOL = "v4.channel.k8s.io"
BY_THE_PYTHON_CLIENT = """
import sys
from kubernetes import client, config
from kubernetes.stream import portforward

config.load_kube_config(sys.argv[1])
port = int(sys.argv[2])
get = client.CoreV1Api().connect_get_namespaced_pod_portforward
forward = portforward(get, "p", "default", ports=str(port))
connection = forward.socket(port)
connection.settimeout(20)
connection.sendall(b"x" * 1_000_000)
got = 0
while got < 1_000_000:
    got += len(connection.recv(65536))
print(got, forward.error(port))
"""


@asynccontextmanager
async def echo(*, limit: int = 0) -> AsyncIterator[int]:
    """The port of a server that sends back what it gets; after ``limit`` bytes it hangs up."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        got = 0
        with suppress(ConnectionError), closing(writer):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
                got += len(data)
                if limit and got >= limit:
                    break

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def forwarded(api: Running, *ports: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A port-forward to a pod that runs, past the messages that name the ports."""
    async with client(api) as session:
        await make_running(session, "p")
        query = "&".join(f"ports={port}" for port in ports)
        path = f"{PODS}/p/portforward?{query}"
        async with session.ws_connect(path, protocols=("v5.channel.k8s.io", PROTOCOL)) as forward:
            assert forward.protocol == PROTOCOL
            for channel in range(2 * len(ports)):
                number = ports[channel // 2].to_bytes(2, "little")
                assert await forward.receive_bytes() == bytes([channel]) + number
            yield forward


async def receive(forward: aiohttp.ClientWebSocketResponse, size: int) -> dict[int, bytes]:
    """``size`` bytes of data and errors together, by channel; fewer if the server closes."""
    got: dict[int, bytes] = {}
    while sum(map(len, got.values())) < size:
        message = await forward.receive()
        if message.type is not aiohttp.WSMsgType.BINARY:
            break
        channel = message.data[0]
        got[channel] = got.get(channel, b"") + message.data[1:]
    return got


def test_data_goes_both_ways_unchanged(api: Running) -> None:
    """All bytes, in order, in messages of any size."""
    payload = bytes(range(256)) * 4096

    async def scenario() -> dict[int, bytes]:
        async with echo() as port, forwarded(api, port) as forward:
            await forward.send_bytes(b"\0")
            await forward.send_bytes(b"\0" + payload[:1])
            await forward.send_bytes(b"\0" + payload[1:])
            return await receive(forward, len(payload))

    assert api.run(scenario()) == {0: payload}


def test_two_ports_are_two_conversations(api: Running) -> None:
    """Channels 0 and 2 for data; what comes on others is not for any port."""

    async def scenario() -> dict[int, bytes]:
        async with echo() as one, echo() as two, forwarded(api, one, two) as forward:
            for message in (b"\1error?", b"\7nobody", b"", b"\0one", b"\2two"):
                await forward.send_bytes(message)
            await forward.send_str("no text in this protocol")
            return await receive(forward, 6)

    assert api.run(scenario()) == {0: b"one", 2: b"two"}


def test_end_of_the_pods_side_closes_after_its_data(api: Running) -> None:
    """Nothing is lost at the end."""

    async def scenario() -> tuple[dict[int, bytes], int | None]:
        async with echo(limit=5) as port, forwarded(api, port) as forward:
            await forward.send_bytes(b"\x0012345")
            return await receive(forward, 100), forward.close_code

    assert api.run(scenario()) == ({0: b"12345"}, 1000)


@pytest.mark.parametrize("port", [1, 2])
def test_port_that_cannot_be_opened_is_an_error_on_its_channel(api: Running, port: int) -> None:
    """The node refuses port 1; nothing listens on port 2. The other port works."""

    async def scenario() -> dict[int, bytes]:
        async with echo() as good, forwarded(api, port, good) as forward:
            told = await receive(forward, 1)
            await forward.send_bytes(b"\0lost")
            await forward.send_bytes(b"\2ok")
            return told | await receive(forward, 2)

    got = api.run(scenario())

    assert got.keys() == {1, 2}
    assert got[1].startswith(f"error forwarding port {port} to pod p: ".encode())
    assert got[2] == b"ok"


def test_client_that_leaves_hangs_up_on_the_pod(api: Running) -> None:
    """The pod sees the end, as if the client had spoken to it directly."""

    async def scenario() -> bytes:
        left: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        async def hear(reader: StreamReader, writer: StreamWriter) -> None:
            with closing(writer):
                left.set_result(await reader.read())

        server = await asyncio.start_server(hear, "127.0.0.1", 0)
        async with server:
            async with forwarded(api, server.sockets[0].getsockname()[1]) as forward:
                await forward.send_bytes(b"\0bye")
            async with asyncio.timeout(10):
                return await left

    assert api.run(scenario()) == b"bye"


def test_missing_pod_is_refused_before_the_handshake(api: Running) -> None:
    """The client sees the status of the refusal."""

    async def scenario() -> int:
        async with client(api) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"{PODS}/none/portforward?ports=1", protocols=(PROTOCOL,))
        return caught.value.status

    assert api.run(scenario()) == 404


def test_python_client_forwards(api: Running) -> None:
    """kubernetes.stream.portforward, over TLS with the token; alone, as it leaves sockets open."""

    async def scenario() -> tuple[bytes, bytes]:
        async with client(api) as session, echo() as port:
            await make_running(session, "p")
            command = ["-W", "ignore", "-c", BY_THE_PYTHON_CLIENT, str(api.kubeconfig), str(port)]
            program = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            async with asyncio.timeout(30):
                return await program.communicate()

    assert api.run(scenario()) == (b"1000000 None\n", b"")
