"""Webhooks: each event of a game day as JSON to an address, on a thread of its own.

``{"text": "<one line>", "event", "plan", "owner", "purpose", "at": RFC 3339, "folder", ...}``: chat
tools show ``text``.

The rule guarded here: nobody waits for a webhook but the end of the game day, which waits
``FLUSH`` seconds at most; and no address and no token, which are secrets, is in any line of ours.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from kvchaos.clock import Clock
from kvchaos.errors import UsageError
from kvchaos.gameday.plan import Webhook
from kvchaos.redact import Redactor

Json = dict[str, Any]
Tell = Callable[[str], None]

TRIES = 3
TIMEOUT = 5.0  # seconds of one try, to connect and between two bytes
BETWEEN = 1.0  # seconds before the second try, twice that before the third
FLUSH = 20.0
MOST = 1000  # events that wait to be sent
RETRIED = frozenset({408, 425, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook with its secrets: ``name`` is what may be shown of it."""

    name: str
    url: str
    token: str
    events: frozenset[str]


def targets(webhooks: Sequence[Webhook], environment: Mapping[str, str]) -> list[Target]:
    """The webhooks with what the environment says; UsageError for all that it does not."""
    named = [name for each in webhooks for name in (each.url_env, each.token_env) if name]
    if missing := sorted({name for name in named if not environment.get(name)}):
        saw = f"not set: {', '.join(missing)}"
        raise UsageError("notify", wanted="its addresses and tokens in the environment", saw=saw)
    found = [
        Target(each.url_env, environment[each.url_env], _token(each, environment), each.events)
        for each in webhooks
    ]
    for each in found:
        if not each.url.startswith(("https://", "http://")):
            raise UsageError(f"notify: {each.name}", wanted="an address with http:// or https://")
    return found


class Notifier:
    """Sends events to those who want them, in order; ``tell`` hears of what did not arrive."""

    def __init__(self, targets: Sequence[Target], *, tell: Tell, clock: Clock) -> None:
        self._targets = targets
        self._tell = tell
        self._clock = clock
        self._redactor = Redactor([part for each in targets for part in (each.url, each.token)])
        self._waiting: queue.Queue[Json | None] = queue.Queue(MOST)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send_all, name="notify", daemon=True)
        if targets:
            self._thread.start()

    def send(self, event: str, text: str, **more: Any) -> None:
        """Have it sent; returns at once."""
        if not self._targets:
            return
        body = self._redactor.fields({"text": text, "event": event, **more})
        try:
            self._waiting.put_nowait(body)
        except queue.Full:
            self._tell(f"notify: {MOST} events wait already: {event} is not sent")

    def close(self, patience: float = FLUSH) -> None:
        """Send what waits, for at most ``patience`` seconds."""
        if not self._thread.is_alive():
            return
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            self._over.set()
        self._thread.join(patience)
        self._over.set()
        if self._thread.is_alive():
            self._tell(f"notify: not all was sent within {patience:g} s")

    def _send_all(self) -> None:
        session = requests.Session()
        while (body := self._waiting.get()) is not None and not self._over.is_set():
            for target in self._targets:
                if not target.events or body["event"] in target.events:
                    self._send(session, target, body)
        session.close()

    def _send(self, session: requests.Session, target: Target, body: Json) -> None:
        why, again = "", True
        for attempt in range(TRIES):
            if not again or self._over.is_set():
                break
            if attempt:
                self._clock.sleep(BETWEEN * attempt)
            why, again = _posted(session, target, body)
        if why:
            self._tell(f"notify: {target.name} was not told of {body['event']}: {why}")


def _posted(session: requests.Session, target: Target, body: Json) -> tuple[str, bool]:
    """Why it did not arrive, empty when it did, and whether another try may help."""
    headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    try:
        with session.post(
            target.url,
            json=body,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,  # what it answers is not read
        ) as reply:
            code = reply.status_code
    except (
        requests.RequestException,
        OSError,
        ValueError,
    ) as error:  # their texts name the address
        return type(error).__name__, not isinstance(error, ValueError)
    return ("" if 200 <= code < 300 else f"HTTP {code}"), code in RETRIED


def _token(webhook: Webhook, environment: Mapping[str, str]) -> str:
    return environment.get(webhook.token_env, "") if webhook.token_env else ""
