"""Whatever a router or an engine answers: its documented shape or "unreachable", within bounds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvchaos import sessions
from kvchaos.clock import SystemClock
from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.routers import dynamo, reference
from kvchaos.index.routers.dynamo import DynamoIndexer
from kvchaos.index.routers.protocol import RouterPlace
from kvchaos.index.routers.reference import ReferenceRouter
from kvchaos.traffic import completions
from kvchaos.traffic.completions import Completion, Completions
from tests.hostile import bounded, damaged_json, outcome
from tests.said import Said, answering

ENGINE = {
    "pod": "a",
    "uid": "u",
    "rank": 0,
    "connected": True,
    "seq": 41,
    "gaps": 0,
    "replays": 0,
    "restarts": 0,
    "lost": 0,
    "blocks": [{"medium": "GPU", "group": None, "hashes": [1, 2**64 - 1]}],
}
INDEX = {"router": {"recovery": "replay", "started": 1.0}, "engines": [ENGINE]}
MATCH = {"block_size": 16, "pods": {"a": 32}}
WORKER = {
    "instance_id": 1,
    "model_name": "m",
    "routing_group": "default",
    "endpoints": {"0": "tcp://10.0.0.5:5557"},
    "listeners": {"0": {"endpoint": "tcp://10.0.0.5:5557", "status": "active"}},
}
STORED = {"stored": {"parent_hash": None, "blocks": [{"block_hash": 1}, {"block_hash": 2**64 - 1}]}}
HELD = {
    "worker_id": 1,
    "storage_tier": "device",
    "residency_domain": "worker",
    "event": {"event_id": 0, "data": STORED, "dp_rank": 0},
}
DYNAMO = {
    "/workers": [WORKER],
    "/dump": {"m:default": {"block_size": 16, "events": [HELD, {**HELD, "worker_id": 2}]}},
    "/query": {"scores": {"1": {"0": 32}}, "frequencies": []},
}
COMPLETION = {"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}}


def _damaged(path: str) -> st.SearchStrategy[tuple[str, bytes]]:
    """One of the indexer's answers after accidents."""
    return st.tuples(st.just(path), damaged_json(DYNAMO[path]))


@given(damaged_json(INDEX))
def test_an_index_is_read_or_refused(body: bytes) -> None:
    """A misread index would be a false verdict."""
    with answering(lambda _: Said(body)), bounded(len(body)):
        found = outcome(ReferenceRouter(lambda: "a:1").snapshot, RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        for view in found.engines.values():
            assert all(isinstance(each, int) for held in view.blocks.values() for each in held)


@given(damaged_json(MATCH))
def test_a_match_is_read_or_refused(body: bytes) -> None:
    """Tokens by pod, or nothing."""
    with answering(lambda _: Said(body)), bounded(len(body)):
        found = outcome(lambda: ReferenceRouter(lambda: "a:1").match([1]), RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        assert {type(tokens) for tokens in found.values()} <= {int}


def indexer(address: str) -> DynamoIndexer:
    return DynamoIndexer(
        RouterPlace(
            address=lambda: address, engines=lambda: {"10.0.0.5": "a"}, model="m", block_size=16
        )
    )


def dynamo_with(path: str, body: bytes) -> Callable[[str], Said]:
    """An indexer as it should be, but for its answer to ``path``."""
    return lambda asked: Said(body if asked == path else msgspec.json.encode(DYNAMO[asked]))


@given(st.sampled_from(["/workers", "/dump"]).flatmap(_damaged))
def test_a_dump_of_dynamo_is_read_or_refused(answer: tuple[str, bytes]) -> None:
    """Pods and hashes, whatever it says of its workers and of what they hold."""
    path, body = answer
    with answering(dynamo_with(path, body)), bounded(len(body)):
        found = outcome(indexer("a:1").snapshot, RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        hashes = [
            each
            for view in found.engines.values()
            for held in view.blocks.values()
            for each in held
        ]
        assert all(type(each) is int and 0 <= each < 2**64 for each in hashes)


@given(st.sampled_from(["/workers", "/query"]).flatmap(_damaged))
def test_a_match_of_dynamo_is_read_or_refused(answer: tuple[str, bytes]) -> None:
    """Tokens by pod, or nothing."""
    path, body = answer
    with answering(dynamo_with(path, body)), bounded(len(body)):
        found = outcome(lambda: indexer("a:1").match([1]), RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        assert {type(tokens) for tokens in found.values()} <= {int}


@given(damaged_json(COMPLETION))
def test_a_completion_is_read_or_refused(body: bytes) -> None:
    """As for the router."""
    asked = Completions(model="m", clock=SystemClock())
    with answering(lambda _: Said(body)), bounded(len(body)):
        found = outcome(lambda: asked.engine("a:1", [1]), EngineUnreachable)
    if isinstance(found, Completion):
        assert isinstance(found.prompt_tokens, int)


class Endless(BaseHTTPRequestHandler):
    """An answer that does not end while somebody reads it."""

    protocol_version = "HTTP/1.1"
    sent = 0

    def do_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = b"[" * 2**16
        try:
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except OSError:
            self.close_connection = True

    do_GET = do_POST = do_any  # noqa: N815 - named by the library

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def endless() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        sessions.session().close()


@pytest.mark.lab
def test_an_answer_without_end_is_given_up(endless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read to its bound and no further; the error says so."""
    monkeypatch.setattr(reference, "LARGEST", 2**20)
    monkeypatch.setattr(completions, "LARGEST", 2**20)
    monkeypatch.setattr(dynamo, "LARGEST", 2**20)
    router = ReferenceRouter(lambda: endless)
    asked = Completions(model="m", clock=SystemClock())

    with bounded(2**20):
        with pytest.raises(RouterUnreachable, match="more than 1 MiB"):
            router.snapshot()
        with pytest.raises(RouterUnreachable, match="more than 1 MiB"):
            indexer(endless).snapshot()
        with pytest.raises(EngineUnreachable, match="more than 1 MiB"):
            asked.engine(endless, [1])
