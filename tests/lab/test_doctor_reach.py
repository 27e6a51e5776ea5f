"""How the doctor tells an event stream from what is none, and engines from none. On loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from kvchaos.doctor.line import Line, State
from kvchaos.doctor.reach import workload
from kvchaos.kvevents.publisher import Publisher
from kvchaos.settings import Settings
from tests.preflight_world import AskedCluster, engine, only, router
from tests.scripted import NAMESPACE

pytestmark = pytest.mark.lab


ANY_PORT = "tcp://127.0.0.1:*"


def port_of(endpoint: str | None) -> int:
    assert endpoint is not None
    return int(endpoint.rpartition(":")[2])


def free_port() -> int:
    """One on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def answering(text: bytes) -> Iterator[int]:
    """A port on which everybody is told ``text`` at once; its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                while True:
                    link, _ = server.accept()
                    with link:
                        link.sendall(text)
            except OSError:  # closed
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


USUAL = Settings(
    namespace=NAMESPACE, engine_selector="app=a", router_selector="app=b", transport="direct"
)


def lines(cluster: AskedCluster, **ports: int) -> dict[str, Line]:
    settings = replace(USUAL, **ports)  # type: ignore[arg-type]  # its ports are numbers
    found = workload(cluster, settings)  # type: ignore[arg-type]  # what it asks is scripted
    return {each.what: each for each in found}


def local(name: str) -> AskedCluster:
    """A cluster of one engine whose address is this machine's."""
    body = engine(name)
    body["status"]["podIP"] = "127.0.0.1"
    return only(body)


def test_a_publisher_is_an_event_stream_and_an_answer_is_http() -> None:
    """A real publisher's two ports, and any HTTP answer, also one that is no 200."""
    with (
        answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as http,
        Publisher(ANY_PORT, replay_endpoint=ANY_PORT) as publisher,
    ):
        events, replay = port_of(publisher.endpoint), port_of(publisher.replay_endpoint)
        found = lines(local("e1"), engine_port=http, event_port=events, replay_port=replay)

    assert found["engines' HTTP"] == Line("engines' HTTP", State.OK, f"1 of 1 answer on {http}")
    assert found["engines' events"].saw == f"1 of 1 publish on {events} and replay on {replay}"
    assert found["engines"].state is State.NOTE  # of one engine, no share can be hit


def test_what_speaks_otherwise_is_no_event_stream() -> None:
    """Nor is a port on which nobody listens; both are told, and what vLLM has to be given."""
    with answering(b"SSH-2.0-x\r\n") as other:
        found = lines(local("e1"), engine_port=free_port(), event_port=other, replay_port=1)

    assert found["engines' HTTP"].saw == "e1: nobody listens there"
    assert found["engines' events"].saw == f"e1:{other}: no ZMQ socket (and 1 more)"
    assert f'"endpoint": "tcp://*:{other}"' in found["engines' events"].todo


def test_engines_that_are_not_ready_are_named() -> None:
    """And those that are gone do not count."""
    late = engine("e2")
    late["status"]["conditions"] = []
    gone = engine("e3")
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    body = engine("e1")
    body["status"]["podIP"] = "127.0.0.1"

    found = lines(only(body, late, gone), engine_port=1, event_port=2, replay_port=3)

    assert found["engines"].saw.startswith("1 of 2 ready; not: e2")


def test_no_engines_and_two_routers_are_told_without_asking_further() -> None:
    """Which label means them is what has to be said."""
    found = lines(only(router("r1"), router("r2")))

    assert list(found) == ["engines", "router's index"]
    assert found["engines"].saw == f"no pod with app=a in namespace {NAMESPACE}"
    assert "saw r1, r2" in found["router's index"].saw


def test_pods_that_may_not_be_listed_are_one_line() -> None:
    """With the question that kubectl answers, too."""
    found = lines(only(hidden={"list pods"}))

    assert list(found) == ["engines"]
    assert found["engines"].todo == f"kubectl auth can-i list pods -n {NAMESPACE}"
