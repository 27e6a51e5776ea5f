"""Whatever stands where an API server should: a value or a ClusterError, within bounds."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.cluster import pods
from kvchaos.cluster.call import Call
from kvchaos.cluster.config import contexts, load
from kvchaos.cluster.kinds import PODS, Kind, Object
from kvchaos.cluster.pages import decode, items
from kvchaos.cluster.refusal import read_refusal, refused
from kvchaos.cluster.tunnel import LONGEST_ERROR, Target, Tunnel
from kvchaos.cluster.watch import LONGEST_LINE, Watch, WatchEvent, lines
from kvchaos.errors import ClusterError, ContextNotFound
from kvchaos.untrusted import Unreadable
from tests.hostile import bounded, damaged, damaged_json, outcome

CALL = Call(verb="get", kind=PODS, name="a", namespace="n")
STATUS = {
    "kind": "Status",
    "code": 409,
    "reason": "AlreadyExists",
    "message": 'pods "a" already exists',
    "details": {"causes": [{"reason": "x", "message": "y", "field": "z"}]},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7"},
    "spec": {
        "containers": [{"name": "c", "ports": [{"name": "kv-events", "containerPort": 5557}]}]
    },
    "status": {"phase": "Running", "podIP": "10.0.0.1"},
}
LIST = {"kind": "PodList", "metadata": {"resourceVersion": "9", "continue": "x"}, "items": [POD]}
EVENTS = [
    {"type": "ADDED", "object": POD},
    {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}},
    {"type": "ERROR", "object": STATUS},
]


@given(st.integers(100, 999), damaged_json(STATUS))
def test_a_refusal_is_a_cluster_error_of_a_line(status: int, body: bytes) -> None:
    """Whatever the body, the error is short enough to be shown."""
    with bounded(len(body)):
        refusal = read_refusal(body)
        error = refused(CALL, status, body)

    assert isinstance(error, ClusterError)
    assert len(refusal.reason) <= 80
    assert len(str(error)) < 1500


@given(damaged_json(LIST, POD))
def test_an_answer_is_objects_or_a_cluster_error(body: bytes) -> None:
    """A page that names no objects is not taken for an empty one."""
    with bounded(len(body)):
        page = outcome(lambda: decode(CALL, body), ClusterError)
        found = (
            page
            if isinstance(page, ClusterError)
            else outcome(lambda: items(CALL, page), ClusterError)
        )

    if not isinstance(found, ClusterError):
        assert all(isinstance(pods.name(each), str) for each in found)


@given(st.lists(damaged_json(*EVENTS) | st.binary(max_size=20), max_size=8), st.integers(1, 40))
def test_lines_come_out_as_they_went_in(parts: list[bytes], size: int) -> None:
    """However the stream is cut into chunks; what follows the last line's end is dropped."""
    stream = b"\n".join(parts)
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    with bounded(len(stream)):
        found = list(lines(chunks))

    assert found == [line for line in stream.split(b"\n")[:-1] if line]


def test_a_line_without_end_is_refused() -> None:
    """A server that never ends its line fills no memory."""
    chunk = bytes(2**16)

    def endless() -> Iterable[bytes]:
        while True:
            yield chunk

    with bounded(LONGEST_LINE, memory=(2**20, 3)), pytest.raises(Unreadable, match="16 MiB"):
        next(iter(lines(endless())))


class Stream:
    """The body of a watch, already there."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, _size: int, *, decode_content: bool) -> Iterable[bytes]:
        return [self._body]

    def close(self) -> None: ...

    def release_conn(self) -> None: ...


class Source:
    """An API whose list is ``listed`` and whose first watch says ``body``; then it is stopped."""

    def __init__(self, listed: list[Any], body: bytes, stop: threading.Event) -> None:
        self._listed, self._body, self._stop = listed, body, stop
        self.opened = 0

    def list_page(self, kind: Kind, query: Mapping[str, str]) -> tuple[list[Object], str]:
        return self._listed, "5"

    def open(self, call: Call, *, silence: float) -> urllib3.BaseHTTPResponse:
        self.opened += 1
        if self.opened > 1:
            self._stop.set()
        return Stream(self._body if self.opened == 1 else b"")  # type: ignore[return-value]


class NoWait(threading.Event):
    """A pause between two attempts takes no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


@given(st.lists(damaged_json(*EVENTS), max_size=5))
def test_a_watch_gives_objects_or_asks_again(parts: list[bytes]) -> None:
    """A line that is none is a broken stream; only a refusal ends the watch."""
    stop = NoWait()
    body = b"\n".join(parts) + b"\n"
    source = Source([POD], body, stop)
    watch = Watch(source, PODS, query={}, stop=stop)
    found: list[WatchEvent] = []

    def follow() -> None:
        found.extend(watch.events(namespace="n"))

    ended = outcome(follow, ClusterError)

    assert found[0] == WatchEvent("ADDED", POD)
    assert all(isinstance(pods.name(event.object), str) for event in found)
    assert ended is None or "stream broke" not in str(ended)


PLACE = tempfile.TemporaryDirectory()  # of all examples
KUBECONFIG = b"""\
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: a, context: {cluster: c, user: u, namespace: n}}]
"""


@given(damaged([KUBECONFIG]) | st.binary(max_size=60) | damaged_json(STATUS))
def test_a_kubeconfig_names_contexts_or_is_not_readable(text: bytes) -> None:
    """Also where the library that reads the rest of it trips."""
    path = Path(PLACE.name) / "kubeconfig"
    path.write_bytes(text)
    with bounded(len(text), memory=(32 * 2**20, 400)):
        names = outcome(lambda: contexts(path), ContextNotFound)
    if not isinstance(names, ContextNotFound):
        assert all(isinstance(name, str) for name in names)
        outcome(lambda: load("a", kubeconfig=path), ContextNotFound)


class Writer:
    """The local end of a port-forward."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None: ...


@given(st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\1" + b"x" * 5000), max_size=30))
def test_messages_of_a_port_forward_are_data_errors_or_nothing(messages: list[bytes]) -> None:
    """The first on a channel is its port number, data is carried, and errors are kept short."""
    tunnel, writer = Tunnel(Target("n", "p", 80), None), Writer()  # type: ignore[arg-type]

    async def take() -> None:
        for message in messages:
            await tunnel._take(message, writer)  # type: ignore[arg-type]

    with bounded(sum(map(len, messages))):
        asyncio.run(take())

    data = [message[1:] for message in messages if message[0] == 0]
    assert bytes(writer.written) == b"".join(data[1:])
    assert len(tunnel.error) <= LONGEST_ERROR
