"""A game day as it is played: what each step came to so far. It is the state file, too.

The rule guarded here: what stands in the file is enough to go on after any interruption, and to
tell of it all afterwards. ``gameday.json`` in the day's folder has the JSON of ``Day``.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from kvchaos.errors import UsageError
from kvchaos.gameday.plan import Plan, Play
from kvchaos.keeping import write_json
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_of
from kvchaos.verdict.result import ORDER, Status

STATE = "gameday.json"
RUNS = "runs"
LARGEST = 16 * MIB


class Stop(StrEnum):
    """What ended a game day before all was played."""

    WINDOW = "window"
    HOLD = "hold"
    BUDGET = "budget"
    DECLINED = "declined"
    SIGNAL = "signal"
    RUN = "run"  # what a run came to


ABORTS = frozenset({Stop.DECLINED, Stop.SIGNAL})
"""A person, or a machine that is going down, ended it."""


class Facts(msgspec.Struct, frozen=True):
    """What a run told of itself: seconds, and None for what is not known."""

    headline: str = ""
    faults: int = 0
    fault_time: float = 0.0
    requests: int = 0
    failed_requests: int = 0
    hit_ratio: float | None = None
    recovery: float | None = None
    missing: int | None = None


class Attempt(msgspec.Struct):
    """One run: ``run`` its id, ``process`` and ``process_started`` who plays it; Unix times."""

    began: float
    process: int = 0
    process_started: int = 0
    run: str = ""
    ended: float | None = None
    exit_code: int | None = None
    status: Status | None = None
    why: str = ""
    facts: Facts = Facts()


class Step(msgspec.Struct):
    """One experiment, played for the ``round``-th time; ``skipped`` by the person who was asked."""

    number: int
    play: str
    round: int
    skipped: bool = False
    attempts: list[Attempt] = []

    @property
    def title(self) -> str:
        """``3 pod-kill``, with the round where there are several."""
        return f"{self.play} ({self.round})" if self.round > 1 else self.play

    @property
    def last(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def status(self) -> Status | None:
        """What its last run came to; None: it was not played to an end."""
        return self.last.status if self.last else None

    @property
    def is_due(self) -> bool:
        """Whether it is still to be played: one that was broken off is played again."""
        return not self.skipped and self.status in (None, Status.ABORTED)


class Stopped(msgspec.Struct, frozen=True):
    """What ended it early, and why in words."""

    by: Stop
    why: str


class Note(msgspec.Struct, frozen=True):
    """One thing that happened; ``at`` is a Unix time."""

    at: float
    event: str
    text: str


class Day(msgspec.Struct):
    """The whole game day; ``text`` is its plan, ``source`` where the plan stood."""

    plan: str
    purpose: str
    owner: str
    source: str
    text: str
    began: float
    steps: list[Step]
    seed: int | None = None
    context: str = ""
    namespace: str = ""
    version: str = ""
    ended: float | None = None
    stopped: Stopped | None = None
    log: list[Note] = []

    @property
    def attempts(self) -> list[Attempt]:
        return [attempt for step in self.steps for attempt in step.attempts]

    @property
    def due(self) -> list[Step]:
        return [step for step in self.steps if step.is_due]

    @property
    def took(self) -> float:
        """Seconds in which something ran."""
        return sum(each.ended - each.began for each in self.attempts if each.ended is not None)

    @property
    def status(self) -> Status:
        """The weightiest of all; one that was not played to its end is at least unknown."""
        found = [step.status or Status.UNKNOWN for step in self.steps]
        if self.stopped and self.stopped.by in ABORTS:
            found.append(Status.ABORTED)
        return max(found, key=ORDER.index, default=Status.UNKNOWN)


def planned(plan: Plan, *, source: Path, at: float, seed: int, **told: Any) -> Day:
    """The day before anything of it is played; a random order is by the plan's seed, or ``seed``.

    Rounds of one experiment follow each other where the order is as listed.
    """
    plays = [play for play in plan.plays for _ in range(play.repeat)]
    drawn = seed if plan.seed is None else plan.seed
    if plan.order == "random":
        Random(drawn).shuffle(plays)  # noqa: S311 - an order, no secret
    return Day(
        plan.name,
        plan.purpose,
        plan.owner,
        str(source),
        plan.text,
        at,
        [Step(n, play.name, turn) for n, (play, turn) in enumerate(_in_turn(plays), 1)],
        seed=drawn if plan.order == "random" else None,
        **told,
    )


def _in_turn(plays: list[Play]) -> list[tuple[Play, int]]:
    """Each with how many of the same there were so far, itself included."""
    turns: Counter[str] = Counter()
    found = []
    for play in plays:
        turns[play.name] += 1
        found.append((play, turns[play.name]))
    return found


def keep(day: Day, folder: Path) -> None:
    """Write the state, whole or not at all."""
    write_json(folder / STATE, msgspec.to_builtins(day))


def read_day(folder: Path) -> Day:
    """The game day in ``folder``; UsageError when there is none, or not in this form."""
    wanted = f"the folder of a game day, with {STATE} in it"
    try:
        return json_of(file_bytes(folder / STATE, LARGEST), Day)
    except OSError as error:
        raise UsageError(str(folder), wanted=wanted, saw=error.strerror or str(error)) from error
    except Unreadable as error:
        raise UsageError(f"{folder / STATE} is not readable", saw=str(error)) from error
