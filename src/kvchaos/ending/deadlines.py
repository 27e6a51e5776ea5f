"""How long an activity may take, and what happens when one does not answer: the run is stopped.

The rule: nobody waits for ever. Chaos Toolkit has no limit for a Python function and none for a
process that names none, and what hangs there would keep the rollbacks from being played.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kvchaos.clock import Clock
from kvchaos.experiment import TIMES, substituted
from kvchaos.repeating import Repeating

Json = dict[str, Any]

EVERY = 0.25  # seconds between looks


def seconds_asked(activity: Json, configuration: Json, secrets: Json) -> float:
    """The seconds that an activity was given: by its arguments, its provider, and its pauses."""
    provider = substituted(activity.get("provider") or {}, configuration, secrets)
    pauses = substituted(activity.get("pauses") or {}, configuration, secrets)
    arguments = provider.get("arguments")
    given = [provider.get("timeout"), pauses.get("before"), pauses.get("after")]
    if isinstance(arguments, Mapping):
        given += [arguments.get(name) for name in TIMES]
    return sum(seconds for each in given for seconds in _seconds(each))


def _seconds(given: object) -> Iterator[float]:
    """Those of a number, of a text that is one, or of a list, as a provider's timeout may be."""
    if isinstance(given, list | tuple):
        for each in given:
            yield from _seconds(each)
        return
    try:
        yield max(0.0, float(given))  # type: ignore[arg-type]  # what is no number says no time
    except (TypeError, ValueError):
        return


@dataclass(frozen=True, slots=True)
class Armed:
    """An activity under way: what it is, when it has to be over, on the clock."""

    what: str
    at: float
    seconds: float


class Deadlines(Repeating):
    """The activities under way, one a thread; ``late`` is told once of each that is overdue."""

    def __init__(self, late: Callable[[str], None], *, clock: Clock) -> None:
        super().__init__(name="deadlines", every=EVERY)
        self._late = late
        self._clock = clock
        self._armed: dict[int, Armed] = {}

    def arm(self, what: str, *, seconds: float) -> None:
        """This thread begins ``what``, and is to be through after so many seconds."""
        armed = Armed(what, self._clock.now() + seconds, seconds)
        self._armed[threading.get_ident()] = armed

    def disarm(self) -> None:
        """This thread is through."""
        self._armed.pop(threading.get_ident(), None)

    def is_armed(self, thread: int | None) -> bool:
        """Whether a thread is at something that is not overdue."""
        return thread in self._armed

    def look(self) -> None:
        """Tell of those that are overdue by now."""
        now = self._clock.now()
        for ident, armed in list(self._armed.items()):
            if armed.at <= now and self._armed.pop(ident, None) is armed:
                self._late(f"{armed.what} did not answer within {armed.seconds:g} s")
