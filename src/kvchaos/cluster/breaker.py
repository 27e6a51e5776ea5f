"""Ending a read that blocks, from another thread."""

from __future__ import annotations

import threading
from contextlib import suppress

import urllib3


class Breaker:
    """Ends a blocked read as soon as ``stop`` is set, from a thread of its own."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._done = threading.Event()
        self._answer: urllib3.BaseHTTPResponse | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="kvchaos-watch-stop", daemon=True)
        self._thread.start()

    def hold(self, answer: urllib3.BaseHTTPResponse | None) -> None:
        """The answer to break, or None; it is broken at once when ``stop`` is set already."""
        with self._lock:
            self._answer = answer
        if self._stop.is_set():
            self._break()

    def close(self) -> None:
        self._done.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._done.is_set():
            if self._stop.wait(0.1):
                self._break()
                return

    def _break(self) -> None:
        with self._lock, suppress(RuntimeError, ValueError, OSError):
            if isinstance(self._answer, urllib3.HTTPResponse):
                self._answer.shutdown()
