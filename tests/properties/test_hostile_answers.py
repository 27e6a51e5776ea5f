"""Whatever a router or an engine answers: its documented shape or "unreachable", within bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from hypothesis import given

from kvchaos import sessions
from kvchaos.clock import SystemClock
from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.routers import reference
from kvchaos.index.routers.reference import ReferenceRouter
from kvchaos.traffic import completions
from kvchaos.traffic.completions import Completion, Completions
from tests.hostile import bounded, damaged_json, outcome

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
COMPLETION = {"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}}


class Said(requests.Response):
    """A reply that is already there."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.status_code = 200
        self._said = body

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Any:
        return iter([self._said])

    def close(self) -> None: ...


class Session(requests.Session):
    """Every request is answered by ``body``."""

    body = b""

    def request(self, *_: Any, **__: Any) -> requests.Response:
        return Said(self.body)


@contextmanager
def answering(body: bytes) -> Iterator[None]:
    session = Session()
    session.body = body
    before = getattr(sessions._own, "session", None)
    sessions._own.session = session
    try:
        yield
    finally:
        sessions._own.session = before
        if before is None:
            del sessions._own.session


@given(damaged_json(INDEX))
def test_an_index_is_read_or_refused(body: bytes) -> None:
    """A misread index would be a false verdict."""
    with answering(body), bounded(len(body)):
        found = outcome(ReferenceRouter(lambda: "a:1").snapshot, RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        for view in found.engines.values():
            assert all(isinstance(each, int) for held in view.blocks.values() for each in held)


@given(damaged_json(MATCH))
def test_a_match_is_read_or_refused(body: bytes) -> None:
    """Tokens by pod, or nothing."""
    with answering(body), bounded(len(body)):
        found = outcome(lambda: ReferenceRouter(lambda: "a:1").match([1]), RouterUnreachable)
    if not isinstance(found, RouterUnreachable):
        assert {type(tokens) for tokens in found.values()} <= {int}


@given(damaged_json(COMPLETION))
def test_a_completion_is_read_or_refused(body: bytes) -> None:
    """As for the router."""
    asked = Completions(model="m", clock=SystemClock())
    with answering(body), bounded(len(body)):
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
    router = ReferenceRouter(lambda: endless)
    asked = Completions(model="m", clock=SystemClock())

    with bounded(2**20):
        with pytest.raises(RouterUnreachable, match="more than 1 MiB"):
            router.snapshot()
        with pytest.raises(EngineUnreachable, match="more than 1 MiB"):
            asked.engine(endless, [1])
