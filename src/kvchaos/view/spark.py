"""Values over time in one row of cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kvchaos.view.story import Difference, Shown

LEVELS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.:-=+*#"
UNKNOWN = "?"
NOT_YET = " "


def sparkline(values: Sequence[Difference], *, until: float, cells: int, levels: str) -> str:
    """The differences from 0 to ``until`` seconds; the lowest level is 0, and only that.

    A cell shows the largest of its values, and without one of its own what was known before.
    """
    drawn: list[str] = []
    top = max((value for _, value in values if value), default=0)
    rest, known = list(values), NOT_YET
    for cell in range(cells):
        end = until * (cell + 1) / cells
        mine = [value for at, value in rest if at <= end]
        rest = rest[len(mine) :]
        numbers = [value for value in mine if value is not None]
        if mine:
            known = _level(mine[-1], top, levels)
        drawn.append(_level(max(numbers), top, levels) if numbers else known)
    return "".join(drawn)


def band(faults: Sequence[Shown], *, until: float, cells: int, on: str, off: str) -> str:
    """When a fault was on, in cells of the same width as those of ``sparkline``."""
    return "".join(
        on if _overlaps(faults, until * cell / cells, until * (cell + 1) / cells) else off
        for cell in range(cells)
    )


def _overlaps(faults: Sequence[Shown], start: float, end: float) -> bool:
    return any(each.since < end and (each.until is None or each.until > start) for each in faults)


def _level(value: int | None, top: int, levels: str) -> str:
    if value is None:
        return UNKNOWN
    if not value or not top:
        return levels[0]
    return levels[max(1, min(len(levels) - 1, -(-value * (len(levels) - 1) // top)))]
