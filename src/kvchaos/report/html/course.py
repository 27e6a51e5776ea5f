"""The course of a run as all its charts share it: its length, its faults, its moments. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kvchaos.report.fault import DONE, began
from kvchaos.report.html.scale import Scale, number
from kvchaos.verdict.events import Event, Events, Json, of
from kvchaos.verdict.times import span

SHORTEST = 0.5  # seconds that a course lasts at least, so that it can be drawn
MAX_FAULTS = 8
"""Faults with a lane of their own."""
MAX_BANDS = 100
MAX_PINS = 24

NARROW = 296
"""Pixels of a chart on a phone of 390."""
LETTER = 6.9
"""Pixels of a letter of a pin's label at the most, on average."""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch that every chart shades: a fault was on, or the index was recovering."""

    kind: str
    name: str
    start: float
    end: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class Pin:
    """A moment with its label; ``row`` keeps labels apart, ``left``: the label is left of it."""

    at: float
    text: str
    kind: str
    row: int = 0
    left: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """How long a run was, what is shaded, what is marked."""

    scale: Scale
    bands: tuple[Band, ...] = ()
    pins: tuple[Pin, ...] = ()
    stops: tuple[float, ...] = field(default=())

    @property
    def faults(self) -> list[Band]:
        return [band for band in self.bands if band.kind == "fault"]


def course(events: Events, record: Json) -> Course:
    """What ``events`` and ``record`` tell of a run's course, from its start to its last event."""
    ats = [at for at in (number(each.get("at")) for each in events) if at is not None]
    end = max([SHORTEST, *ats])
    faults = [_fault(each, end) for each in record["faults"]]
    bands = [band for band in faults if band is not None]
    recovering = _recovering(record, end)
    stops = [at for at in (number(each.get("at")) for each in of(events, "stop")) if at is not None]
    scale = Scale(0.0, end)
    return Course(
        scale=scale,
        bands=(*bands[:MAX_BANDS], *recovering),
        pins=placed(_moments(record, stops), scale),
        stops=tuple(stops[:MAX_PINS]),
    )


def placed(pins: Sequence[Pin], scale: Scale) -> tuple[Pin, ...]:
    """The pins in rows in which no two labels meet, on a phone neither."""
    ends: list[list[tuple[float, float]]] = []
    found: list[Pin] = []
    for pin in sorted(pins, key=lambda each: each.at)[:MAX_PINS]:
        place = scale.percent(pin.at) * NARROW / 100
        width = LETTER * len(pin.text) + 12
        left = place + width > NARROW
        taken = (place - width, place) if left else (place, place + width)
        row = next((row for row, used in enumerate(ends) if _is_free(used, taken)), len(ends))
        if row == len(ends):
            ends.append([])
        ends[row].append(taken)
        found.append(Pin(pin.at, pin.text, pin.kind, row, left))
    return tuple(found)


def _is_free(used: list[tuple[float, float]], taken: tuple[float, float]) -> bool:
    return all(taken[1] < start or taken[0] > end for start, end in used)


def fault_title(fault: Json) -> str:
    """What it is in words: ``network partition``."""
    action = str(fault.get("action") or fault.get("kind") or "fault")
    return DONE.get(action, action)


def _fault(fault: Json, end: float) -> Band | None:
    since, healed = number(began(fault)), number(fault.get("healed"))
    if since is None:
        return None
    over = end if healed is None else max(healed, since)
    name = fault_title(fault) + (", end not seen" if healed is None else "")
    return Band("fault", name, since, over, open=healed is None)


def _recovering(record: Json, end: float) -> list[Band]:
    """From the last heal until the index agreed, or until nobody looked any more."""
    recovery = record.get("recovery")
    if not isinstance(recovery, dict) or not isinstance(recovery.get("timeline"), dict):
        return []
    healed, agreed = (number(recovery["timeline"].get(key)) for key in ("healed", "agreed"))
    if healed is None or (agreed is None and recovery.get("agreed") is None):
        return []
    over = min(end, healed + (number(recovery.get("waited")) or 0.0)) if agreed is None else agreed
    return [Band("heal", "recovering", healed, max(healed, over), open=agreed is None)]


def _moments(record: Json, stops: Sequence[float]) -> list[Pin]:
    told: list[tuple[object, str, str]] = []
    for fault in record["faults"]:
        told += [(fault.get("injected"), "injected", "fault")]
        told += [(fault.get("effect_at"), "effect seen", "fault")]
        told += [(fault.get("healed"), "healed", "heal")]
    moments: Event = (record.get("recovery") or {}).get("timeline") or {}
    told += [(moments.get("first_event"), "first event", "heal")]
    told += [(moments.get("gap_found"), "gap found", "heal")]
    told += [(moments.get("replayed"), "replayed", "heal")]
    told += [(moments.get("agreed"), "index agrees", "good")]
    told += [(at, "stopped", "stop") for at in stops[:1]]
    known = [(number(at), said, kind) for at, said, kind in told]
    return [Pin(at, f"{said} {span(at)}", kind) for at, said, kind in known if at is not None]
