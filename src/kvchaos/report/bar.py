"""A run's course as two lanes of characters, from the fault's injection to the end. Pure.

``fault  ---########------``: ``#`` while the fault was on.
``index  ===xxxxxxxxxx====``: ``=`` the index agreed, ``x`` it was wrong, ``?`` nobody could tell.
The rule: a moment that was not sampled is ``?``, and a cell is as bad as the worst sample in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvchaos.report.fault import began
from kvchaos.verdict.events import Events, Json, last, of
from kvchaos.verdict.times import span

STALE = 2.5
"""Seconds that one sample speaks for: while nothing changes, one is written each second."""

STATE = {True: "=", None: "?", False: "x"}
BADNESS = "=?x"


@dataclass(frozen=True, slots=True)
class Bar:
    """The two lanes, equally long, and below them what happened where."""

    fault: str
    index: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    start: float
    end: float
    cells: int

    @property
    def width(self) -> float:
        return (self.end - self.start) / self.cells

    def cell(self, at: float) -> int:
        return min(self.cells - 1, max(0, int((at - self.start) / self.width)))


def bar(events: Events, faults: list[Json], *, cells: int) -> Bar | None:
    """The course since shortly before the first fault; None when there was none."""
    on = [since for since in map(began, faults) if since is not None]
    if not on:
        return None
    scale = _scale(events, faults, min(on), cells)
    return Bar(
        fault=_fault_lane(faults, scale),
        index=_index_lane(events, scale),
        marks=_marks(events, faults, scale),
    )


def _scale(events: Events, faults: list[Json], on: float, cells: int) -> _Scale:
    recovery = last(events, "recovery")
    healed = [fault["healed"] for fault in faults if fault["healed"] is not None]
    agreed = recovery["timeline"]["agreed"] if recovery else None
    looked = recovery["at"] if recovery else events[-1]["at"]
    end = max([on, *healed, looked if agreed is None else agreed])
    margin = max(0.05 * (end - on), 0.2)
    sampled = last(events, "sample")
    seen = max(end, min(end + margin, sampled["at"] if sampled else end))
    return _Scale(start=max(0.0, on - margin), end=seen, cells=cells)


def _fault_lane(faults: list[Json], scale: _Scale) -> str:
    lane = ["-"] * scale.cells
    for fault in faults:
        since = began(fault)
        if since is not None:
            first = scale.cell(since)
            over = scale.cells if fault["healed"] is None else scale.cell(fault["healed"])
            ended = max(first + 1, over)
            lane[first:ended] = "#" * (ended - first)
    return "".join(lane)


def _index_lane(events: Events, scale: _Scale) -> str:
    samples = [(event["at"], STATE[event["agrees"]]) for event in of(events, "sample")]
    return "".join(_cell(number, samples, scale) for number in range(scale.cells))


def _cell(number: int, samples: list[tuple[float, str]], scale: _Scale) -> str:
    begin = scale.start + number * scale.width
    within = [state for at, state in samples if begin <= at < begin + scale.width]
    before = [state for at, state in samples if begin - STALE <= at < begin]
    return max(within or before[-1:] or ["?"], key=BADNESS.index)


def _marks(events: Events, faults: list[Json], scale: _Scale) -> tuple[str, ...]:
    recovery = last(events, "recovery")
    agreed = recovery["timeline"]["agreed"] if recovery else None
    moments = [(fault[what], what) for fault in faults for what in ("injected", "healed")]
    stops = [(stop["at"], "stopped") for stop in of(events, "stop")]
    known = [(at, what) for at, what in [*moments, (agreed, "agrees"), *stops] if at is not None]
    rows: list[str] = []
    zero = min(fault["injected"] for fault in faults if fault["injected"] is not None)
    for at, what in sorted(known):
        _place(rows, scale.cell(at), f"{what} {span(at - zero)}", scale.cells)
    return tuple(row.rstrip() for row in rows)


def _place(rows: list[str], cell: int, label: str, cells: int) -> None:
    """Write ``|label`` below its cell, or ``label|`` near the right end, in the first free row."""
    start = cell if cell + len(label) < cells else max(0, cell - len(label))
    mark = f"|{label}" if start == cell else f"{label}|"
    row = next((at for at, row in enumerate(rows) if len(row) < max(start, 1)), len(rows))
    if row == len(rows):
        rows.append("")
    rows[row] = rows[row].ljust(start) + mark
