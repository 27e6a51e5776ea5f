"""What to do with each batch of one engine rank: apply it, keep it back, or ask for a replay.

The one rule guarded here: nothing is applied that is not proven to go on from what was applied.
The proof is the seq on an unbroken link; after anything else (join, reconnect, gap, a seq that
goes back) it is a replay from the last applied seq inclusive: when the engine no longer has that
very payload there, it is another life of the engine (an epoch) and all is built anew from seq 0.
So a lost tail and a restart during an outage are found too. Pure: no socket, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PATIENCE = 3  # replays unanswered in a row before live batches are applied without proof
HOLD = 20_000  # batches kept back at most, twice what vLLM's buffer can give back


class Sink(Protocol):
    """What batches are applied to."""

    def apply(self, payload: bytes) -> None:
        """Take one encoded batch."""
        ...

    def clear(self) -> None:
        """Forget all batches."""
        ...


@dataclass(slots=True)
class Counts:
    """``lost``: batches missing under the present index; the others count from the start on."""

    gaps: int = 0
    replays: int = 0
    restarts: int = 0
    lost: int = 0


class Stream(Protocol):
    """What the sockets tell, and whether a replay is wanted from ``next_replay()`` on."""

    counts: Counts
    applied: int | None
    wanted: bool

    def connected(self) -> None:
        """The link is up, for the first time or again."""
        ...

    def live(self, seq: int, payload: bytes) -> None: ...

    def told_restarts(self, restarts: int) -> None:
        """How often the container restarted since this router knows it."""
        ...


class Replaying:
    """The stream of a router that recovers."""

    def __init__(self, sink: Sink) -> None:
        self.counts = Counts()
        self.applied: int | None = None
        self.wanted = False
        self._sink = sink
        self._last = b""
        self._asking = False
        self._proven = False
        self._whole = True
        self._failures = 0
        self._hole: int | None = None
        self._before: list[tuple[int, bytes]] = []
        self._since: list[tuple[int, bytes]] = []

    @property
    def _next(self) -> int:
        return 0 if self.applied is None else self.applied + 1

    def connected(self) -> None:
        """Want a replay: what was sent while the link was down is gone, or another epoch's."""
        self._ask_anew()
        self._failures = 0

    def told_restarts(self, restarts: int) -> None:
        """Start anew, unless the replay found that restart before the watch told it."""
        if restarts > self.counts.restarts:
            self.counts.restarts = restarts
            self._forget()

    def live(self, seq: int, payload: bytes) -> None:
        """Apply the next batch; hold any other until a replay tells what it belongs to."""
        if self._asking:
            self._hold(self._since, seq, payload)
        elif not self._whole:
            self._apply_unproven(seq, payload)
        elif self.wanted:
            self._hold(self._before, seq, payload)
        elif seq == self._next:
            self._apply(seq, payload)
        else:
            self.counts.gaps += seq > self._next
            self.wanted = True
            self._hold(self._before, seq, payload)

    def next_replay(self) -> int:
        """Where the replay that is now asked for starts."""
        self._before += self._since
        self._since = []
        self.wanted = False
        self._asking = True
        self._proven = self.applied is None
        return 0 if self.applied is None or not self._whole else self.applied

    def replayed(self, seq: int, payload: bytes) -> None:
        """Compare the first batch with the last applied one, apply those that go on from it."""
        if self.wanted:
            return
        self._answered()
        if not self._proven:
            self._compare(seq, payload)
        elif seq == self._next:
            self._apply(seq, payload)
        elif seq > self._next:
            self._leap(seq, payload)

    def replay_ended(self) -> None:
        """The end marker came: go on with what came live meanwhile, if the replay was sound."""
        self._answered()
        self._asking = False
        if self.wanted:
            return
        if not self._proven:  # the engine has not even come as far as we had: a new epoch
            self._restarted()
            return
        self.counts.replays += 1
        self._before = []
        held, self._since = self._since, []
        for seq, payload in held:
            if seq >= self._next:
                self.live(seq, payload)

    def replay_failed(self) -> None:
        """No end marker in time: ask again; after some failures, stop holding live batches."""
        self._asking = False
        self.wanted = True
        self._before += self._since
        self._since = []
        self._failures += 1
        if self._failures >= PATIENCE:
            self._give_up_proof()

    def _hold(self, where: list[tuple[int, bytes]], seq: int, payload: bytes) -> None:
        where.append((seq, payload))
        if len(self._before) + len(self._since) > HOLD:
            self._give_up_proof()

    def _apply(self, seq: int, payload: bytes) -> None:
        self._sink.apply(payload)
        self.applied, self._last = seq, payload

    def _apply_unproven(self, seq: int, payload: bytes) -> None:
        self.counts.lost += max(0, seq - self._next)
        self._apply(seq, payload)

    def _give_up_proof(self) -> None:
        """Better a doubtful index than a stale one; the next replay builds it anew from 0."""
        self._whole = False
        held, self._before, self._since = self._before + self._since, [], []
        for seq, payload in held:
            self._apply_unproven(seq, payload)

    def _answered(self) -> None:
        self._failures = 0
        if not self._whole:
            self._reset()
            self._proven = True

    def _compare(self, seq: int, payload: bytes) -> None:
        self._proven = True
        if seq == self.applied and payload == self._last:
            return
        if seq == self.applied:
            self._restarted()
        else:  # its history no longer reaches back to us: nothing proves that it goes on
            self._forget()

    def _leap(self, seq: int, payload: bytes) -> None:
        """A hole in a replay: ask once more (replies get lost too), then take it as lost."""
        hole = self._next
        if self.applied is not None and self._hole != hole:
            self._hole = hole
            self.wanted = True
            return
        self.counts.lost += seq - hole
        self._apply(seq, payload)

    def _restarted(self) -> None:
        self.counts.restarts += 1
        self._forget()

    def _forget(self) -> None:
        self._reset()
        self._ask_anew()

    def _ask_anew(self) -> None:
        self.wanted = True
        self._before, self._since = [], []

    def _reset(self) -> None:
        self._sink.clear()
        self.applied, self._last = None, b""
        self.counts.lost = 0
        self._whole = True
        self._hole = None
