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
BADNESS = ("none", "good", "blank", "bad")
COLUMNS = 480
"""As many moments of a series are drawn at most; of others the farthest from 0 in its place."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``start`` to ``end`` something was so: ``good``, ``bad``, or ``blank`` (not known)."""

    start: float
    end: float
    state: str


@dataclass(frozen=True, slots=True)
class Second:
    """What load met between two moments, about a second apart; latencies in seconds."""

    start: float
    end: float
    ok: int
    failed: int
    hit: int
    prompt: int
    p50: float | None
    p95: float | None


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
    return _held([(at, _wrong(each, which)) for at, each in looks], end)


def agreement(looks: Looks, *, end: float, engine: str = "") -> list[Stretch]:
    """Whether the index agreed, of one ``pod/rank`` or of all; stretches that touch, merged.

    Of more than ``COLUMNS`` each column is as bad as the worst in it.
    """
    told = [(at, _state(each, engine)) for at, each in looks]
    found: list[Stretch] = []
    for (at, state), (then, _) in pairwise([*told, (end, "")]):
        found.append(Stretch(at, min(then, at + STALE), state))
        if then > at + STALE:
            found.append(Stretch(at + STALE, then, "blank"))
    merged = _merged(found)
    return merged if len(merged) <= COLUMNS else _coarse(merged, end)


def seconds(events: Events) -> list[Second]:
    """The load, second by second; nothing where that was not recorded."""
    told = (_second(each) for each in of(events, "traffic_second"))
    return [each for each in told if each is not None]


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


def gathered(told: Sequence[Second], columns: int = COLUMNS // 2) -> list[Second]:
    """At most ``columns`` seconds: several become one, with the worst of their latencies."""
    size = max(1, -(-len(told) // columns))
    return [_one(told[first : first + size]) for first in range(0, len(told), size)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _one(group: Sequence[Second]) -> Second:
    return Second(
        start=group[0].start,
        end=group[-1].end,
        ok=sum(each.ok for each in group),
        failed=sum(each.failed for each in group),
        hit=sum(each.hit for each in group),
        prompt=sum(each.prompt for each in group),
        p50=max((each.p50 for each in group if each.p50 is not None), default=None),
        p95=max((each.p95 for each in group if each.p95 is not None), default=None),
    )


def _at(event: Event) -> float:
    return max(0.0, number(event.get("at")) or 0.0)


def _held(told: Iterable[Point], end: float) -> list[Point]:
    points: list[Point] = []
    for (at, value), (then, _) in pairwise([*told, (end, None)]):
        points.append((at, value))
        if then > at + STALE:
            points.append((at + STALE, None))
    return points


def _wrong(sample: Event, which: str) -> float | None:
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


def _second(event: Event) -> Second | None:
    start, end = number(event.get("from")), number(event.get("to"))
    if start is None or end is None or end <= start:
        return None
    figures = {key: count(event.get(key)) for key in ("ok", "failed")}
    hit, prompt = count(event.get("hit_tokens")), count(event.get("prompt_tokens"))
    p50, p95 = number(event.get("p50")), number(event.get("p95"))
    return Second(start, end, **figures, hit=hit, prompt=prompt, p50=p50, p95=p95)


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
