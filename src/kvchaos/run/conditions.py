"""The stop conditions of a run: each asked at its interval, and the run ended when one is breached.

The rule: a condition that cannot be asked protects nothing, so that, too, ends the run when it
happens ``PATIENCE`` times in a row; and a run does not begin with one that is not met.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kvchaos.errors import KVChaosError, StopConditionNotMet
from kvchaos.extension import StopCondition, stop_conditions
from kvchaos.run.asking import Answer, Asker, answer_of
from kvchaos.run.session import Run

logger = logging.getLogger(__name__)

Json = dict[str, Any]

PATIENCE = 3  # askings in a row without an answer


class ConditionWatch:
    """A thread that asks one condition: at once, and from ``go`` on at its interval.

    ``breached`` is called once, with the reason and the answer, when the run has to end.
    """

    def __init__(
        self,
        condition: StopCondition,
        ask: Callable[[], Answer],
        *,
        breached: Callable[[str, Json], None],
        is_over: Callable[[], bool],
    ) -> None:
        self.condition = condition
        self._asker = Asker(ask, deadline=condition.deadline, name=condition.name)
        self._breached = breached
        self._is_over = is_over
        self._last = Answer(None, why="not asked yet")
        self._asked = self._unmet = self._unanswered = self._in_a_row = 0
        self._first = threading.Event()
        self._go = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, name=f"kvchaos-condition-{condition.name}", daemon=True
        )

    def start(self) -> None:
        """Ask for the first time."""
        self._thread.start()

    def first(self) -> Answer:
        """The first answer; it comes within the deadline."""
        self._first.wait(2 * self.condition.deadline)
        return self._last

    def go(self) -> None:
        """Ask at the interval from now on."""
        self._go.set()

    def stop(self, timeout: float = 2.0) -> None:
        """Ask no more; a probe that is under way is left behind."""
        self._stop.set()
        self._go.set()
        self._asker.stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def account(self) -> Json:
        """What came of all askings, in one short object."""
        return {
            "name": self.condition.name,
            "every": self.condition.every,
            "asked": self._asked,
            "unmet": self._unmet,
            "unanswered": self._unanswered,
            "met": self._last.met,
            "value": self._last.value,
            **({"why": self._last.why} if self._last.why else {}),
        }

    def _loop(self) -> None:
        self._note(self._asker())
        self._first.set()
        self._go.wait()
        while not self._stop.wait(self.condition.every) and not self._is_over():
            answer = self._asker()
            if self._stop.is_set() or self._is_over():
                return
            self._note(answer)
            if reason := self._reason(answer):
                self._breached(reason, self._event(answer))
                return

    def _note(self, answer: Answer) -> None:
        self._last = answer
        self._asked += 1
        self._unmet += answer.met is False
        self._unanswered += answer.met is None
        self._in_a_row = self._in_a_row + 1 if answer.met is None else 0

    def _reason(self, answer: Answer) -> str:
        """Why the run has to end; nothing while it may go on."""
        if answer.met is False:
            return words(self.condition, answer)
        if self._in_a_row >= PATIENCE:
            return f"{words(self.condition, answer)}, {PATIENCE} times in a row"
        return ""

    def _event(self, answer: Answer) -> Json:
        return {
            "name": self.condition.name,
            "met": answer.met,
            "value": answer.value,
            "tolerance": self.condition.shown,
            "asked": self._asked,
            **({"why": answer.why} if answer.why else {}),
        }


class Conditions:
    """All stop conditions of a run."""

    def __init__(self, run: Run, watches: Sequence[ConditionWatch]) -> None:
        self._run = run
        self._watches = watches

    def begin(self) -> None:
        """Ask each once, all at the same time; ``StopConditionNotMet`` names those not met."""
        for watch in self._watches:
            watch.start()
        unmet = [
            words(watch.condition, answer)
            for watch in self._watches
            for answer in [watch.first()]
            if not answer.met
        ]
        self._account("before")
        if unmet:
            raise StopConditionNotMet(
                "a stop condition is not met, so the run does not begin", saw="; ".join(unmet)
            )
        for watch in self._watches:
            watch.go()

    def end(self) -> None:
        """Ask no more, and leave in the history what came of it."""
        self.stop()
        self._account("after")

    def stop(self) -> None:
        """Ask no more."""
        for watch in self._watches:
            watch.stop()

    def _account(self, when: str) -> None:
        if self._watches:
            told = [watch.account() for watch in self._watches]
            self._run.history.add("stop_conditions", when=when, conditions=told)


def watch(run: Run, experiment: Json, configuration: Json, secrets: Json) -> Conditions:
    """Ask the experiment's stop conditions from now on, until the run ends or is being stopped.

    ``StopConditionNotMet`` when one is breached, or cannot be asked, before anything was done.
    """
    watches = [
        ConditionWatch(
            condition,
            partial(answer_of, condition, configuration, secrets),
            breached=partial(_end_run, run),
            is_over=lambda: run.phase == "rollbacks" or run.stopping.first is not None,
        )
        for condition in stop_conditions(experiment, configuration, secrets)
    ]
    if watches:
        logger.info("Stop conditions: %d, asked %s", len(watches), _rhythm(watches))
    conditions = Conditions(run, watches)
    run.at_the_end.callback(conditions.stop)
    conditions.begin()
    run.watches.callback(conditions.end)
    return conditions


def words(condition: StopCondition, answer: Answer) -> str:
    """What is the matter with a condition that is not met, in one line."""
    if answer.met is None:
        value = f" (value {answer.value})" if answer.value else ""
        return f"{condition.name!r} could not be told: {answer.why}{value}"
    return f"{condition.name!r} was breached: value {answer.value}, tolerance {condition.shown}"


def _rhythm(watches: Sequence[ConditionWatch]) -> str:
    """How often which conditions are asked: ``every 0.5 s: a, b; every 1 s: c``."""
    names: dict[float, list[str]] = {}
    for each in watches:
        names.setdefault(each.condition.every, []).append(each.condition.name)
    return "; ".join(f"every {every:g} s: {', '.join(names[every])}" for every in names)


def _end_run(run: Run, reason: str, event: Json) -> None:
    try:
        run.history.add("stop_condition", **event)
    except KVChaosError as error:
        logger.warning("%s", error)
    run.stopping.request("stop condition", reason)
