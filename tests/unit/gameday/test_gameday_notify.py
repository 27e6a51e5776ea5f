"""Webhooks: what is sent, tried again, and never shown."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kvchaos.errors import UsageError
from kvchaos.gameday.notify import Notifier, Target, targets
from kvchaos.gameday.plan import Webhook
from tests.scripted import FakeClock

SECRET = "s3cret-path"


class Hook:
    """A server that answers with the codes that a test says, then 200, and keeps what it got."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.got: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.paused = threading.Event()
        self.paused.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.paused.wait(20)
                hook.got.append(json.loads(body))
                hook.tokens.append(self.headers.get("Authorization", ""))
                self.send_response(hook.codes.pop(0) if hook.codes else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{SECRET}"

    def close(self) -> None:
        self.paused.set()
        self.server.shutdown()
        self.thread.join(5)
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def sent(
    hook: Hook, *events: str, only: frozenset[str] = frozenset(), token: str = ""
) -> list[str]:
    """Send these events; what was told of those that did not arrive."""
    told: list[str] = []
    target = Target("HOOK", hook.url, token, only)
    notifier = Notifier([target], tell=told.append, clock=FakeClock())
    for event in events:
        notifier.send(event, f"it {event} at {hook.url}", plan="weekly")
    notifier.close()
    return told


def test_an_event_is_json_with_a_line_for_people(hook: Hook) -> None:
    """Without the address, which is a secret; the token is in its header."""
    assert sent(hook, "ended", token="t0ken") == []
    assert hook.got == [{"text": "it ended at [redacted]", "event": "ended", "plan": "weekly"}]
    assert hook.tokens == ["Bearer t0ken"]


def test_only_what_was_asked_for_is_sent(hook: Hook) -> None:
    """In its order."""
    sent(hook, "started", "ended", "stopped", only=frozenset({"started", "stopped"}))

    assert [body["event"] for body in hook.got] == ["started", "stopped"]


def test_a_server_that_is_busy_is_asked_again(hook: Hook) -> None:
    """Three times at most."""
    hook.codes = [503, 429]

    assert (sent(hook, "ended"), len(hook.got)) == ([], 3)


def test_what_does_not_arrive_is_told_without_its_address(hook: Hook) -> None:
    """After three tries; a refusal is not tried again."""
    hook.codes = [500, 500, 500, 403]

    assert sent(hook, "started", "ended") == [
        "notify: HOOK was not told of started: HTTP 500",
        "notify: HOOK was not told of ended: HTTP 403",
    ]


def test_nobody_there_is_told_without_its_address(hook: Hook) -> None:
    """The library's own text would name it."""
    hook.close()

    assert sent(hook, "ended") == ["notify: HOOK was not told of ended: ConnectionError"]


def test_a_server_that_says_nothing_holds_nobody_up(hook: Hook) -> None:
    """Sending returns at once, and the end is waited for so long only."""
    hook.paused.clear()
    told: list[str] = []
    notifier = Notifier(
        [Target("HOOK", hook.url, "", frozenset())], tell=told.append, clock=FakeClock()
    )

    notifier.send("ended", "it ended")
    notifier.close(0.05)

    assert told == ["notify: not all was sent within 0.05 s"]


def test_addresses_come_from_the_environment_alone() -> None:
    """All that is missing is told at once; what is no address is told without it."""
    hooks = [Webhook("HOOK", "TOKEN"), Webhook("OTHER")]
    environment = {"HOOK": "https://h/x", "TOKEN": "t", "OTHER": "http://o"}

    assert targets(hooks, environment) == [
        Target("HOOK", "https://h/x", "t", frozenset()),
        Target("OTHER", "http://o", "", frozenset()),
    ]
    with pytest.raises(UsageError, match="not set: OTHER, TOKEN"):
        targets(hooks, {"HOOK": "https://h/x"})
    with pytest.raises(UsageError, match="notify: OTHER: wanted an address") as caught:
        targets(hooks, environment | {"OTHER": "ftp://secret"})
    assert "secret" not in str(caught.value)
