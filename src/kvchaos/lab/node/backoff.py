"""When a container that ended may start again: kubelet's rule.

At once after the first end, then 10 s after an end, doubling to 5 minutes; a container that
has run for 10 minutes starts over.
"""

from __future__ import annotations

FIRST = 10.0
CEILING = 300.0
RESET = 600.0


class Backoff:
    """The delay of one container (of one image: a new image starts over)."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._image = ""

    def after_end(self, *, ran: float, image: str) -> float:
        """Seconds to wait after an end, of a container that ran ``ran`` seconds."""
        if ran >= RESET or image != self._image:
            self._delay = 0.0
        self._image = image
        delay = self._delay
        self._delay = min(max(FIRST, delay * 2), CEILING)
        return delay
