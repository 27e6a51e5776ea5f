"""What stands before each experiment of a game day: its window, a hold, a person's leave.

The rule guarded here: every gate opens, or says why the game day ends there; each wait has a
bound, and a signal ends it at once. A person may take as long as they like, but only while the
other gates are open: what closes meanwhile takes the question back.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from kvchaos.clock import Clock
from kvchaos.gameday.day import Step, Stop, Stopped
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.process import Signals

EVERY = 5.0
"""Seconds between two looks at a hold."""
SLICE = 1.0
"""The longest sleep: after each, a signal that came meanwhile is seen."""

Told = Callable[[str, str], None]
"""Called with the name of an event and a line for people."""


class Answer(Enum):
    """What a person says to the next experiment."""

    PLAY = "play"
    SKIP = "skip"
    QUIT = "quit"


class Door(Protocol):
    """What is asked: the cluster about a hold, a person for leave."""

    def held(self, play: str) -> str:
        """Who holds the namespace of an experiment, a line; empty: nobody."""
        ...

    def leave(self, step: Step, *, closed: Callable[[], bool]) -> Answer | None:
        """What a person says; None: the question was taken back, for ``closed`` said so.

        It is asked about each second.
        """
        ...


class Gates:
    """Opens the way to one step after the other."""

    def __init__(
        self, plan: Plan, door: Door, *, signals: Signals, clock: Clock, told: Told
    ) -> None:
        self._plan = plan
        self._door = door
        self._signals = signals
        self._clock = clock
        self._told = told
        self._asked = plan.approval == "none"

    def open(self, step: Step) -> Stopped | Answer:
        """PLAY or SKIP, or what ends the game day before this step."""
        with self._signals.breaking():
            answer = None
            while answer is None:
                if stopped := self._window() or self._hold(step):
                    return stopped
                answer = self._leave(step)
            if answer is Answer.QUIT:
                return Stopped(Stop.DECLINED, f"no leave was given for {step.title}")
            if answer is Answer.SKIP:
                return answer
            return self._window() or self._hold(step) or answer

    def rest(self, seconds: float) -> None:
        """Let a pause pass."""
        with self._signals.breaking():
            self._sleep(seconds)

    def closing(self) -> float | None:
        """The wall time at which a run that begins now has to be stopped; None: it may end."""
        windows = self._plan.windows
        if windows is None or self._plan.closing == "finish":
            return None
        return windows.closes(self._clock.wall())

    def _leave(self, step: Step) -> Answer | None:
        if self._asked and self._plan.approval != "each":
            return Answer.PLAY
        answer = self._door.leave(step, closed=self._closing_for(step))
        self._asked = answer is not None
        return answer

    def _closing_for(self, step: Step) -> Callable[[], bool]:
        """What says whether the window closed, or somebody holds, since it was asked for leave."""
        windows = self._plan.windows
        looked = self._clock.now()

        def closed() -> bool:
            nonlocal looked
            if windows is not None and not windows.is_open(self._clock.wall()):
                return True
            if self._clock.now() - looked < EVERY:
                return False
            looked = self._clock.now()
            return bool(self._door.held(step.play))

        return closed

    def _window(self) -> Stopped | None:
        """None once it is open."""
        windows = self._plan.windows
        now = self._clock.wall()
        if windows is None or windows.is_open(now):
            return None
        why = windows.why_closed(now)
        opens = windows.next_open(now)
        when = f"; the next opening is {windows.shown(opens)}" if opens else "; nothing opens again"
        if self._plan.outside == "stop" or opens is None:
            return Stopped(Stop.WINDOW, f"{why}{when}")
        if opens - now > self._plan.wait:
            return Stopped(Stop.WINDOW, f"{why}{when}, later than in {self._plan.wait:g} s")
        self._told("waiting", f"waiting for a window: {why}{when}")
        while (left := opens - self._clock.wall()) > 0:
            self._sleep(min(left, SLICE))
        return None

    def _hold(self, step: Step) -> Stopped | None:
        """None once nobody holds the namespace."""
        why = self._door.held(step.play)
        if not why:
            return None
        if self._plan.hold == "stop":
            return Stopped(Stop.HOLD, why)
        self._told("waiting", f"waiting for a release: {why}")
        until = self._clock.now() + self._plan.hold_wait
        while why and self._clock.now() < until:
            self._sleep(EVERY)
            why = self._door.held(step.play)
        return Stopped(Stop.HOLD, f"{why}, for {self._plan.hold_wait:g} s now") if why else None

    def _sleep(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while (left := until - self._clock.now()) > 0:
            self._signals.check()
            self._clock.sleep(min(left, SLICE))
