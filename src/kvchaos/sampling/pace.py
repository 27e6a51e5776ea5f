"""How long to pause between two looks at the router. Pure: the time comes in.

The rule: looking must not become a load, so looks that cost something may take one part in
``SHARE`` of the time; cheap ones may come closely, while the moment of a recovery is looked for.
A moment is then told to the thousandth part of the time since the fault's end, or to ``CLOSE``.
What looks cost is what the quickest took of the last ``FEW`` that were answered: one that took
longer has waited for a busy machine, and to rest after that would spare nobody.
"""

from __future__ import annotations

from collections import deque

SHARE = 4
CLOSE = 0.005  # seconds between two looks, at the least
CHEAP = 0.010  # seconds that a look may take for which nobody has to rest
PART = 1000
FEW = 10


class Pace:
    """``every`` seconds as a rule, closer for a while after ``closely``."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._since: float | None = None
        self._took: deque[float] = deque(maxlen=FEW)

    def closely(self, now: float) -> None:
        """From ``now`` on something is about to happen that is to be told to the moment."""
        self._since = now

    def at_ease(self) -> None:
        """It has happened."""
        self._since = None

    def pause(self, took: float, *, now: float, answered: bool = True) -> float:
        """Seconds until the next look, after one that took ``took`` seconds."""
        if answered:
            self._took.append(took)
        cost, since = min(self._took, default=took), self._since
        if since is None:
            return max(self._every, (SHARE - 1) * cost)
        close = max(CLOSE, (now - since) / PART)
        return max(min(close, self._every), (SHARE - 1) * (cost - CHEAP))
