"""Figures and comparisons as lines for a person, and as Markdown for a job's summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kvchaos.bench.detect import Judgement
from kvchaos.bench.pairs import Compared
from kvchaos.bench.results import Result

Row = Sequence[str]
FIGURES = ("figure", "median", "min", "max", "unit", "target")
COMPARED = ("figure", "base", "this", "unit", "ratio, 99 %", "rounds", "")
WIDTHS = (38, 10, 10, 22, 22, 22, 0)
WORD = {
    Judgement.WORSE: "WORSE",
    Judgement.BETTER: "better",
    Judgement.SAME: "same",
    Judgement.UNKNOWN: "unknown",
}


def figure_rows(figures: Mapping[str, Result]) -> list[Row]:
    """A row for each figure."""
    return [
        (label, short(each.median), short(each.min), short(each.max), each.unit, target(each))
        for label, each in figures.items()
    ]


def target(each: Result) -> str:
    """The target and whether it is met."""
    if each.target is None:
        return ""
    sign = "<=" if each.better == "lower" else ">="
    return f"{sign} {short(each.target)}: {'met' if each.meets else 'MISSED'}"


def compared_rows(found: Iterable[Compared]) -> list[Row]:
    """A row for each figure that was compared; those that raise no alarm say so."""
    return [
        (
            each.label,
            short(each.base),
            short(each.this),
            each.unit,
            ratio(each),
            str(each.ratio.pairs) if each.ratio else "",
            f"{WORD[each.judgement]}{f': {each.reason}' if each.reason else ''}"
            if each.gate
            else "told only",
        )
        for each in found
    ]


def ratio(each: Compared) -> str:
    """``1.02 (0.98 to 1.05)``: this to base, above 1 is worse."""
    if each.ratio is None:
        return ""
    return f"{each.ratio.middle:.2f} ({each.ratio.low:.2f} to {each.ratio.high:.2f})"


def line(row: Row) -> str:
    """A row for a terminal, each as soon as it is known: so the widths are fixed."""
    return "".join(cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=False)).rstrip()


def markdown(head: Row, rows: Sequence[Row]) -> str:
    """The same as a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def short(value: float | None) -> str:
    """Three digits that count, without an exponent."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.2e}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
