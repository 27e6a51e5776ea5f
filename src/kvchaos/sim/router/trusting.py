"""The stream of a router that does not recover, as several real ones do not today."""

from __future__ import annotations

from kvchaos.sim.router.stream import Counts, Sink


class Trusting:
    """The stream of a router that does not recover: it takes what comes, and never asks."""

    def __init__(self, sink: Sink) -> None:
        self.counts = Counts()
        self.applied: int | None = None
        self.wanted = False
        self._sink = sink

    def connected(self) -> None:
        """Nothing: what was missed stays missed."""

    def told_restarts(self, restarts: int) -> None:
        """Nothing: what the engine had before stays in the index."""

    def live(self, seq: int, payload: bytes) -> None:
        """Apply it, whatever its seq."""
        missed = 0 if self.applied is None else seq - self.applied - 1
        if missed > 0:
            self.counts.gaps += 1
            self.counts.lost += missed
        self._sink.apply(payload)
        self.applied = seq
