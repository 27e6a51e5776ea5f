"""Asks a stop condition's probe and judges the answer with Chaos Toolkit's own tolerances.

The rule: whatever a probe or a tolerance does (raise, answer nothing, hang), an ``Answer`` comes
back within the deadline; what could not be told is never taken for met, nor for a breach.
"""

from __future__ import annotations

import copy
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from chaoslib.activity import run_activity
from chaoslib.exceptions import ActivityFailed
from chaoslib.hypothesis import within_tolerance

from kvchaos.extension import StopCondition
from kvchaos.run.deciding import cannot_say

logger = logging.getLogger(__name__)

Json = dict[str, Any]

SHOWN = 200  # characters of a value or a reason that are shown


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the condition is met, None when that cannot be told: ``why``; and the value, short"""

    met: bool | None
    value: str = ""
    why: str = ""


STOPPED = Answer(None, why="no longer wanted")


def answer_of(condition: StopCondition, configuration: Json, secrets: Json) -> Answer:
    """One asking, however long it takes; raises nothing at all."""
    try:
        value = run_activity(copy.deepcopy(condition.probe), configuration, secrets)
    except ActivityFailed as error:
        return Answer(None, why=short(str(error)))
    except BaseException as error:  # noqa: BLE001 - also SystemExit, which a probe may raise
        return Answer(None, why=_words(error))
    if value is None:
        return Answer(None, why="it answered nothing")
    try:
        return _judged(condition, value, configuration, secrets)
    except BaseException as error:  # noqa: BLE001 - tolerances trip on values of another type
        why = f"the tolerance cannot judge it: {_words(error)}"
        return Answer(None, value=_shown(value), why=short(why))


def _judged(condition: StopCondition, value: Any, configuration: Json, secrets: Json) -> Answer:
    tolerance = copy.deepcopy(condition.tolerance)
    if isinstance(tolerance, dict) and isinstance(tolerance.get("provider"), dict):
        tolerance["provider"].setdefault("arguments", {})  # Chaos Toolkit puts the value in there
    met = within_tolerance(tolerance, value, configuration=configuration, secrets=secrets)
    if met is None:
        return Answer(None, _shown(value), "Chaos Toolkit has no such tolerance")
    if not met and cannot_say(value):
        return Answer(None, _shown(value), "it does not know")
    return Answer(bool(met), _shown(value))


class Asker:
    """Calls ``ask`` on a thread of its own, and waits no longer than ``deadline`` seconds.

    One call at a time: while an earlier one is still out, no other is begun. A thread that hangs
    is a daemon, so it does not keep the process.
    """

    def __init__(self, ask: Callable[[], Answer], *, deadline: float, name: str) -> None:
        self._ask = ask
        self._deadline = deadline
        self._name = name
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._is_out = False

    def __call__(self) -> Answer:
        """The answer, or that there was none in time."""
        if self._is_out and self._next() is None:
            return self._silent()
        try:
            self._begin()
        except RuntimeError as error:  # the process may have no more threads
            return Answer(None, why=_words(error))
        answer = self._next()
        self._is_out = answer is None
        return answer or self._silent()

    def stop(self) -> None:
        """Wait no longer: whoever waits for an answer gets ``STOPPED``."""
        self._answers.put(STOPPED)

    def _begin(self) -> None:
        threading.Thread(target=self._work, name=f"kvchaos-ask-{self._name}", daemon=True).start()

    def _work(self) -> None:
        self._answers.put(self._ask())

    def _next(self) -> Answer | None:
        try:
            return self._answers.get(timeout=self._deadline)
        except Empty:
            return None

    def _silent(self) -> Answer:
        return Answer(None, why=f"no answer within {self._deadline:g} s")


def short(text: str) -> str:
    """The beginning of a text, and that there is more."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _shown(value: Any) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, default=str))


def _words(error: BaseException) -> str:
    return short(f"{type(error).__name__}: {error}")
