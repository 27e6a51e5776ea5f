"""A comparison in words: plain text for a terminal, Markdown, and plain JSON. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from kvchaos.report.answers import Answer
from kvchaos.report.comparison import Comparison, Experiment, Row, Side
from kvchaos.report.distribution import bars
from kvchaos.report.layout import printable
from kvchaos.report.markdown import fenced, inline, table
from kvchaos.report.measures import PASSED
from kvchaos.report.together import as_object
from kvchaos.verdict.events import Json

CELLS = 50
SHORT = 0.2
"""Seconds below which times are told in milliseconds."""
TITLES = ("", "A", "B", "B against A (by 99 %)", "")
SETTLED = "Nothing got worse that these runs can show."
OPEN = {Answer.TOO_FEW: "Too few runs to say", Answer.UNKNOWN: "Not measured in A, or not in B"}
SIGN = {Answer.WORSE: "\u274c", Answer.BETTER: "\u2705"}


def as_text(told: Comparison) -> str:
    """The comparison for a terminal, in ASCII but for what the experiments are called."""
    lines = [f"A  {told.a}", f"B  {told.b}"]
    for each in told.experiments:
        lines += ["", each.title, *(f"  {line}" for line in _sides(each))]
        lines += ["", *(f"  {line}" for line in strips(each.recovery)), ""]
        lines += [f"  {line}" for line in _columns([TITLES, *map(cells, each.rows)])]
        lines += [f"  note: {note}" for note in each.notes]
    lines += ["", *only(told), *conclusion(told)]
    return "\n".join(printable(line).rstrip() for line in lines) + "\n"


def as_markdown(told: Comparison) -> str:
    """The comparison for a step summary or a merge request."""
    lines = [f"## kvchaos: {inline(told.b)} against {inline(told.a)}", ""]
    lines += [f"{inline(said)}  " for said in conclusion(told)]
    for each in told.experiments:
        lines += ["", f"### {inline(each.title)}", "", fenced("\n".join(strips(each.recovery)))]
        rows = [[*map(inline, cells(row)[:-1]), _sign(row)] for row in each.rows]
        lines += ["", *table(TITLES, rows), ""]
        lines += [f"- {inline(said)}" for said in (*_sides(each), *each.notes)]
    lines += ["", *(inline(said) for said in only(told))] if only(told) else []
    return "\n".join(lines) + "\n"


def as_json(told: Comparison) -> Json:
    """The comparison as plain JSON; what is endless or not known is None."""
    return {
        "a": told.a,
        "b": told.b,
        "experiments": [_experiment(each) for each in told.experiments],
        "only_a": list(told.only_a),
        "only_b": list(told.only_b),
        "worse": [f"{row.metric.name}: {each.title}" for each, row in told.worse],
        "sure": told.is_sure,
        "conclusion": conclusion(told),
    }


def conclusion(told: Comparison) -> list[str]:
    """What got worse, and better; what nobody can say, and what it would take."""
    if not told.experiments:
        return ["Nothing can be compared: no experiment is in both."]
    changed = [
        f"{_loud(answer)}: {_from_to(each, row)}: {each.title}"
        for answer in (Answer.WORSE, Answer.BETTER)
        for each in told.experiments
        for row in each.those(answer)
    ]
    settled = [] if told.worse or not told.is_sure else [SETTLED]
    return [*changed, *_open_ends(told), *settled]


def _open_ends(told: Comparison) -> list[str]:
    """What nobody can say, first of the recoveries, and what it would take."""
    lines = [*_of_recoveries(told, Answer.TOO_FEW), *_of_recoveries(told, Answer.UNKNOWN)]
    lines += [said for each in told.experiments for said in _of_others(each)]
    return [*lines, *(f"Not in B, so there is no telling: {title}" for title in told.only_a)]


def _of_others(each: Experiment) -> Iterator[str]:
    """What of this experiment is open beside its recovery, or for another reason."""
    for answer, said in OPEN.items():
        names = [row.metric.name for row in each.open if row.answer is answer]
        if names and each.recovery.answer is not answer:
            yield f"{said}: {', '.join(names)}: {each.title}"


def _of_recoveries(told: Comparison, answer: Answer) -> list[str]:
    """That of some experiments nobody can say whether their recovery got worse, and why."""
    titles = [each.title for each in told.experiments if each.recovery.answer is answer]
    if not titles:
        return []
    which = "" if len(titles) == len(told.experiments) else f": {'; '.join(titles)}"
    if answer is Answer.UNKNOWN:
        return [f"No recovery was measured in A, or none in B, so there is no telling{which}"]
    said = "Too few runs to say whether the recovery got worse"
    return [f"{said}, {told.enough} of each are enough{which}"]


def only(told: Comparison) -> list[str]:
    """The experiments that were not compared."""
    sides = (("A", told.only_a), ("B", told.only_b))
    return [f"only in {name}: {title}" for name, titles in sides for title in titles]


def strips(row: Row) -> list[str]:
    """Both distributions on one scale, a line each, with what cannot be shown there."""
    high = max(side.known.maximum or 0.0 for side in (row.a, row.b))
    if not high:
        return [f"{name}  {_spread(row, side)}" for name, side in (("A", row.a), ("B", row.b))]
    scale = f"{'0 s':<{CELLS // 2}}{shown(row, high):>{CELLS - CELLS // 2}}"
    drawn = [
        f"{name}  {bars(side.known.values, low=0.0, high=high, cells=CELLS)}  {_spread(row, side)}"
        for name, side in (("A", row.a), ("B", row.b))
    ]
    return [f"{row.metric.name}, a digit for so many runs", f"   {scale}", *drawn]


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """The row's name, the middle of A and of B, how B differs, and the answer."""
    first, second = shown(row, row.a.middle), shown(row, row.b.middle)
    return row.metric.name, first, second, _moved(row), _loud(row.answer)


