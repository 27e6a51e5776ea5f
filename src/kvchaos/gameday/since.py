"""What got worse since the last game day of the same plan, experiment by experiment. Pure.

The rule guarded here: a difference that a handful of runs cannot show is told as that, or as one
that may be chance, by the rule of ``kvchaos compare`` (``report.ranks``): over all that two days
are asked, chance alone makes one sure in at most 1 of 100 comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kvchaos.report.ranks import apart, needed
from kvchaos.verdict.result import ORDER, Status
from kvchaos.verdict.times import span

Json = dict[str, Any]

SHARE = 0.2  # by which a figure has to grow to be told
SECONDS = 0.25  # and a time: more than it is known to
BLOCKS = 8
RATIO = 0.05
DOUBT: Mapping[bool | None, str] = {
    True: "",
    False: " (this may be chance)",
    None: " (too few runs to tell)",
}
"""What is told beside a change that the runs show, do not show, and could not show."""


class Moved(NamedTuple):
    """A figure that changed by more than is overlooked, in words."""

    is_worse: bool
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Question:
    """One figure of an experiment: of each run now and before, and how it moved, if it did."""

    experiment: str
    what: str
    runs: tuple[Sequence[float], Sequence[float]]
    moved: Moved | None


def compared(now: Json, before: Json, *, folder: str) -> Json:
    """``{"folder", "began", "status", "compared", "worse", "better", "enough", "recovery", "new",
    "gone"}`` of two summaries; ``recovery`` are the earlier day's times by experiment, ``enough``
    so many runs of each on both days as tell all that can be told, None where there were.

    ``worse`` and ``better`` are of ``{"experiment", "what", "before", "now", "sure", "text"}``;
    ``sure`` is None where the runs are too few to tell.
    """
    then = {each["name"]: each for each in before["experiments"]}
    here = {each["name"]: each for each in now["experiments"]}
    both = [(here[name], then[name]) for name in here if name in then]
    played = [pair for pair in both if pair[0]["played"] and pair[1]["played"]]
    asked = [question for pair in played for question in _questions(*pair)]
    found = apart([each.runs for each in asked])
    told = [(each, each.moved, sure) for each, sure in zip(asked, found, strict=True) if each.moved]
    return {
        "folder": folder,
        "began": before["began"],
        "status": before["status"],
        "compared": len(played),
        "worse": [_told(*each) for each in told if each[1].is_worse],
        "better": [_told(*each) for each in told if not each[1].is_worse],
        "enough": needed(len(asked)) if any(sure is None for *_, sure in told) else None,
        "recovery": {name: each["recovery"]["values"] for name, each in then.items()},
        "new": [name for name in here if name not in then],
        "gone": [name for name in then if name not in here],
    }


def _told(asked: Question, moved: Moved, sure: bool | None) -> Json:
    text = f"{asked.experiment}: {asked.what} {moved.new}, {moved.old} last time"
    return {
        "experiment": asked.experiment,
        "what": asked.what,
        "before": moved.old,
        "now": moved.new,
        "sure": sure,
        "text": text + DOUBT[sure],
    }


def _questions(now: Json, before: Json) -> Iterator[Question]:
    """All that is asked of an experiment; what both days have nothing of is no question."""
    name = now["name"]
    yield Question(name, "status", (_weights(now), _weights(before)), _status(now, before))
    yield Question(name, "recovered", (_did(now), _did(before)), _recovered(now, before))
    yield Question(name, "median recovery", (_times(now), _times(before)), _recovery(now, before))
    for key, what, least, sign in FIGURES:
        runs = now["values"][key], before["values"][key]
        if any(runs):
            moved = _figure(now[key], before[key], least=least, sign=sign)
            yield Question(name, what, runs, moved)


def _status(now: Json, before: Json) -> Moved | None:
    new, old = now["status"], before["status"]
    return None if new == old else Moved(_weight(new) > _weight(old), old, new)


def _recovered(now: Json, before: Json) -> Moved | None:
    """Runs that recovered at all, of those that were played."""
    new, old = (each["recovery"]["count"] / each["played"] for each in (now, before))
    if abs(new - old) < SHARE:
        return None
    told = [f"in {each['recovery']['count']} of {each['played']} runs" for each in (before, now)]
    return Moved(new < old, *told)


def _recovery(now: Json, before: Json) -> Moved | None:
    new, old = now["recovery"]["median"], before["recovery"]["median"]
    if new is None or old is None or abs(new - old) <= max(SECONDS, SHARE * min(old, new)):
        return None
    return Moved(new > old, span(old), span(new))


def _figure(new: float | None, old: float | None, *, least: float, sign: int) -> Moved | None:
    """A figure of which more is worse (``sign`` 1) or better (-1)."""
    if new is None or old is None or abs(new - old) <= max(least, SHARE * min(abs(old), abs(new))):
        return None
    return Moved((new - old) * sign > 0, f"{old:g}", f"{new:g}")


FIGURES = (
    ("missing", "most blocks missing", BLOCKS, 1),
    ("hit_ratio", "share of prompt tokens found in a cache", RATIO, -1),
    ("failed_share", "share of requests that failed", RATIO, 1),
)


def _times(day: Json) -> list[float]:
    """Each run's recovery time; endless for one that did not recover."""
    times: list[float] = day["recovery"]["values"]
    return [*times, *[math.inf] * (day["played"] - len(times))]


def _did(day: Json) -> list[bool]:
    """Whether each run recovered."""
    return [math.isfinite(each) for each in _times(day)]


def _weights(day: Json) -> list[int]:
    """Each run's status, as a number that is higher the worse it is."""
    return [_weight(status) for status, count in day["statuses"].items() for _ in range(count)]


def _weight(status: str) -> int:
    return ORDER.index(Status(status))
