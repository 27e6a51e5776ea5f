"""An API server that says too much, or never stops: a clear error, and memory that stays small."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from aiohttp import web

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster import pages, transport, tunnel, watch
from kvchaos.cluster.call import Call
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import ClusterError, ClusterUnreachable, Forbidden
from tests.hostile import bounded
from tests.lab.scripted_api import FakeClock, Step, access_to, answer, scripted, stream
from tests.lab.test_cluster_portforward_script import bridged, connect, server, speaking

pytestmark = pytest.mark.lab

MIB = 2**20


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bounds, in proportion: the tests need not carry 64 MiB."""
    monkeypatch.setattr(transport, "LARGEST", MIB)
    monkeypatch.setattr(transport, "LARGEST_REFUSAL", MIB // 4)
    monkeypatch.setattr(watch, "LONGEST_LINE", MIB)
    monkeypatch.setattr(tunnel, "LARGEST", MIB)
    monkeypatch.setattr(pages, "MOST_PAGES", 5)


def cluster(url: str, *, timeout: float = 10.0) -> Cluster:
    return Cluster(access_to(url), timeout=timeout, clock=FakeClock())


def endless(code: int = 200) -> Step:
    """Chunks until nobody takes them."""

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        chunk = b"[" * 2**16
        for _ in range(16_384):  # a GiB
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    return step


def bomb() -> Step:
    """A hundred MiB in a hundred KiB."""
    return answer(gzip.compress(bytes(100 * MIB)), Content_Encoding="gzip")


@pytest.mark.parametrize(
    "step", [endless(), bomb(), answer(b" " * (MIB + 1))], ids=["endless", "bomb", "long"]
)
def test_an_answer_that_is_too_long_is_an_error(step: Step) -> None:
    """It says so, is not asked for again, and costs no more than the bound."""
    with scripted(step) as api, cluster(api.url) as client, bounded(4 * MIB):
        with pytest.raises(ClusterError, match=r"answer of .* is too long: saw more than 1 MiB"):
            client.get(PODS, "a", namespace="n")
        assert len(api.asked) == 1


def test_an_error_that_is_too_long_is_still_that_error() -> None:
    """Of a refused watch only the beginning is read."""
    call = Call(verb="watch", kind=PODS)
    with (
        scripted(endless(403)) as api,
        cluster(api.url) as client,
        bounded(4 * MIB),
        pytest.raises(Forbidden),
    ):
        client._transport.open(call, silence=5.0)


class Passing(FakeClock):
    """A second for each look at it."""

    def now(self) -> float:
        self.at += 1.0
        return self.at


def test_an_answer_that_drips_is_given_up_in_time() -> None:
    """Each byte comes in time, all of them do not."""
    with scripted(*[endless()] * 20) as api:
        client = Cluster(access_to(api.url), timeout=5.0, clock=Passing())
        with client, pytest.raises(ClusterUnreachable, match="still came after 5"):
            client.get(PODS, "a", namespace="n")


def test_an_answer_cut_short_is_asked_for_again() -> None:
    """Bytes that were promised and did not come are a lost connection."""

    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"kind"')
        handler.close_connection = True

    with scripted(short, answer({"kind": "Pod"})) as api, cluster(api.url) as client:
        assert client.get(PODS, "a", namespace="n") == {"kind": "Pod"}


def test_a_list_without_end_is_an_error() -> None:
    """A server that always has one more page."""
    page = answer({"items": [], "metadata": {"continue": "x", "resourceVersion": "1"}})
    with scripted(*[page] * 9) as api, cluster(api.url) as client:
        with pytest.raises(ClusterError, match="more than 5 pages"):
            client.list(PODS, namespace="n")
        assert len(api.asked) == 5


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b"[" * 5000, b'{"items": [1]}', b"\xff"])
def test_an_answer_of_another_shape_is_an_error(body: bytes) -> None:
    """A list that is none is not an empty one."""
    with (
        scripted(answer(body)) as api,
        cluster(api.url) as client,
        pytest.raises(ClusterError, match=r"no (JSON|list) came back"),
    ):
        client.list(PODS, namespace="n")


def test_a_line_of_a_watch_that_is_too_long_is_a_broken_stream() -> None:
    """The watch lists again, as after any other break."""

    stop = threading.Event()
    pod = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "1"}}
    listed = answer({"items": [pod], "metadata": {"resourceVersion": "1"}})
    later = {"type": "DELETED", "object": pod | {"kind": "Pod"}}
    with (
        scripted(listed, stream(b"x" * (2 * MIB)), stream(later)) as api,
        cluster(api.url) as client,
        bounded(8 * MIB),
    ):
        events = client.watch(PODS, namespace="n", stop=stop)
        seen = [next(events).type, next(events).type]
        stop.set()
        events.close()  # type: ignore[attr-defined]

    assert seen == ["ADDED", "DELETED"]


async def shout(ws: web.WebSocketResponse) -> None:
    await ws.send_bytes(b"\0" + bytes(2 * MIB))
    await ws.receive()


def test_a_message_of_a_port_forward_that_is_too_long_breaks_the_stream() -> None:
    """The local side sees a reset, and the reason is kept."""
    with server(speaking(shout)) as url, bridged(url) as (bridge, _), connect(bridge) as stream_:
        with pytest.raises(ConnectionResetError):
            stream_.recv(1)
        failures, _ = poll(bridge.recent_failures, bool, timeout=5, every=0.01, clock=SystemClock())

    assert "1048576" in failures[-1].text


def test_what_the_server_says_went_wrong_is_kept_short() -> None:
    """It is for people to read."""

    async def complain(ws: web.WebSocketResponse) -> None:
        for _ in range(50):
            await ws.send_bytes(b"\1" + b"x" * 1000)

    with server(speaking(complain)) as url, bridged(url) as (bridge, _), connect(bridge) as stream_:
        with pytest.raises(ConnectionResetError):
            stream_.recv(1)
        failures, _ = poll(bridge.recent_failures, bool, timeout=5, every=0.01, clock=SystemClock())

    assert len(failures[-1].text) == tunnel.LONGEST_ERROR
