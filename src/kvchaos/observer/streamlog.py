"""What is told of one engine's stream: the history's ``stream`` events, as they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kvchaos.index.names import EngineId

Tell = Callable[[dict[str, Any]], None]

REPORTED = 20
"""Malformed messages told one by one, per engine; all of them are counted."""


class StreamLog:
    """Hands the fields of each event to ``tell``; counts what was malformed."""

    def __init__(self, engine: EngineId, tell: Tell) -> None:
        self.malformed = 0
        self.gaps = 0
        self._engine = engine
        self._hand_over = tell

    def tell(
        self, what: str, *, seq: int | None = None, missing: int | None = None, reason: str = ""
    ) -> None:
        """``missing`` is a number of batches, for ``replayed`` of those that were brought."""
        self.gaps += what == "gap"
        self._hand_over(
            {
                "engine": self._engine._asdict(),
                "what": what,
                "seq": seq,
                "missing": missing,
                "reason": reason,
            }
        )

    def bad(self, reason: str, *, seq: int | None = None) -> None:
        """A message that is none; the first ones are told."""
        self.malformed += 1
        if self.malformed <= REPORTED:
            self.tell("malformed", seq=seq, reason=reason)
