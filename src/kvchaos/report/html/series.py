"""What a history tells over time, as series for charts. Pure.

The rule: what was not seen is None or a hole, never 0; a sample speaks for ``STALE`` seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kvchaos.report.bar import STALE
from kvchaos.report.html.scale import count, number
from kvchaos.verdict.events import Event, Events, of

Point = tuple[float, float | None]
"""A moment, and what was so from then on; None: from then on nothing is known."""

Looks = Sequence[tuple[float, Event]]
BADNESS = ("none", "good", "blank", "bad", "ghost")
COLUMNS = 480
"""As many moments of a series are drawn at most; of others the farthest from 0 in its place."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``start`` to ``end`` something was so: ``good``, ``bad``, or ``blank`` (not known)."""

    start: float
    end: float
    state: str


@dataclass(frozen=True, slots=True)
class Flow:
    """What one engine's stream brought: rate over time, totals, and when batches were missing."""

    rate: tuple[Point, ...]
    batches: int
    blocks: int
    gaps: tuple[float, ...]


def samples(events: Events) -> list[tuple[float, Event]]:
    """Each look at the index with its moment, in order."""
    return sorted(((_at(each), each) for each in of(events, "sample")), key=lambda told: told[0])


def difference(looks: Looks, which: str, *, end: float) -> list[Point]:
    """``missing`` or ``phantom`` of all engines, from sample to sample."""
    return _held([(at, wrong_of(each, which)) for at, each in looks], end)


def agreement(looks: Looks, *, end: float, engine: str = "") -> list[Stretch]:
    """Whether the index agreed, of one ``pod/rank`` or of all; stretches that touch, merged.

    Of more than ``COLUMNS`` each column is as bad as the worst in it.
    """
    return _stretches([(at, _state(each, engine)) for at, each in looks], end)


def ghosts(looks: Looks, *, end: float) -> list[Stretch]:
    """When the index had a pod that is not alive: stretches that are ``ghost``."""
    told = [(at, "ghost" if each.get("ghosts") else "none") for at, each in looks]
    return [each for each in _stretches(told, end) if each.state == "ghost"]


def _stretches(told: list[tuple[float, str]], end: float) -> list[Stretch]:
    found: list[Stretch] = []
    for (at, state), (then, _) in pairwise([*told, (end, "")]):
        found.append(Stretch(at, min(then, at + STALE), state))
        if then > at + STALE:
            found.append(Stretch(at + STALE, then, "blank"))
    merged = _merged(found)
    return merged if len(merged) <= COLUMNS else _coarse(merged, end)


def flows(events: Events) -> dict[str, Flow]:
    """Each engine's stream by ``pod/rank``, as far as ``rates`` and ``stream`` tell."""
    totals: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for event in of(events, "rates"):
        engines = event.get("engines")
        for name, told in engines.items() if isinstance(engines, dict) else ():
            if isinstance(told, dict):
                totals.setdefault(str(name), []).append((_at(event), told))
    names = [*totals, *(name for name in _streams(events) if name not in totals)]
    return {name: _flow(totals.get(name, []), _gaps(events, name)) for name in names}


def thinned(points: Sequence[Point], columns: int = COLUMNS) -> list[Point]:
    """At most about two points a column: the extreme one in its place, and the last."""
    if len(points) <= 2 * columns:
        return list(points)
    size = -(-len(points) // columns)
    kept: list[Point] = []
    for first in range(0, len(points), size):
        group = list(points[first : first + size])
        extreme = max(group, key=lambda point: -1.0 if point[1] is None else abs(point[1]))
        kept += [extreme, group[-1]] if extreme is not group[-1] else [extreme]
    return kept


def smoothed(points: Sequence[Point], columns: int = COLUMNS // 3) -> list[Point]:
    """At most ``columns`` points, the mean of those that are known in a row."""
    size = max(1, -(-len(points) // columns))
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(group[0][0], _mean([value for _, value in group])) for group in groups]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _at(event: Event) -> float:
    return max(0.0, number(event.get("at")) or 0.0)


def _held(told: Iterable[Point], end: float) -> list[Point]:
    points: list[Point] = []
    for (at, value), (then, _) in pairwise([*told, (end, None)]):
        points.append((at, value))
        if then > at + STALE:
            points.append((at + STALE, None))
    return points


def wrong_of(sample: Event, which: str) -> float | None:
    """The figure; one of a look that could not tell counts only where something was wrong."""
    value = number(sample.get(which))
    return value if value or sample.get("agrees") is not None else None


def _state(sample: Event, engine: str) -> str:
    unknown, engines = sample.get("unknown"), sample.get("engines")
    if not engine:
        agrees = sample.get("agrees")
        return "good" if agrees is True else "bad" if agrees is False else "blank"
    if isinstance(unknown, dict) and (engine in unknown or "router" in unknown):
        return "blank"
    told = engines.get(engine) if isinstance(engines, dict) else None
    if not isinstance(told, dict):
        return "none"
    return "bad" if count(told.get("missing")) or count(told.get("phantom")) else "good"


def _coarse(found: Sequence[Stretch], end: float) -> list[Stretch]:
    width = end / COLUMNS
    edges = [*(width * at for at in range(COLUMNS)), end]
    columns: list[str] = [BADNESS[0]] * COLUMNS
    for each in found:
        first, last = int(each.start / width), int(each.end / width)
        for at in range(first, min(last, COLUMNS - 1) + 1):
            columns[at] = max(columns[at], each.state, key=BADNESS.index)
    told = (Stretch(edges[at], edges[at + 1], state) for at, state in enumerate(columns))
    return _merged(told)


def _merged(found: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for each in found:
        if merged and merged[-1].state == each.state and each.start <= merged[-1].end + 1e-9:
            merged[-1] = Stretch(merged[-1].start, each.end, each.state)
        elif each.end > each.start:
            merged.append(each)
    return merged


def _streams(events: Events) -> list[str]:
    return list(dict.fromkeys(_engine(each) for each in of(events, "stream") if _engine(each)))


def _engine(event: Event) -> str:
    engine = event.get("engine")
    if not isinstance(engine, dict) or not isinstance(engine.get("pod"), str):
        return ""
    return f"{engine['pod']}/{engine.get('rank', 0)}"


def _gaps(events: Events, name: str) -> list[float]:
    return [_at(each) for each in of(events, "stream", what="gap") if _engine(each) == name]


def _flow(totals: list[tuple[float, Mapping[str, Any]]], gaps: list[float]) -> Flow:
    rate: list[Point] = []
    counted: list[float] = []
    for (at, told), (then, later) in pairwise(totals):
        if then > at:
            rate.append((at, max(0, _more("batches", told, later)) / (then - at)))
        if _more("gaps", told, later) > 0:
            counted.append(then)
    newest = totals[-1][1] if totals else {}
    return Flow(
        rate=(*rate, (totals[-1][0], None)) if rate else (),
        batches=count(newest.get("batches")),
        blocks=count(newest.get("blocks")),
        gaps=tuple(gaps or counted),
    )


def _more(key: str, told: Mapping[str, Any], later: Mapping[str, Any]) -> int:
    return count(later.get(key)) - count(told.get(key))
