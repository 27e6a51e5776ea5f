"""Streams into pods through the API server: the way by which kvchaos observes."""

from __future__ import annotations

import socket

import pytest

from kvchaos.cluster.kinds import PODS
from kvchaos.cluster.portforward import Bridge
from kvchaos.errors import NotFound
from tests.contract.world import Agent, World, pod, until

NOBODY = 7999  # a port that no process of the pod listens on


@pytest.fixture(scope="module")
def target(world: World) -> str:
    world.start(pod("target"))
    return "target"


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def rest_of(sock: socket.socket) -> bytes:
    """All that comes until the end; a reset is an end too."""
    got = b""
    try:
        while data := sock.recv(65_536):
            got += data
    except ConnectionResetError:
        pass
    return got


def test_bytes_go_both_ways(world: World, target: str) -> None:
    """A question goes in, its answer comes out."""
    assert world.agent(target).ask("echo", "hello") == "hello"


def test_address_is_the_same_for_the_same_port(world: World, target: str) -> None:
    """So that callers may ask again and again."""
    first, again, other = (
        world.bridge.address(target, port, namespace=world.namespace) for port in (7000, 7000, 7001)
    )

    assert first == again
    assert first != other
    assert first.startswith("127.0.0.1:")


def test_large_messages_arrive_whole_in_both_directions(world: World, target: str) -> None:
    """A megabyte each way, far beyond any one frame."""
    text = "0123456789abcdef" * 65_536

    assert world.agent(target).ask("echo", text) == text


def test_connections_are_independent(world: World, target: str) -> None:
    """Ending one leaves the other as it is."""
    one, other = Agent(world, target), Agent(world, target)
    try:
        answers = [one.ask("echo", "1"), other.ask("echo", "2")]
        one.close()
        answers.append(other.ask("echo", "3"))
    finally:
        one.close()
        other.close()

    assert answers == ["1", "2", "3"]


def test_end_said_by_the_pod_is_an_end_here(world: World, target: str) -> None:
    """What was sent before arrives, then end of file."""
    with world.dial(target, 7000) as sock:
        sock.sendall(b"echo last\nbye\n")

        assert rest_of(sock) == b"last\n"


def test_end_said_here_reaches_the_pod(world: World, target: str) -> None:
    """No connection stays behind in the pod."""
    agent = world.agent(target)
    other = Agent(world, target)
    other.ask("echo", "x")
    during = int(agent.ask("clients"))

    other.close()

    assert during >= 2
    until(lambda: int(agent.ask("clients")) == 1)


def test_answer_still_comes_after_half_close(world: World, target: str) -> None:
    """Who has nothing more to say may still listen."""
    with world.dial(target, 7000) as sock:
        sock.sendall(b"flood 300000\n")
        sock.shutdown(socket.SHUT_WR)

        assert rest_of(sock) == b"x" * 300_000 + b"\n"


def test_raw_stream_is_opened_without_a_listener(world: World, target: str) -> None:
    """``open_port`` gives the connected socket itself."""
    with world.cluster.open_port(target, 7000, namespace=world.namespace) as sock:
        sock.settimeout(20)
        sock.sendall(b"echo raw\n")

        assert sock.makefile("rb").readline() == b"raw\n"


def test_port_that_nobody_listens_on_is_closed_and_told(world: World, target: str) -> None:
    """The connection ends without a byte, and the reason is kept."""
    with Bridge(world.cluster) as bridge:
        with connect(bridge.address(target, NOBODY, namespace=world.namespace)) as sock:
            got = rest_of(sock)
        failures = until(bridge.recent_failures)

    assert got == b""
    assert "refused" in failures[0].text
    assert failures[0].target.port == NOBODY


def test_pod_that_is_not_there_is_not_found(world: World) -> None:
    """At once when a raw stream is asked for."""
    with pytest.raises(NotFound, match='"nobody" not found'):
        world.cluster.open_port("nobody", 7000, namespace=world.namespace)


def test_address_of_a_pod_that_is_not_there_resets(world: World) -> None:
    """A listener cannot refuse, so the connection ends and the failure is kept."""
    with Bridge(world.cluster) as bridge:
        with connect(bridge.address("nobody", 7000, namespace=world.namespace)) as sock:
            got = rest_of(sock)
        until(bridge.recent_failures)

    assert got == b""


def test_stream_ends_when_the_pod_dies(world: World) -> None:
    """A dead pod must not look like a quiet one."""
    world.start(pod("mortal"))
    with world.dial("mortal", 7000) as sock:
        sock.sendall(b"echo alive\n")
        first = sock.recv(100)
        world.delete(PODS, "mortal", grace=0)

        rest = rest_of(sock)

    assert (first, rest) == (b"alive\n", b"")


def test_stream_ends_when_the_container_restarts(world: World) -> None:
    """The same address leads into the new container afterwards."""
    world.start(pod("phoenix"))
    agent = world.agent("phoenix")

    agent.tell("exit", 1)

    assert until(lambda: agent.ask("echo", "again")) == "again"


def test_closed_bridge_ends_its_streams(world: World, target: str) -> None:
    """And its listeners: nothing is left to connect to."""
    bridge = Bridge(world.cluster)
    address = bridge.address(target, 7000, namespace=world.namespace)
    with connect(address) as sock:
        sock.sendall(b"echo x\n")
        first = sock.recv(10)
        bridge.close()
        rest = rest_of(sock)

    assert (first, rest) == (b"x\n", b"")
    with pytest.raises(ConnectionRefusedError):
        connect(address)