def _loud(answer: Answer) -> str:
    return answer.upper() if answer is Answer.WORSE else str(answer)


def shown(row: Row, value: float | None) -> str:
    """A value of this row with its unit, which is the same all over the row."""
    if value is None:
        return "unknown"
    if math.isinf(value):
        return "never"
    if row.metric.unit == "%":
        return f"{100 * value:.1f} %"
    if row.metric.unit == "s":
        return f"{1000 * value:.0f} ms" if _is_short(row) else f"{value:.2f} s"
    return f"{value:g}"


def _is_short(row: Row) -> bool:
    """Whether its times are told in milliseconds."""
    return max(side.known.maximum or 0.0 for side in (row.a, row.b)) < SHORT


def _sides(each: Experiment) -> Iterator[str]:
    for name, statuses in zip("AB", each.statuses, strict=True):
        yield f"{name}  {_went(statuses)}"


def _went(statuses: dict[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in statuses.items())


def _spread(row: Row, side: Side) -> str:
    known = side.known
    told = [f"median {shown(row, known.median)}, p95 {shown(row, known.p95)}"]
    told = told if known.count else []
    told += [f"{side.never} never"] if side.never else []
    told += [f"{side.unknown} not measured"] if side.unknown else []
    return "; ".join(told)


def _moved(row: Row) -> str:
    """By how much B is more, and between what that lies; of shares in points of per cent."""
    if row.shift is None:
        return ""
    if row.metric is PASSED:
        return f"{_signed(row, (row.b.middle or 0.0) - (row.a.middle or 0.0))} points"
    ends = (row.shift.middle, row.shift.low, row.shift.high)
    middle, low, high = (_signed(row, value) for value in ends)
    if low == high:
        return middle
    unit = {"s": "ms" if _is_short(row) else "s", "%": "points"}.get(row.metric.unit, "")
    return f"{middle} ({low} to {high}) {unit}".rstrip()


def _signed(row: Row, value: float) -> str:
    if math.isinf(value):
        return "never any more" if value > 0 else "never before"
    said = shown(row, abs(value)).partition(" ")[0]
    return f"{'-' if value < 0 else '+'}{said}" if float(said) else "0"


def _from_to(each: Experiment, row: Row) -> str:
    if row.metric is PASSED:
        return "verdicts from {} to {}".format(*map(_went, each.statuses))
    first, second = shown(row, row.a.middle), shown(row, row.b.middle)
    return f"{row.metric.name} from {first} to {second}"


def _sign(row: Row) -> str:
    return f"{SIGN[row.answer]} {row.answer}" if row.answer in SIGN else str(row.answer)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _experiment(each: Experiment) -> Json:
    return {
        "experiment": each.title,
        "statuses": dict(zip("ab", each.statuses, strict=True)),
        "metrics": {row.metric.key: _metric(row) for row in each.rows},
        "notes": list(each.notes),
    }


def _metric(row: Row) -> Json:
    return {
        "unit": "ratio" if row.metric.unit == "%" else row.metric.unit,
        "a": _side(row.a),
        "b": _side(row.b),
        "shift": _finite(asdict(row.shift)) if row.shift else None,
        "answer": str(row.answer),
    }


def _side(side: Side) -> Json:
    told = {"middle": side.middle, "never": side.never, "unknown": side.unknown}
    return {**_finite(told), **as_object(side.known)}


def _finite(values: Json) -> Json:
    return {key: None if math.isinf(value or 0) else value for key, value in values.items()}
