"""What got worse since the last game day of the same plan, experiment by experiment. Pure.

The rule guarded here: a difference that a handful of runs cannot show is told as one that may be
chance; only where all runs of one day are beyond all of the other's, ``ENOUGH`` of each, it is not
(by chance alone a figure is so much worse once in twenty days, or more rarely).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kvchaos.verdict.result import ORDER, Status

Json = dict[str, Any]

SHARE = 0.2  # by which a figure has to grow to be told
SECONDS = 0.25  # and a time: more than it is known to
BLOCKS = 8
RATIO = 0.05
ENOUGH = 3  # runs of each day


def compared(now: Json, before: Json, *, folder: str) -> Json:
    """``{"folder", "began", "status", "compared", "worse", "better", "recovery", "new",
    "gone"}`` of two summaries; ``recovery`` are the earlier day's times by experiment.

    ``worse`` and ``better`` are of ``{"experiment", "what", "before", "now", "sure", "text"}``.
    """
    then = {each["name"]: each for each in before["experiments"]}
    here = {each["name"]: each for each in now["experiments"]}
    both = [(here[name], then[name]) for name in here if name in then]
    played = [pair for pair in both if pair[0]["played"] and pair[1]["played"]]
    changes = [change for pair in played for change in _changes(*pair)]
    return {
        "folder": folder,
        "began": before["began"],
        "status": before["status"],
        "compared": len(played),
        "worse": [change for worse, change in changes if worse],
        "better": [change for worse, change in changes if not worse],
        "recovery": {name: each["recovery"]["values"] for name, each in then.items()},
        "new": [name for name in here if name not in then],
        "gone": [name for name in then if name not in here],
    }


def _changes(now: Json, before: Json) -> Iterator[tuple[bool, Json]]:
    """(whether it is worse, what changed)."""
    for change in (_status, _recovered, _recovery, *(_figure(*row) for row in FIGURES)):
        if found := change(now, before):
            worse, what, old, new, sure = found
            text = f"{now['name']}: {what} {new}, {old} last time"
            more = "" if sure else " (so few runs: this may be chance)"
            yield (
                worse,
                {
                    "experiment": now["name"],
                    "what": what,
                    "before": old,
                    "now": new,
                    "sure": sure,
                    "text": text + more,
                },
            )


Change = tuple[bool, str, str, str, bool] | None


def _status(now: Json, before: Json) -> Change:
    new, old = now["status"], before["status"]
    if new == old:
        return None
    return _weight(new) > _weight(old), "status", old, new, _apart(_weights(now), _weights(before))


def _recovered(now: Json, before: Json) -> Change:
    """Runs that recovered at all, of those that were played."""
    new, old = (each["recovery"]["count"] / each["played"] for each in (now, before))
    if abs(new - old) < SHARE:
        return None
    told = [f"in {each['recovery']['count']} of {each['played']} runs" for each in (before, now)]
    did = [[math.isfinite(each) for each in _times(day)] for day in (now, before)]
    return new < old, "recovered", told[0], told[1], _apart(*did)


def _recovery(now: Json, before: Json) -> Change:
    new, old = now["recovery"]["median"], before["recovery"]["median"]
    if new is None or old is None or abs(new - old) <= max(SECONDS, SHARE * min(old, new)):
        return None
    sure = _apart(_times(now), _times(before))
    return new > old, "median recovery", f"{old:.2f} s", f"{new:.2f} s", sure


def _figure(key: str, what: str, least: float, sign: int) -> Callable[[Json, Json], Change]:
    """A figure of which more is worse (``sign`` 1) or better (-1)."""

    def change(now: Json, before: Json) -> Change:
        new, old = now[key], before[key]
        if (
            new is None
            or old is None
            or abs(new - old) <= max(least, SHARE * min(abs(old), abs(new)))
        ):
            return None
        sure = _apart(now["values"][key], before["values"][key])
        return (new - old) * sign > 0, what, f"{old:g}", f"{new:g}", sure

    return change


FIGURES = (
    ("missing", "most blocks missing", BLOCKS, 1),
    ("hit_ratio", "share of prompt tokens found in a cache", RATIO, -1),
    ("failed_share", "share of requests that failed", RATIO, 1),
)


def _apart(now: Sequence[float], before: Sequence[float]) -> bool:
    """Whether there are enough runs of each, and all of one day are beyond all of the other's."""
    if min(len(now), len(before)) < ENOUGH:
        return False
    return max(now) < min(before) or max(before) < min(now)


def _times(day: Json) -> list[float]:
    """Each run's recovery time; endless for one that did not recover."""
    times: list[float] = day["recovery"]["values"]
    return [*times, *[math.inf] * (day["played"] - len(times))]


def _weights(day: Json) -> list[int]:
    """Each run's status, as a number that is higher the worse it is."""
    return [_weight(status) for status, count in day["statuses"].items() for _ in range(count)]


def _weight(status: str) -> int:
    return ORDER.index(Status(status))
