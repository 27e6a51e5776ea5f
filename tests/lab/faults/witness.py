"""Somebody who only looks: when there were rules of a fault in pods, from the lab itself."""

from __future__ import annotations

import threading
from typing import Self

from kvchaos.clock import SystemClock
from tests.lab.faults.truth import Truth

EVERY = 0.2  # seconds between looks
CLOCK = SystemClock()


class Witness:
    """Looks while the block lasts; ``stood`` are the seconds that a cut was seen to stand."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="witness")
        self.stood = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        last: float | None = None
        while not self._stop.wait(EVERY):
            now = CLOCK.now()
            cut = bool(self._truth.sources())
            self.stood += now - last if cut and last is not None else 0.0
            last = now if cut else None
