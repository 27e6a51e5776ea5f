"""Somebody in the lab itself: sees when there are rules of a fault in pods, and acts once then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self

from kvchaos.clock import SystemClock
from tests.lab.faults.truth import Truth

EVERY = 0.2  # seconds between looks
ACT_AFTER = 0.6  # seconds that the cut stood
CLOCK = SystemClock()


class Witness:
    """Looks while the block lasts; ``stood`` are the seconds that a cut was seen to stand.

    ``act`` says, by something true, that it did something.
    """

    def __init__(self, truth: Truth, *, act: Callable[[], object]) -> None:
        self._truth = truth
        self._act = act
        self.acted = False
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
            if self.stood > ACT_AFTER and not self.acted:
                self.acted = bool(self._act())
