"""The sockets on one engine rank: its live stream, and one replay at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kvchaos.errors import EngineUnreachable
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End, ReplayClient
from kvchaos.kvevents.subscriber import Link, Subscription
from kvchaos.observer.settings import Bounds


class EventLink(Protocol):
    """What a follower needs of the way to its engine; used by one thread only."""

    def live(self, limit: int) -> list[list[bytes]]:
        """The frames of live messages that have come, oldest first."""
        ...

    def news(self) -> list[Link]:
        """What became of the connection; ask after ``live``, heed before applying its messages."""
        ...

    def ask(self, start: int) -> None:
        """Ask for a replay from ``start``; replies to an earlier request will not come in."""
        ...

    def replies(self, limit: int) -> list[Message | End]:
        """The replies that have come, oldest first."""
        ...

    def malformed_replies(self) -> int:
        """How many replies there were, so far, that are none."""
        ...

    def close(self) -> None: ...


class OpenLink(Protocol):
    """Opens a link to two endpoints, such as ``tcp://127.0.0.1:5557``; connects by and by."""

    def __call__(self, events: str, replay: str, *, bounds: Bounds) -> EventLink: ...


class ZmqLink:
    """The link to an engine's PUB at ``events`` and its ROUTER at ``replay``."""

    def __init__(self, events: str, replay: str, *, bounds: Bounds) -> None:
        self._subscription = Subscription(
            events, heartbeat=bounds.heartbeat, heartbeat_timeout=bounds.heartbeat_timeout
        )
        try:
            self._client = ReplayClient(replay)
        except EngineUnreachable:
            self._subscription.close()
            raise
        self.live = self._subscription.drain
        self.ask = self._client.request
        self.replies = self._client.drain

    @property
    def sockets(self) -> Sequence[Any]:
        """What ``subscriber.wait`` waits on."""
        return (*self._subscription.sockets, *self._client.sockets)

    def read_links(self) -> None:
        self._subscription.read_links()

    def news(self) -> list[Link]:
        return [event.what for event in self._subscription.link_events()]

    def malformed_replies(self) -> int:
        return self._client.malformed

    def close(self) -> None:
        self._client.close()
        self._subscription.close()
