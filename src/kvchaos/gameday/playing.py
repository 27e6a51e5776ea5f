"""A game day played: gate, run, judge, step after step, kept on the disk after each change.

The rule guarded here: after an interruption at any point the state says what was done, what a run
left behind is ended before anything else begins, and nothing follows a run that ends the day.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from kvchaos.clock import Clock
from kvchaos.errors import UsageError
from kvchaos.gameday.day import RUNS, Attempt, Day, Note, Step, Stop, Stopped, keep
from kvchaos.gameday.ending import ended_by, spent_budget, time_left
from kvchaos.gameday.facts import facts_in
from kvchaos.gameday.gates import Answer, Door, Gates
from kvchaos.gameday.plan import Plan
from kvchaos.gameday.process import Ended, Interrupted, Signals, started_at
from kvchaos.gameday.status import status_of
from kvchaos.verdict.result import Status

Send = Callable[[str, str, Day, Step | None], None]
"""Called with the name of an event, a line for people, the day and the step it is about."""


class Player(Protocol):
    """What plays one experiment, and ends what a broken one left."""

    def faults(self, play: str) -> int:
        """How many faults a run of it injects."""
        ...

    def prepare(self, play: str) -> None:
        """See to what several runs need, before one of them begins."""
        ...

    def play(
        self, play: str, runs: Path, *, began: Callable[[int], None], look: Callable[[], str]
    ) -> Ended:
        """Play it, its folder in ``runs``; see ``process.played``."""
        ...

    def reap(self, play: str, run: str, runs: Path) -> bool:
        """End what this run left; whether nothing is left."""
        ...


class Playing:
    """One game day, from where it is to its end."""

    def __init__(
        self,
        plan: Plan,
        day: Day,
        folder: Path,
        *,
        player: Player,
        door: Door,
        signals: Signals,
        clock: Clock,
        send: Send,
    ) -> None:
        self._plan = plan
        self._day = day
        self._folder = folder
        self._player = player
        self._signals = signals
        self._clock = clock
        self._send = send
        self._step: Step | None = None
        self._gates = Gates(plan, door, signals=signals, clock=clock, told=self._told)

    def play(self) -> Day:
        """Play all that is due, unless something ends it; the day as it is then."""
        day = self._day
        if running := _running(day):
            raise still_running(*running)
        day.ended, day.stopped = None, None
        self._told("started", self._opening())
        try:
            self._clear()
            day.stopped = self._all()
        except Interrupted as error:
            day.stopped = Stopped(Stop.SIGNAL, f"{error} came")
        self._step = None
        day.ended = self._clock.wall()
        if day.stopped:
            self._told("stopped", f"ended early by {day.stopped.by}: {day.stopped.why}")
        self._told("ended", f"game day {day.plan}: {day.status}")
        return day

    def _all(self) -> Stopped | None:
        for number, step in enumerate(self._day.due):
            self._step = step
            if number and self._plan.pause:
                self._gates.rest(self._plan.pause)
            faults = self._player.faults(step.play)
            if stopped := spent_budget(self._day, self._plan.budget, faults=faults):
                return stopped
            answer = self._gates.open(step)
            if isinstance(answer, Stopped):
                return answer
            if answer is Answer.SKIP:
                step.skipped = True
                self._told("experiment_ended", f"{step.title}: skipped")
                continue
            self._player.prepare(step.play)
            self._signals.check()
            if stopped := self._run(step):
                return stopped
        return None

    def _run(self, step: Step) -> Stopped | None:
        attempt = Attempt(self._clock.wall())
        step.attempts.append(attempt)
        self._told("experiment_started", f"{self._place(step)}: {step.title}")
        runs = self._folder / RUNS
        before = _names(runs)

        def began(process: int) -> None:
            attempt.process, attempt.process_started = process, started_at(process)
            keep(self._day, self._folder)

        ended = self._player.play(step.play, runs, began=began, look=self._looking())
        self._judge(step, attempt, ended, _new(runs, before))
        self._told("experiment_ended", _told_of(step, attempt))
        if self._signals.came:
            return Stopped(Stop.SIGNAL, f"{self._signals.name} came while {step.title} ran")
        return ended_by(attempt, step.title, self._plan.stop_when)

    def _looking(self) -> Callable[[], str]:
        """What says why a run that begins now has to be stopped; empty: it may go on."""
        closing = self._gates.closing()
        left = time_left(self._day, self._plan.budget)
        until = None if left is None else self._clock.now() + left

        def look() -> str:
            if closing is not None and self._clock.wall() >= closing:
                return "the window closed"
            if until is not None and self._clock.now() >= until:
                return "the budget's time was over"
            return ""

        return look

    def _judge(self, step: Step, attempt: Attempt, ended: Ended, run: str) -> None:
        """Tell what the run came to; what a run that died left is ended here."""
        attempt.run = run
        folder = self._folder / RUNS / run
        code = None
        if run:
            attempt.facts, code = facts_in(folder)
        attempt.exit_code = ended.code
        attempt.status, attempt.why = status_of(ended, code)
        if ended.code is not None and ended.code < 0 and run:
            self._reap(step, attempt)
        attempt.ended = self._clock.wall()
        keep(self._day, self._folder)

    def _clear(self) -> None:
        """Judge the run that was under way when an earlier process of this game day ended."""
        for step in self._day.steps:
            last = step.last
            if last is None or last.status is not None:
                continue
            known = {attempt.run for attempt in self._day.attempts}
            run = last.run or _new(self._folder / RUNS, known)
            self._take_up(step, last, run)
            self._told("experiment_ended", f"{step.title}, taken up again: {last.why}")

    def _take_up(self, step: Step, last: Attempt, run: str) -> None:
        last.run = run
        code = None
        if run:
            last.facts, code = facts_in(self._folder / RUNS / run)
        last.exit_code = code
        if code is None:
            last.status, last.why = Status.ABORTED, "it was broken off"
            if run:
                self._reap(step, last)
        else:
            last.status, last.why = status_of(Ended(code), code)
        last.ended = last.ended or self._clock.wall()
        keep(self._day, self._folder)

    def _reap(self, step: Step, attempt: Attempt) -> None:
        gone = self._player.reap(step.play, attempt.run, self._folder / RUNS)
        attempt.status = Status.ABORTED if gone else Status.RESIDUE
        attempt.why += "; nothing is left of it" if gone else "; what it left is not gone"

    def _opening(self) -> str:
        day = self._day
        due = len(day.due)
        return f"game day {day.plan} of {day.owner}: {due} of {len(day.steps)} to play"

    def _place(self, step: Step) -> str:
        return f"{step.number}/{len(self._day.steps)}"

    def _told(self, event: str, text: str) -> None:
        self._day.log.append(Note(self._clock.wall(), event, text))
        keep(self._day, self._folder)
        self._send(event, text, self._day, self._step)


def still_running(step: Step, attempt: Attempt) -> UsageError:
    """The error for a game day whose run outlived it, and goes on."""
    return UsageError(
        f"{step.title} is still being played, by process {attempt.process}",
        wanted="its end; it recovers its fault by itself",
        look=f"ps -p {attempt.process}",
    )


def _running(day: Day) -> tuple[Step, Attempt] | None:
    """The run of this day that is under way, whoever began it."""
    for step in day.steps:
        last = step.last
        is_open = last is not None and last.ended is None and last.process_started
        if last and is_open and started_at(last.process) == last.process_started:
            return step, last
    return None


def _told_of(step: Step, attempt: Attempt) -> str:
    more = attempt.facts.headline or attempt.why
    return f"{step.title}: {attempt.status}" + (f": {more}" if more else "")


def _names(runs: Path) -> set[str]:
    return {each.name for each in runs.iterdir() if each.is_dir()} if runs.is_dir() else set()


def _new(runs: Path, known: set[str]) -> str:
    """The run that was not there before; the newest where there are several."""
    return max(_names(runs) - known, default="")
