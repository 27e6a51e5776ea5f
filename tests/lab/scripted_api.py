"""An HTTP server on loopback that answers by script: what an API server may do to a client."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client import Configuration

from kvchaos.cluster.config import Access, _access

Handler = BaseHTTPRequestHandler


@dataclass(slots=True)
class FakeClock:
    """Time that passes only when somebody sleeps."""

    at: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.at += seconds


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Step = Callable[[Handler], None]


def answer(body: Any, *, code: int = 200, **headers: str) -> Step:
    """JSON, or the bytes as they are."""

    def step(handler: Handler) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return step


def refuse(code: int, reason: str = "", message: str = "", **headers: str) -> Step:
    """A ``Status`` object."""
    status = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return answer(status, code=code, **headers)


def cut(handler: Handler) -> None:
    """The connection ends without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def stream(*lines: Any, cut_at: bytes = b"", hold: threading.Event | None = None) -> Step:
    """Events of a watch, a chunk each; then a half line, then silence until ``hold``, then end."""

    def step(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for line in lines:
            content = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        if cut_at:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(cut_at), cut_at))
            cut(handler)
            return
        if hold is not None:
            hold.wait(20)
        handler.wfile.write(b"0\r\n\r\n")

    return step


def hang(until: threading.Event) -> Step:
    """No answer at all."""

    def step(handler: Handler) -> None:
        until.wait(20)
        cut(handler)

    return step


class ScriptedApi:
    """Answers the first request by the first step, and so on; beyond the script by HTTP 418."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[Request] = []
        self._lock = threading.Lock()
        outer = self

        class Scripted(Handler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def do_any(self) -> None:
                outer._serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do_any  # noqa: N815 - named by the library

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def access(self) -> Access:
        """The way to this server, as context ``scripted``."""
        return access_to(self.url)

    def summary(self) -> list[str]:
        """Each request's method and path."""
        return [f"{each.method} {each.path}" for each in self.asked]

    def _serve(self, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        content = handler.rfile.read(length)
        with self._lock:
            self.asked.append(
                Request(
                    handler.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {name.lower(): value for name, value in handler.headers.items()},
                    json.loads(content) if content else None,
                )
            )
            step = self.steps.pop(0) if self.steps else refuse(418, "", "beyond the script")
        step(handler)


def access_to(url: str) -> Access:
    """An ``Access`` with a token, to any URL."""
    settings = Configuration()
    settings.host = url
    settings.api_key["authorization"] = "Bearer secret"
    return _access("scripted", settings, hint="the script")


@contextmanager
def scripted(*steps: Step) -> Iterator[ScriptedApi]:
    """A scripted server, up while inside."""
    api = ScriptedApi(*steps)
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.server.shutdown()
        api.server.server_close()
        thread.join(timeout=5)
