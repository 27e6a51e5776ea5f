"""Time as an argument: what waits or measures takes a ``Clock``, so that tests own the time.

The one rule guarded here: no other module of kvchaos reads a clock or sleeps on one by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Where time comes from and how it passes."""

    def now(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch, for people and file names; may jump."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def poll(
    read: Callable[[], T],
    until: Callable[[T], bool],
    *,
    timeout: float,
    every: float | Callable[[float], float],
    clock: Clock,
) -> tuple[T, float]:
    """The last value that ``read`` gave and the seconds it took, at most about ``timeout``.

    Reads at once, then each ``every`` seconds, until ``until`` holds or the time is out: the
    caller looks at the value to tell which. There is always a read at the very end. ``every`` may
    also say how long to pause after so many seconds.
    """
    start = clock.now()
    while True:
        value = read()
        waited = clock.now() - start
        if until(value) or waited >= timeout:
            return value, waited
        pause = every(waited) if callable(every) else every
        clock.sleep(min(pause, timeout - waited))
