"""One engine rank's event stream, from the sockets into the index."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from kvchaos.clock import Clock
from kvchaos.errors import WireError
from kvchaos.kvevents.frames import split_live
from kvchaos.kvevents.replay import ReplayClient
from kvchaos.kvevents.subscriber import Link, LinkEvent, Subscription
from kvchaos.kvevents.wire import decode
from kvchaos.sim.router.blocks import EngineBlocks
from kvchaos.sim.router.engines import Engine
from kvchaos.sim.router.recovery import Recovery
from kvchaos.sim.router.stream import Replaying, Stream
from kvchaos.sim.router.trusting import Trusting

logger = logging.getLogger(__name__)

HEARTBEAT = 1.0  # seconds; a cut link is torn down after HEARTBEAT_TIMEOUT
HEARTBEAT_TIMEOUT = 3.0
TURN = 500  # messages at most before other engines get their turn


class _Index:
    """Blocks that take encoded batches; one that cannot be read is counted and passed over."""

    def __init__(self, blocks: EngineBlocks, label: str) -> None:
        self.malformed = 0
        self._blocks = blocks
        self._label = label

    def apply(self, payload: bytes) -> None:
        try:
            self._blocks.apply(decode(payload))
        except WireError as error:
            self.malformed += 1
            logger.warning("%s: batch dropped: %s", self._label, error)

    def clear(self) -> None:
        self._blocks.clear()


class Feed:
    """Subscription, sequence, replays and blocks of one rank of ``engine``."""

    def __init__(self, engine: Engine, rank: int, *, recover: bool, clock: Clock) -> None:
        self.engine = engine
        self.rank = rank
        self.blocks = EngineBlocks()
        self.is_connected = False
        self._label = f"{engine.pod}/{rank}"
        self._known_restarts = engine.restarts
        self._index = _Index(self.blocks, self._label)
        ports = engine.ranks[rank]
        self.subscription = Subscription(
            engine.endpoint(ports.events),
            heartbeat=HEARTBEAT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
        )
        self._recovery: Recovery | None = None
        self._stream: Stream = Trusting(self._index)
        if recover:
            stream = Replaying(self._index)
            self._stream = stream
            replay = engine.endpoint(ports.replay)
            self._recovery = Recovery(stream, replay, label=self._label, clock=clock)

    @property
    def replay(self) -> ReplayClient | None:
        """The replay under way, to wait on."""
        return self._recovery.client if self._recovery else None

    @property
    def malformed(self) -> int:
        """Messages that could not be read."""
        return self._index.malformed

    def update(self, engine: Engine) -> None:
        """Take what the watch says now of the same pod."""
        self.engine = engine
        self._stream.told_restarts(engine.restarts - self._known_restarts)

    def turn(self) -> None:
        """Take what came since the last turn.

        The link's events are read after the messages and told before them: what came over a new
        connection must not be applied before it is known to be new.
        """
        messages = self.subscription.drain(TURN)
        for event in self.subscription.link_events():
            self._follow(event)
        for frames in messages:
            self._live(frames)
        if self._recovery is not None:
            self._recovery.turn(connected=self.is_connected)

    def close(self) -> None:
        """Close the sockets."""
        if self._recovery is not None:
            self._recovery.close()
        self.subscription.close()

    def match(self, blocks: Sequence[bytes]) -> int:
        """How many leading blocks of a prompt this rank holds."""
        return self.blocks.match(blocks)

    def view(self) -> dict[str, Any]:
        """The rank's entry of ``GET /index``."""
        counts = self._stream.counts
        return {
            "pod": self.engine.pod,
            "uid": self.engine.uid,
            "rank": self.rank,
            "connected": self.is_connected,
            "seq": self._stream.applied,
            "gaps": counts.gaps,
            "replays": counts.replays,
            "restarts": counts.restarts,
            "lost": counts.lost,
            "blocks": [
                {"medium": medium, "group": group, "hashes": hashes}
                for (medium, group), hashes in self.blocks.holdings()
            ],
        }

    def _follow(self, event: LinkEvent) -> None:
        connected = event.what is Link.CONNECTED
        if connected != self.is_connected:
            logger.info("%s: %s", self._label, event.what)
        self.is_connected = connected
        if connected:
            self._stream.connected()
            if self._recovery is not None:
                self._recovery.hurry()

    def _live(self, frames: Sequence[bytes]) -> None:
        try:
            message = split_live(frames)
        except WireError as error:
            self._index.malformed += 1
            logger.warning("%s: message dropped: %s", self._label, error)
            return
        self._stream.live(message.seq, message.payload)
