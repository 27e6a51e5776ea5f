"""What a run is asked to end with, for tests that wait for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, cast

from kvchaos.ending.inbox import Stop
from kvchaos.run.session import Run

SOON = 20.0  # seconds that a test waits for a thread at most


@dataclass
class AskedToStop:
    """In place of a run's ``stopping``: notes who asked, ends nothing."""

    first: Stop | None = None
    asked: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, run: Run) -> AskedToStop:
        """Put in place in ``run``."""
        told = cls()
        run.stopping.close()
        cast("Any", run).stopping = told
        return told

    def request(self, by: str, reason: str) -> None:
        self.requests.append((by, reason))
        self.first = self.first or Stop(by, reason)
        self.asked.set()

    def close(self) -> None:
        """There is nothing to close."""

    def wait(self) -> tuple[str, str]:
        """Who asked first, and why."""
        assert self.asked.wait(SOON), "nobody asked for a stop"
        return self.requests[0]
