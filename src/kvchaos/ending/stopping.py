"""The one place through which a run ends early: a signal, a hold, a stop condition, a deadline.

The rule: the first request recovers every open fault at once, on a thread of its own, whatever
the main thread is stuck in; and the main thread is interrupted only where Chaos Toolkit goes on to
its rollbacks then. Later requests are noted; none skips anything.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from chaoslib.exceptions import InterruptExecution

from kvchaos.clock import Clock, SystemClock
from kvchaos.ending.inbox import NUDGE, REST, SIGNALS, Inbox, Stop
from kvchaos.ending.signals import taken
from kvchaos.ending.toolkit import leads_to_rollbacks
from kvchaos.errors import KVChaosError

logger = logging.getLogger(__name__)

INTERRUPTED = 20  # the code that Chaos Toolkit plays rollbacks for
GRACE = 30.0  # seconds without a sign of life after which a stopped run is given up
LOOK_EVERY = 0.25
REST_TIMEOUT = 90.0


class Work(Protocol):
    """What is done for a run that is stopped."""

    def record(self, event: str, **fields: Any) -> object:
        """Add to the history."""
        ...

    def recover(self) -> None:
        """End every fault that may be there."""
        ...

    def is_busy(self) -> bool:
        """Whether the main thread is at something that still may take its time."""
        ...

    def give_up(self) -> None:
        """Finish the run from here: the main thread does not come back."""
        ...


class Stopping:
    """One run's ending; ``first`` is what asked for it, None while nothing has."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.first: Stop | None = None
        self._clock = clock or SystemClock()
        self._inbox = Inbox()
        self._main = threading.main_thread()
        self._installing = threading.Lock()
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup = -1
        self._interrupted = self._shielded = False
        self._thread: threading.Thread | None = None
        self._grace = GRACE
        self._noted = 0
        self._unrecorded: list[tuple[str, Stop]] = []
        self._life = self._clock.now()

    # -- asking ---------------------------------------------------------------------------------

    def request(self, by: str, reason: str) -> None:
        """End the run, from any thread; returns at once."""
        stop = Stop(by, reason)
        self.first = self.first or stop
        self._inbox.put(stop)
        self._nudge()

    def alive(self) -> None:
        """The main thread says that it is under way."""
        if threading.current_thread() is self._main:
            self._life = self._clock.now()

    def heed(self) -> None:
        """Raise if a stop was asked for; in the main thread only where that leads to rollbacks."""
        if self.first is None or self._shielded:
            return
        if threading.current_thread() is not self._main:
            raise InterruptExecution(f"the run is being stopped: {self.first.reason}")
        if leads_to_rollbacks(sys._getframe()):  # noqa: SLF001 - the stack is what is asked for
            self._interrupted = True
            raise SystemExit(INTERRUPTED)

    def shield(self) -> None:
        """Interrupt nothing from here on: what goes on is the ending itself."""
        self._shielded = True

    def unshield(self) -> None:
        """Interrupt again; what was asked for meanwhile waits for ``heed``."""
        self._shielded = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Interrupt nothing within; what was asked for meanwhile is heeded at its end."""
        before, self._shielded = self._shielded, True
        try:
            yield
        finally:
            self._shielded = before
        self.heed()

    # -- signals --------------------------------------------------------------------------------

    def install(self) -> None:
        """Take the signals, but for those that are to be outlived."""
        if threading.current_thread() is not self._main:
            logger.warning("Signals will not stop this run: it is not in the main thread")
            return
        with self._installing:
            self._wakeup = signal.set_wakeup_fd(self._inbox.writer, warn_on_full_buffer=False)
            for number in taken(SIGNALS):
                self._before[number] = signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Give the signals back to whom they were taken from."""
        with self._installing:
            before, self._before = self._before, {}
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            if before:
                signal.set_wakeup_fd(self._wakeup)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """In the main thread, between any two of its steps, so: no lock, no log, no file."""
        self.first = self.first or Stop.of(number)
        if self._interrupted or self._shielded or not leads_to_rollbacks(frame):
            return
        self._interrupted = True
        raise SystemExit(INTERRUPTED)

    def _nudge(self) -> None:
        """Make the main thread's handler run, whatever call it waits in."""
        with self._installing:
            ident = self._main.ident
            if self._before and ident and threading.current_thread() is not self._main:
                self._inbox.expect_nudge()
                signal.pthread_kill(ident, NUDGE)

    # -- the thread -----------------------------------------------------------------------------

    def watch(self, work: Work, *, grace: float = GRACE) -> None:
        """Start the thread that does the ``work`` of a stop as soon as one is asked for."""
        self._grace = grace
        self._thread = threading.Thread(
            target=self._loop, args=(work,), name="kvchaos-recover", daemon=True
        )
        self._thread.start()

    def rest(self, timeout: float = REST_TIMEOUT) -> None:
        """Let the thread end what it does, and end it; later requests wait for ``late``."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._inbox.put(REST)
            self._thread.join(timeout)

    def record_late(self, add: Callable[..., object]) -> None:
        """Have ``add`` take the events that the thread did not record; those it refuses stay."""
        self.late()
        while self._unrecorded:
            event, stop = self._unrecorded[0]
            add(event, by=stop.by, reason=stop.reason)
            self._unrecorded.pop(0)

    def late(self) -> list[tuple[str, Stop]]:
        """The history's events, name and stop, that are in no history, oldest first."""
        asked = [stop for stop in self._inbox.take(0.0) if stop is not REST]
        self._unrecorded += [(self._event(), stop) for stop in asked]
        return list(self._unrecorded)

    def close(self) -> None:
        """Give the signals back and end the thread."""
        self.restore()
        self.rest()
        if self._thread is None or not self._thread.is_alive():
            self._inbox.close()

    def _loop(self, work: Work) -> None:
        since = 0.0
        while True:
            for stop in self._inbox.take(LOOK_EVERY if self._noted else None):
                if stop is REST:
                    return
                self._take(stop, work)
                since = self._clock.now()
            silent = self._clock.now() - max(since, self._life) > self._grace
            if self._noted and silent and not work.is_busy():
                work.give_up()
                return

    def _take(self, stop: Stop, work: Work) -> None:
        """Nothing is told before the faults are ended: whoever reads it may keep us waiting."""
        event = self._event()
        said: list[KVChaosError] = []
        try:
            work.record(event, by=stop.by, reason=stop.reason)
        except KVChaosError as error:
            said.append(error)
            self._unrecorded.append((event, stop))
        try:
            work.recover()
        except Exception as error:  # noqa: BLE001 - the thread must go on, to finish the run
            logger.critical("While stopping: %s: %s", type(error).__name__, error)
        logger.critical("%s", _words(event, stop))
        for each in said:
            logger.warning("%s", each)

    def _event(self) -> str:
        """The name of the next event; what is noted first is the stop."""
        self._noted += 1
        return "stop" if self._noted == 1 else "stop_again"


def _words(event: str, stop: Stop) -> str:
    if event == "stop":
        return f"Stopping the run ({stop.by}: {stop.reason}): its faults come first"
    return f"The run is being stopped already ({stop.by}: {stop.reason}): nothing is skipped"
