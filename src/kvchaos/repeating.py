"""A look that is repeated on a thread of its own, until it is over or somebody ends it."""

from __future__ import annotations

import threading


class Repeating:
    """Calls ``look`` at once and then each ``every`` seconds; the process does not wait for it."""

    def __init__(self, *, name: str, every: float) -> None:
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"kvchaos-{name}", daemon=True)

    def look(self) -> bool | None:
        """One look; True when there is nothing more to look for."""
        raise NotImplementedError

    def start(self) -> None:
        """Look at the interval from now on."""
        self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        """Look no more; waits for a look that is under way, at most ``timeout`` seconds."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _loop(self) -> None:
        while not self._stop.is_set() and not self.look():
            self._stop.wait(self._every)
