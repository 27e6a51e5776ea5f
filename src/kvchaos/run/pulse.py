"""What a run records of itself once a second: where it runs, the engines' rates, the traffic.

The rule: reports draw from it and no check reads it, so that what cannot be told here, or takes
long, changes no verdict and keeps nobody waiting.
"""

from __future__ import annotations

import logging

from kvchaos.errors import KVChaosError
from kvchaos.repeating import Repeating
from kvchaos.run import traffic
from kvchaos.run.environment import environment
from kvchaos.run.session import Run

logger = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two looks
PER_SECOND = 100
"""Engines that are told of in a second at most: of 1,000, each is told of every tenth second."""


class Pulse(Repeating):
    """A thread that records until it is stopped."""

    def __init__(self, run: Run, *, every: float = EVERY) -> None:
        super().__init__(name="pulse", every=every)
        self._run = run
        self._looks = 0
        self._due = 0

    def look(self) -> bool:
        """Record what is due; over only when what nobody foresaw came up."""
        try:
            self._tell()
        except Exception as error:  # noqa: BLE001 - what a report lacks must not end the run
            logger.warning("The run's figures end here: %s: %s", type(error).__name__, error)
            return True
        return False

    def _tell(self) -> None:
        if not self._looks:
            self._add("environment", environment(self._run))
        if self._stop.is_set():  # the answer took its time, and the run has ended
            return
        traffic.tell_second(self._run)
        if self._looks >= self._due:
            self.tell_rates()
        self._looks += 1

    def tell_rates(self) -> None:
        """Record the engines' totals; many engines are told of the less often."""
        engines = self._run.observer.rates()
        self._due = self._looks + max(1, -(-len(engines) // PER_SECOND))
        self._add("rates", {"engines": engines})

    def _add(self, event: str, fields: dict[str, object]) -> None:
        try:
            self._run.history.add(event, **fields)
        except KVChaosError as error:
            logger.warning("The run's %s could not be recorded: %s", event, error)


def watch(run: Run) -> Pulse:
    """Record from now on, until the run is taken apart."""
    pulse = Pulse(run)
    run.at_the_end.callback(pulse.stop)
    run.watches.callback(pulse.stop, timeout=0.0)
    run.beside.callback(_end, pulse)
    pulse.start()
    return pulse


def _end(pulse: Pulse) -> None:
    pulse.stop()
    pulse.tell_rates()
