"""The bridge against an API server that refuses, breaks and stalls by script."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from aiohttp import WSMsgType, web

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster import portforward
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.portforward import Bridge, Failure, pause_after
from kvchaos.cluster.tunnel import Target
from kvchaos.errors import ClusterUnreachable, Forbidden
from tests.lab.scripted_api import FakeClock, access_to

pytestmark = pytest.mark.lab

Handler = Callable[[web.WebSocketResponse], Awaitable[None]]
TARGET = Target("n", "p", 80)
HELLO = [b"\0\x50\0", b"\1\x50\0"]  # the port number on both channels


@contextmanager
def server(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Iterator[str]:
    """An aiohttp server in a thread; gives its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def up() -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_get("/api/v1/namespaces/n/pods/p/portforward", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(up(), loop).result(5)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def speaking(handle: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A server that upgrades, says the port numbers, and goes on as told."""

    async def serve(request: web.Request) -> web.StreamResponse:
        assert request.query["ports"] == "80"
        assert request.headers["authorization"] == "Bearer secret"
        ws = web.WebSocketResponse(protocols=("v4.channel.k8s.io",), max_msg_size=0)
        await ws.prepare(request)
        assert ws.ws_protocol == "v4.channel.k8s.io"
        for frame in HELLO:
            await ws.send_bytes(frame)
        await handle(ws)
        return ws

    return serve


async def echo(ws: web.WebSocketResponse) -> None:
    async for message in ws:
        assert message.type is WSMsgType.BINARY
        await ws.send_bytes(message.data)


@contextmanager
def bridged(
    url: str, *, timeout: float = 5.0, patience: float = 0.0
) -> Iterator[tuple[Bridge, Cluster]]:
    cluster = Cluster(access_to(url), timeout=timeout, clock=FakeClock())
    with cluster, Bridge(cluster, patience=patience) as bridge:
        yield bridge, cluster


def connect(bridge: Bridge) -> socket.socket:
    host, _, port = bridge.address("p", 80, namespace="n").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read(sock: socket.socket) -> tuple[bytes, str]:
    """Everything until the end, and how it ended."""
    got = b""
    try:
        while data := sock.recv(65_536):
            got += data
    except ConnectionResetError:
        return got, "reset"
    return got, "end"


def pauses_asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """What pauses are asked for; none is made."""
    asked: list[tuple[int, float]] = []

    def no_pause(times: int, patience: float) -> float:
        asked.append((times, patience))
        return 0.0

    monkeypatch.setattr(portforward, "pause_after", no_pause)
    return asked


def test_bytes_are_carried_and_port_numbers_are_not() -> None:
    """The first message of each channel says the port."""
    with server(speaking(echo)) as url, bridged(url) as (bridge, _), connect(bridge) as sock:
        sock.sendall(b"hello")

        assert sock.recv(100) == b"hello"


def test_orderly_end_is_an_end() -> None:
    """Everything said before arrives."""

    async def say(ws: web.WebSocketResponse) -> None:
        await ws.send_bytes(b"\0all of it")
        await ws.close()

    with server(speaking(say)) as url, bridged(url) as (bridge, _), connect(bridge) as sock:
        assert read(sock) == (b"all of it", "end")
        assert bridge.recent_failures() == []


def test_error_of_the_server_resets_and_is_kept() -> None:
    """What stands on the error channel is why."""

    async def fail(ws: web.WebSocketResponse) -> None:
        await ws.send_bytes(b"\1connection refused")
        await ws.close()

    with server(speaking(fail)) as url, bridged(url) as (bridge, _):
        with connect(bridge) as sock:
            ended = read(sock)
        bridge.close()

    assert ended == (b"", "reset")
    assert bridge.recent_failures() == [Failure(TARGET, "connection refused")]


def test_port_that_nobody_serves_is_dialled_ever_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who connects anew at once would flood the API server; who asks for the address is hopeful."""
    asked = pauses_asked(monkeypatch)

    async def fail(ws: web.WebSocketResponse) -> None:
        await ws.send_bytes(b"\1connection refused")
        await ws.close()

    with server(speaking(fail)) as url, bridged(url, patience=2.0) as (bridge, _):
        host, _, port = bridge.address("p", 80, namespace="n").partition(":")
        for _ in range(3):
            with socket.create_connection((host, int(port)), timeout=10) as sock:
                read(sock)
        with connect(bridge) as sock:
            read(sock)

    assert asked == [(0, 2.0), (1, 2.0), (2, 2.0), (0, 2.0)]


def test_port_that_was_served_is_dialled_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that broke is not one in vain."""
    asked = pauses_asked(monkeypatch)

    async def say(ws: web.WebSocketResponse) -> None:
        await ws.send_bytes(b"\0hello")
        await ws.send_bytes(b"\1broken")
        await ws.close()

    with server(speaking(say)) as url, bridged(url, patience=2.0) as (bridge, _):
        host, _, port = bridge.address("p", 80, namespace="n").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            read(sock)
        poll(bridge.recent_failures, bool, timeout=10, every=0.01, clock=SystemClock())
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            read(sock)

    assert asked == [(0, 2.0), (0, 2.0)]


def test_pauses_double_up_to_the_patience() -> None:
    """Without patience there are none: probes over HTTP want their refusal at once."""
    assert [pause_after(times, 2.0) for times in (0, 1, 2, 3, 5, 6, 9999)] == [
        *(0.0, 0.1, 0.2, 0.4),
        *(1.6, 2.0, 2.0),
    ]
    assert pause_after(9, 0.0) == 0.0


def test_link_that_breaks_resets() -> None:
    """A cut in the middle is not an end: a reader must not take half for whole."""

    async def break_off(ws: web.WebSocketResponse) -> None:
        await ws.send_bytes(b"\0half")
        transport = ws._req.transport if ws._req else None
        assert transport is not None
        await asyncio.sleep(0.05)
        transport.abort()

    with server(speaking(break_off)) as url, bridged(url) as (bridge, _):
        with connect(bridge) as sock:
            ended = read(sock)
        bridge.close()

    assert ended == (b"half", "reset")
    assert "the link to the API server broke" in bridge.recent_failures()[0].text


def test_refusal_resets_and_is_kept() -> None:
    """The listener took the connection before it knew."""

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=403)

    with server(refuse) as url, bridged(url) as (bridge, cluster):
        with connect(bridge) as sock:
            ended = read(sock)
        with pytest.raises(Forbidden, match="not allowed: get pods/portforward in namespace n"):
            cluster.open_port("p", 80, namespace="n")
        kept = bridge.recent_failures()

    assert ended == (b"", "reset")
    assert "not allowed: get pods/portforward in namespace n" in kept[0].text


def test_server_that_is_away_is_unreachable() -> None:
    """With its address."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

    with bridged(url) as (_, cluster), pytest.raises(ClusterUnreachable, match=url):
        cluster.open_port("p", 80, namespace="n")


def test_server_that_never_answers_is_given_up() -> None:
    """Within the cluster's timeout."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        bridged(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1) as (_, cluster),
        pytest.raises(ClusterUnreachable, match=r"within 0\.1 s"),
    ):
        cluster.open_port("p", 80, namespace="n")


def test_reader_that_stalls_holds_the_server_back() -> None:
    """Nothing piles up without bound in between: the server's sending waits."""
    sent: list[int] = []
    stuck = threading.Event()

    async def flood(ws: web.WebSocketResponse) -> None:
        chunk = b"\0" + b"x" * 1_000_000
        for number in range(400):
            try:
                await asyncio.wait_for(ws.send_bytes(chunk), timeout=1)
            except TimeoutError:
                stuck.set()
                return
            sent.append(number)

    with server(speaking(flood)) as url, bridged(url) as (bridge, _), connect(bridge):
        assert stuck.wait(30)

    assert len(sent) < 100


def test_closing_twice_is_harmless_and_ends_the_thread() -> None:
    """Nothing of the bridge is left."""
    with server(speaking(echo)) as url, bridged(url) as (bridge, _):
        with connect(bridge) as sock:
            sock.sendall(b"x")
            sock.recv(10)
            bridge.close()
            bridge.close()
            ended = read(sock)
        with pytest.raises(ClusterUnreachable, match="bridge is closed"):
            bridge.address("q", 80, namespace="n")

    assert ended[0] == b""
    assert not bridge._thread.is_alive()
