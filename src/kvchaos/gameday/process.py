"""A run as a process of its own: started, waited for, stopped by a signal and then waited for.

The rule guarded here: a run is never killed, for it has a fault to recover. A signal to the game
day is passed on once, the run has ``PATIENCE`` to end by itself, and then it is left to it. Nor
does the game day leave a run behind that it broke off itself, for a full disk, say.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from kvchaos.clock import Clock
from kvchaos.ending.signals import taken

PATIENCE = 300.0
"""Seconds that a run has to recover its faults and to say what is left."""
EVERY = 0.1


class Interrupted(Exception):
    """A signal came while nothing ran that would have to be waited for."""


class Signals:
    """What came of SIGINT, SIGTERM and SIGHUP: the first one counts, and is kept."""

    def __init__(self) -> None:
        self.came = 0
        self._breaks = False

    @property
    def name(self) -> str:
        return signal.Signals(self.came).name if self.came else ""

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keep what comes instead of dying of it."""
        before = {each: signal.signal(each, self._take) for each in taken()}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Raise ``Interrupted`` when one comes in here, or has come."""
        self._breaks = True
        try:
            self.check()
            yield
        finally:
            self._breaks = False

    def check(self) -> None:
        """Raise ``Interrupted`` if one has come."""
        if self.came:
            raise Interrupted(self.name)

    def _take(self, number: int, _: FrameType | None) -> None:
        self.came = self.came or number
        if self._breaks:
            raise Interrupted(self.name)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, None: it goes on; why it was stopped, if it was."""

    code: int | None
    stopped: str = ""


def played(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    signals: Signals,
    clock: Clock,
    began: Callable[[int], None],
    look: Callable[[], str],
    patience: float = PATIENCE,
    holds: Sequence[int] = (),
) -> Ended:
    """Run ``command`` to its end. ``began`` gets its process id, ``look`` says why to stop it.

    It is in a session of its own: Ctrl-C is for the game day, which passes it on, once. ``holds``
    are file descriptors that it inherits.
    """
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and verb  # nosec B603
        [str(part) for part in command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=holds,
    )
    try:
        began(process.pid)
        why = _watched(process, signals, look)
    except BaseException:
        _stopped(process, signal.SIGTERM, patience=patience, clock=clock)
        raise
    if not why:
        return Ended(process.returncode)
    number = signals.came or signal.SIGTERM
    return Ended(_stopped(process, number, patience=patience, clock=clock), why)


def started_at(process: int) -> int:
    """When a process began, in the kernel's ticks since boot: with its id it names it; 0: gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    state, *fields = text.rpartition(")")[2].split()
    return 0 if state == "Z" else int(fields[18])


def _watched(process: subprocess.Popen[bytes], signals: Signals, look: Callable[[], str]) -> str:
    """Wait for its end; returns what is a reason to stop it before."""
    while _ended(process) is None:
        if why := signals.name or look():
            return why
    return ""


def _stopped(
    process: subprocess.Popen[bytes], number: int, *, patience: float, clock: Clock
) -> int | None:
    """Its exit code after this signal; None: it goes on."""
    process.send_signal(number)
    until = clock.now() + patience
    while (code := _ended(process)) is None:
        if clock.now() >= until:
            break
    return code


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(EVERY)
    except subprocess.TimeoutExpired:
        return None
