"""Charts as SVG that fit any width: figures in, markup out. Pure.

Places across are percent, so nothing but the traces is stretched, and letters keep their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from kvchaos.report.html.axes import Heights, time_marks
from kvchaos.report.html.course import LETTER, MAX_FAULTS, NARROW, Band, Course
from kvchaos.report.html.frame import render
from kvchaos.report.html.scale import Scale, short
from kvchaos.report.html.series import Point, Stretch, thinned

SMALL = 80  # pixels: a lower chart has a top and a bottom, and no steps between
WIDE, HIGH = 1000.0, 100.0
"""The units in which traces are drawn; they are stretched to the chart's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One line of a chart; a value holds from its moment to the next one's.

    ``kind`` is its colour (a class of style.css), ``filled``: the area to 0 as well.
    """

    name: str
    kind: str
    points: Sequence[Point]
    filled: bool = False


NO_PHANTOM = Trace(name="no phantom seen", kind="phantom", points=())


@dataclass(frozen=True, slots=True)
class _Drawn:
    name: str
    kind: str
    line: str
    area: str


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    left: float
    width: float
    side: str
    beside: float


def plot(
    title: str,
    traces: Sequence[Trace],
    course: Course,
    *,
    unit: str = "",
    height: int = 120,
    top: float | None = None,
    holes: Iterable[Stretch] = (),
    ticks: Sequence[float] = (),
    aside: str = "",
    legend: bool = True,
    note: str = "",
    foot: bool = True,
) -> Markup:
    """A chart over the run's time, with the course's bands behind it.

    ``top`` is the highest figure that has to fit; negative values are drawn below 0, without
    their sign. ``holes`` are hatched: nothing is known there. ``ticks`` are moments marked in red.
    """
    known = [value for trace in traces for _, value in trace.points if value is not None]
    lowest = min(known, default=0.0)
    highest = max(known, default=0.0) if top is None else top
    heights = Heights.around(highest, min(lowest, 0.0), steps=1 if height < SMALL else 3)
    return render(
        "plot.html.j2",
        title=title,
        unit=unit,
        aside=aside,
        height=height,
        traces=[_drawn(trace, course.scale, heights) for trace in traces],
        legend=legend,
        note=note,
        levels=heights.levels(),
        bottom=heights.bottom,
        top=heights.top,
        zero=heights.percent(0.0) if lowest < 0 else None,
        bands=[_band(band, course.scale) for band in course.bands],
        holes=[_stretch(each, course.scale) for each in holes if each.state == "blank"],
        edges=_edges(course),
        ticks=[course.scale.percent(at) for at in ticks],
        marks=time_marks(course.scale) if foot else (),
        scale=course.scale,
        described=_described(title, traces, unit),
    )


def timeline(course: Course, index: Sequence[Stretch], ghosts: Sequence[Stretch] = ()) -> Markup:
    """When each fault was on, when the index was right, and the moments below; as lanes.

    ``ghosts``: when it had a pod that was not alive; a lane only if there was one.
    """
    return render(
        "timeline.html.j2",
        faults=[_bar(band, course.scale) for band in course.faults[:MAX_FAULTS]],
        more=max(0, len(course.faults) - MAX_FAULTS),
        index=[_stretch(each, course.scale) for each in index],
        ghosts=[_stretch(each, course.scale) for each in ghosts],
        pins=[(pin, course.scale.percent(pin.at)) for pin in course.pins],
        rows=1 + max((pin.row for pin in course.pins), default=-1),
        marks=time_marks(course.scale),
        scale=course.scale,
    )


def strip(course: Course, stretches: Sequence[Stretch]) -> Markup:
    """A thin lane: what was so when."""
    told = [_stretch(each, course.scale) for each in stretches if each.state != "none"]
    return render("strip.html.j2", stretches=told)


def difference_chart(
    missing: Sequence[Point], phantom: Sequence[Point], course: Course, holes: Iterable[Stretch]
) -> Markup:
    """Blocks missing (above) and phantom (below) over time."""
    below = [(at, None if value is None else -value) for at, value in phantom]
    is_none = not any(value for _, value in phantom)
    traces = [
        Trace(name="missing ↑", kind="missing", points=missing, filled=True),
        NO_PHANTOM
        if is_none
        else Trace(name="phantom ↓", kind="phantom", points=below, filled=True),
    ]
    return plot(
        "Difference", traces, course, unit="blocks", height=150, holes=holes, top=_highest(traces)
    )


def _highest(traces: Sequence[Trace]) -> float:
    known = [abs(value) for trace in traces for _, value in trace.points if value is not None]
    return max(4.0, *known) if known else 4.0


def _drawn(trace: Trace, scale: Scale, heights: Heights) -> _Drawn:
    pieces = list(_pieces(thinned(trace.points), scale, heights))
    floor = heights.percent(0.0)
    line = "".join(_path(piece) for piece in pieces)
    area = "".join(_closed(piece, floor) for piece in pieces) if trace.filled else ""
    return _Drawn(trace.name, trace.kind, line, area)


def _pieces(
    points: Sequence[Point], scale: Scale, heights: Heights
) -> Iterator[list[tuple[float, float]]]:
    """Unbroken rows of corners, in the chart's units: each value holds until the next."""
    row: list[tuple[float, float]] = []
    for at, value in points:
        across = scale.percent(at) * WIDE / 100
        if row:
            row.append((across, row[-1][1]))
        if value is None:
            if row:
                yield row
            row = []
        else:
            row.append((across, heights.percent(value) * HIGH / 100))
    if row:
        yield [*row, (WIDE, row[-1][1])]


def _path(corners: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in corners)


def _closed(corners: list[tuple[float, float]], floor: float) -> str:
    first, last = corners[0][0], corners[-1][0]
    return f"{_path(corners)}L{last:.2f} {floor:.2f}L{first:.2f} {floor:.2f}Z"


def _across(start: float, end: float, scale: Scale) -> tuple[float, float]:
    """(left, width), in percent."""
    left = scale.percent(start)
    return left, round(scale.percent(end) - left, 3)


def _stretch(each: Stretch, scale: Scale) -> tuple[str, float, float]:
    return (each.state, *_across(each.start, each.end, scale))


def _band(band: Band, scale: Scale) -> tuple[str, float, float]:
    return (band.kind, *_across(band.start, band.end, scale))


def _bar(band: Band, scale: Scale) -> _Bar:
    """A fault's lane; its name is in it where it fits on a phone too, else beside it."""
    left, width = _across(band.start, band.end, scale)
    room = (LETTER * len(band.name) + 20) / NARROW * 100
    side = "" if room <= width else "right" if left + width + room <= 100 else "left"
    return _Bar(band.name, left, width, side, 100 - left if side == "left" else left + width)


def _edges(course: Course) -> list[tuple[str, float]]:
    """The lines where something began or ended."""
    edges = [("stop", course.scale.percent(at)) for at in course.stops]
    for band in course.bands:
        if band.kind == "fault":
            edges.append(("fault", course.scale.percent(band.start)))
        if not band.open:
            edges.append(("heal", course.scale.percent(band.end)))
    return edges


def _described(title: str, traces: Sequence[Trace], unit: str) -> str:
    """The chart for somebody who does not see it: the largest of each trace."""
    most = []
    for trace in traces:
        known = [abs(value) for _, value in trace.points if value is not None]
        most.append(f"{trace.name} at most {short(max(known))}" if known else trace.name)
    return f"{title}{f' ({unit})' if unit else ''} over time: " + ", ".join(most)
