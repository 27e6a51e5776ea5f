"""How long the API has not answered whoever ends faults.

The rule guarded here: a server that stays away is waited for once, not anew at each step of a
run's end; as soon as it answers again, all is as ever.
"""

from __future__ import annotations

from kvchaos.clock import Clock

LONG = 45.0  # seconds: it may have been restarted, or another one taken its place


class Silence:
    """Told of each look; safe to share between threads, of which each looks by itself."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None

    def heard(self) -> None:
        """It answered, be it with an error."""
        self._since = None

    def missed(self, since: float) -> None:
        """What was asked at that moment had no answer."""
        if self._since is None:
            self._since = since

    @property
    def is_long(self) -> bool:
        """Whether it has lasted so long that a look may be short, and one is enough."""
        since = self._since
        return since is not None and self._clock.now() - since >= LONG
