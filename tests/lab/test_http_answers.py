"""Answers over HTTP, as documented and otherwise: the router's index, and completions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kvchaos.clock import SystemClock
from kvchaos.errors import EngineUnreachable, KVChaosError, RouterUnreachable
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.protocol import RouterIndex
from kvchaos.index.routers.reference import ReferenceRouter
from kvchaos.traffic.completions import Completions
from tests.streams import CPU, GPU

pytestmark = pytest.mark.lab

ENGINE: dict[str, Any] = {
    "pod": "a",
    "uid": "uid-a",
    "rank": 0,
    "connected": True,
    "seq": 41,
    "gaps": 1,
    "replays": 2,
    "restarts": 0,
    "lost": 0,
    "blocks": [
        {"medium": "GPU", "group": None, "hashes": [1, 2**64 - 1]},
        {"medium": "GPU", "group": None, "hashes": [3]},
        {"medium": "CPU", "group": None, "hashes": []},
    ],
}
INDEX = {"router": {"recovery": "replay", "started": 12.5}, "engines": [ENGINE]}
USAGE = {"prompt_tokens": 33, "prompt_tokens_details": {"cached_tokens": 16}}


class Played(ThreadingHTTPServer):
    """Answers every request alike and keeps what was asked."""

    daemon_threads = True

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.headers, self.body = status, headers, body
        self.asked: list[tuple[str, str, Any]] = []
        self.ranks: list[str | None] = []
        self.stall = threading.Event()
        self.stall.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that did not wait for the answer is part of a test."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Played

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(body or b"null")))
        self.server.ranks.append(self.headers.get("X-data-parallel-rank"))
        self.server.stall.wait(10)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in its base
        """Nothing to say."""


@contextmanager
def serving(answer: Any, *, status: int = 200, **headers: str) -> Iterator[Played]:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with Played(status, named, body) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.stall.set()
            server.shutdown()
            thread.join(5)


def router(server: Played, timeout: float = 5.0) -> RouterIndex:
    return ReferenceRouter(lambda: server.address, timeout=timeout)


def test_a_snapshot_has_all_that_the_router_tells() -> None:
    """Blocks by medium and group, empty ones left out; the counters beside them."""
    with serving(INDEX) as server:
        found = router(server).snapshot()

    assert found == Observed(
        engines={
            ("a", 0): EngineView(
                {GPU: frozenset({1, 3, 2**64 - 1})},
                uid="uid-a",
                seq=41,
                connected=True,
                gaps=1,
                replays=2,
                restarts=0,
                lost=0,
            )
        },
        router={"recovery": "replay", "started": 12.5},
    )
    assert server.asked == [("GET", "/index", None)]
    assert CPU not in found.engines["a", 0].blocks


def test_a_match_tells_tokens_by_pod() -> None:
    """The tokens are sent as they are; the answer is the router's."""
    with serving({"block_size": 16, "pods": {"a": 32, "b": 0}}) as server:
        assert router(server).match((1, 2, 3)) == {"a": 32, "b": 0}

    assert server.asked == [("POST", "/match", {"token_ids": [1, 2, 3]})]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"\xff{}",
        {},
        {"router": {}},
        INDEX | {"engines": [{name: ENGINE[name] for name in ENGINE if name != "blocks"}]},
        INDEX | {"engines": [ENGINE | {"seq": "41"}]},
        INDEX | {"engines": [ENGINE | {"blocks": [{"medium": "GPU", "hashes": [1]}]}]},
        INDEX | {"engines": [ENGINE, ENGINE]},
    ],
)
def test_a_malformed_index_is_no_index(answer: Any) -> None:
    """A misread index would be a false verdict, so nothing is guessed."""
    with serving(answer) as server, pytest.raises(RouterUnreachable):
        router(server).snapshot()


def test_an_error_of_the_router_is_told() -> None:
    """The status is in the text: it is all that the journal keeps."""
    with (
        serving({"error": "starting"}, status=503) as server,
        pytest.raises(RouterUnreachable, match="GET /index of the router: saw 503"),
    ):
        router(server).snapshot()


def test_a_router_that_does_not_answer_in_time_is_unreachable() -> None:
    """Nothing waits for ever."""
    with serving(INDEX) as server:
        server.stall.clear()
        with pytest.raises(RouterUnreachable, match="timed out"):
            router(server, timeout=0.2).snapshot()


def test_a_router_that_is_not_there_is_unreachable() -> None:
    """A refused connection is an answer like the others."""
    with serving(INDEX) as server:
        gone = router(server)
    with pytest.raises(RouterUnreachable):
        gone.match([1])


def test_the_address_is_asked_for_each_time() -> None:
    """After a restart the router is another pod."""
    with serving(INDEX) as one, serving(INDEX | {"engines": []}) as other:
        addresses = iter([one.address, other.address])
        moving = ReferenceRouter(lambda: next(addresses))

        assert len(moving.snapshot().engines) == 1
        assert len(moving.snapshot().engines) == 0


ASK = Completions(model="demo", clock=SystemClock(), timeout=5.0)


def test_a_completion_tells_pod_tokens_and_latency() -> None:
    """One token is asked for, and what was cached is told by the engine."""
    with serving({"usage": USAGE}, target_pod="a") as server:
        found = ASK.router(server.address, [5, 6])

    assert (found.pod, found.cached_tokens, found.prompt_tokens, found.status) == ("a", 16, 33, 200)
    assert found.latency > 0
    asked = {"model": "demo", "prompt": [5, 6], "max_tokens": 1, "temperature": 0, "stream": False}
    assert server.asked == [("POST", "/v1/completions", asked)]
    assert server.ranks == [None]


def test_a_rank_is_asked_for_by_its_header() -> None:
    """vLLM's own; without it the engine chooses."""
    with serving({"usage": USAGE}) as server:
        found = ASK.engine(server.address, [5], rank=1)

    assert server.ranks == ["1"]
    assert found.pod is None


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": 3}, {"prompt_tokens": 3} | {"prompt_tokens_details": None}]
)
def test_what_the_engine_does_not_tell_is_none(usage: dict[str, Any]) -> None:
    """Cached tokens that nobody counted are not 0."""
    with serving({"usage": usage}) as server:
        assert ASK.engine(server.address, [5]).cached_tokens is None


@pytest.mark.parametrize(
    ("ask", "error"), [(ASK.engine, EngineUnreachable), (ASK.router, RouterUnreachable)]
)
@pytest.mark.parametrize(
    ("answer", "status"), [({"error": "no"}, 503), (b"<html>", 200), ({"usage": {}}, 200)]
)
def test_anything_but_a_completion_is_unreachable(
    ask: Callable[[str, list[int]], object], error: type[KVChaosError], answer: Any, status: int
) -> None:
    """The error says which of the two it was."""
    with serving(answer, status=status) as server, pytest.raises(error):
        ask(server.address, [5])
