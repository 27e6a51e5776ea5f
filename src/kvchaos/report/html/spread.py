"""Distributions side by side: every value a dot, the median a line, all on one scale. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from kvchaos.report.html.axes import value_marks
from kvchaos.report.html.frame import render
from kvchaos.report.html.scale import Scale, number, round_top, short
from kvchaos.verdict.times import span

MAX_DOTS = 400
"""Dots of one row; of more values every so manieth is drawn, and the extremes."""
ROWS = 5
"""Heights at which dots stand, so that equal values do not hide each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One row: what was measured, under which ``name``; ``kind`` is its colour.

    ``note`` is said beside the figures: how many runs had no value, say.
    """

    name: str
    values: Sequence[float]
    kind: str = "one"
    note: str = ""


def distribution_chart(
    rows: Sequence[Spread],
    *,
    title: str = "Recovery time",
    unit: str = "s",
    limit: float | None = None,
) -> Markup:
    """The rows below each other; ``limit`` (a budget) is a line, if it lies near the values."""
    known = [[value for each in row.values if (value := number(each)) is not None] for row in rows]
    highest = max((max(values) for values in known if values), default=1.0)
    near = limit is not None and limit <= 3 * highest
    top = round_top(max(highest, limit or 0.0) if near else highest, 4)
    scale = Scale(0.0, top)
    return render(
        "spread.html.j2",
        title=title,
        unit=unit,
        rows=[
            _row(row, sorted(values), scale, unit) for row, values in zip(rows, known, strict=True)
        ],
        marks=value_marks(scale, unit),
        limit=scale.percent(limit) if near and limit is not None else None,
        limit_text=_said(limit, unit) if limit is not None else "",
    )


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: str
    said: str
    dots: list[tuple[float, float]]
    low: float
    high: float
    middle: float | None


def _row(row: Spread, values: list[float], scale: Scale, unit: str) -> _Row:
    shown = values[:: -(-len(values) // MAX_DOTS) or 1]
    shown = [*shown, values[-1]] if values and shown[-1] != values[-1] else shown
    dots = [(scale.percent(each), 8.0 + 7 * (2 * (at + 1) % ROWS)) for at, each in enumerate(shown)]
    return _Row(
        name=row.name,
        kind=row.kind,
        said=_figures(values, unit) + (f"; {row.note}" if row.note else ""),
        dots=dots,
        low=scale.percent(values[0]) if values else 0.0,
        high=scale.percent(values[-1]) if values else 0.0,
        middle=scale.percent(median(values)) if values else None,
    )


def _figures(values: list[float], unit: str) -> str:
    if not values:
        return "no value"
    told = f"n {len(values)}, median {_said(median(values), unit)}"
    if len(values) == 1:
        return f"n 1, {_said(values[0], unit)}"
    return f"{told}, {_said(values[0], unit)} to {_said(values[-1], unit)}"


def _said(value: float, unit: str) -> str:
    return span(value) if unit == "s" else f"{short(value)} {unit}".rstrip()
