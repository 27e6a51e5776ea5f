"""Requests to stop, from any thread and from signals, read by one thread; nothing here blocks.

A signal's number is written by the interpreter itself as the signal arrives, so it is read also
while the main thread is inside a call that never returns. Nothing here takes a lock: a handler may
interrupt any line of the main thread, also one that holds it.
"""

from __future__ import annotations

import os
import select
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
NUDGE = signal.SIGUSR1
"""What other threads send to the main thread, so that its handler looks at what was asked."""

_ASKED, _REST = 0, 255  # no signal has these numbers


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run is to end: ``by`` is signal, hold, stop condition, deadline or error."""

    by: str
    reason: str

    @classmethod
    def of(cls, number: int) -> Stop:
        """That of a signal."""
        return cls("signal", signal.Signals(number).name)


REST = Stop("rest", "")
"""Not a request: whoever reads is to stop reading."""


class Inbox:
    """A pipe of one byte for each request."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self.writer, False)
        self._asked: deque[Stop] = deque()
        self._nudges: deque[None] = deque()

    def put(self, stop: Stop) -> None:
        """From any thread but not from a signal handler, whose signal is in here already."""
        if stop is not REST:
            self._asked.append(stop)
        with suppress(OSError):  # full: it is being read; closed: the run is over
            os.write(self.writer, bytes([_REST if stop is REST else _ASKED]))

    def expect_nudge(self) -> None:
        """The next ``NUDGE`` is ours and asks for nothing."""
        self._nudges.append(None)

    def take(self, timeout: float | None) -> list[Stop]:
        """What came, oldest first; waits for it at most ``timeout`` seconds, None: for ever."""
        try:
            select.select([self._reader], [], [], timeout)
            told = os.read(self._reader, 4096)
        except (BlockingIOError, ValueError, OSError):
            return []
        return [stop for number in told if (stop := self._read(number))]

    def close(self) -> None:
        """What is put in from here on is lost."""
        descriptors = (self._reader, self.writer)
        self._reader = self.writer = -1
        for descriptor in descriptors:
            with suppress(OSError):
                os.close(descriptor)

    def __del__(self) -> None:
        self.close()

    def _read(self, number: int) -> Stop | None:
        if number == _REST:
            return REST
        if number == _ASKED:
            return self._asked.popleft() if self._asked else None
        if number == NUDGE and self._nudges:
            self._nudges.pop()
            return None
        return Stop.of(number) if number in SIGNALS else None
