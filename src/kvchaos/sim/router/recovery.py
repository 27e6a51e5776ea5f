"""Gets a stream the replays it wants, one at a time, each bounded, with pauses after failures."""

from __future__ import annotations

import logging

from kvchaos.clock import Clock
from kvchaos.kvevents.replay import End, ReplayClient
from kvchaos.sim.router.stream import Replaying

logger = logging.getLogger(__name__)

IDLE = 2.0  # seconds without an answer after which a replay has failed
FIRST_PAUSE = 0.05  # seconds between replays, doubled with each failure
LONGEST_PAUSE = 5.0
TURN = 500  # batches at most before other engines get their turn


class Recovery:
    """The replays of one engine rank, from ``endpoint``."""

    def __init__(self, stream: Replaying, endpoint: str, *, label: str, clock: Clock) -> None:
        self._stream = stream
        self._endpoint = endpoint
        self._label = label
        self._clock = clock
        self._client: ReplayClient | None = None
        self._heard = 0.0
        self._failures = 0
        self._next = 0.0

    @property
    def client(self) -> ReplayClient | None:
        """The replay under way, to wait on."""
        return self._client

    def hurry(self) -> None:
        """The link is up: there is no reason to pause any longer."""
        self._failures, self._next = 0, 0.0

    def turn(self, *, connected: bool) -> None:
        """Ask if a replay is wanted, or take what came of the one that was asked for."""
        if self._client is not None and self._stream.wanted:
            self._end()
        if self._client is not None:
            self._take(self._client)
        elif self._stream.wanted and connected and self._clock.now() >= self._next:
            self._ask()

    def close(self) -> None:
        """End the replay under way, if any."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask(self) -> None:
        start = self._stream.next_replay()
        logger.info("%s: asking for a replay from %d", self._label, start)
        self._client = ReplayClient(self._endpoint)
        self._client.request(start)
        self._heard = self._clock.now()

    def _take(self, client: ReplayClient) -> None:
        for _ in range(TURN):
            reply = client.receive(0)
            if reply is None:
                self._check_idle()
                return
            self._heard = self._clock.now()
            if isinstance(reply, End):
                self._stream.replay_ended()
                self._ended()
                return
            self._stream.replayed(reply.seq, reply.payload)
            if self._stream.wanted:
                return

    def _ended(self) -> None:
        self._failures = 0
        if not self._stream.wanted:
            logger.info("%s: replay applied up to %s", self._label, self._stream.applied)
        self._end()

    def _check_idle(self) -> None:
        if self._clock.now() - self._heard < IDLE:
            return
        logger.warning("%s: replay unanswered for %.1f s", self._label, IDLE)
        self._failures += 1
        self._stream.replay_failed()
        self._end()

    def _end(self) -> None:
        self.close()
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._next = self._clock.now() + pause
