"""What a run prints at its end, for somebody who has never seen one.

The one rule guarded here: the plain text and the terminal's colours come from the same lines, and
nothing is said that the history does not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kvchaos.report import ending, sections
from kvchaos.report.bar import bar
from kvchaos.report.console import sheet
from kvchaos.report.fault import fault
from kvchaos.report.json import MALFORMED, as_json
from kvchaos.report.layout import BLANK, Line, paragraph, plain, printable
from kvchaos.verdict.events import Events, Json
from kvchaos.verdict.verdict import Judgement

WIDTH = 100
NARROWEST = 40
"""Columns for which everything has a form; a narrower terminal breaks the lines itself."""

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "unknown": "yellow",
    "verdict pass": "bold white on green",
    "verdict fail": "bold white on red",
    "verdict unknown": "bold black on yellow",
    "verdict aborted": "bold white on magenta",
    "verdict residue": "bold yellow on red",
    "command": "bold",
    "draw": "red",
    "cell #": "red",
    "cell -": "dim",
    "cell =": "green",
    "cell x": "red",
    "cell ?": "yellow",
}
GLYPHS = {
    "cell #": str.maketrans("#", "\u2588"),
    "cell -": str.maketrans("-", "\u2500"),
    "cell =": str.maketrans("=", "\u2501"),
    "cell x": str.maketrans("x", "\u2593"),
    "cell ?": str.maketrans("?", "\u2591"),
    "draw": str.maketrans("-<>X", "\u2500\u25c0\u25b6\u2573"),
}
"""What a terminal draws instead, where it can; they differ without colours too."""


def summary(events: Events, judgement: Judgement, *, width: int = WIDTH) -> str:
    """The run in plain ASCII layout, at most ``width`` columns wide."""
    return plain(lines(events, judgement, width=width))


def print_summary(events: Events, judgement: Judgement, *, console: Console | None = None) -> None:
    """Write the summary to the console, in colours when it is a terminal."""
    console = console or sheet()
    if not console.is_terminal:
        _write(console, Text(summary(events, judgement).rstrip()))
        return
    for line in lines(events, judgement, width=max(NARROWEST, min(WIDTH, console.width))):
        _write(console, _styled(line, draw=console.encoding.startswith("utf")))


def print_folder(folder: Path, *, report: Path | None) -> None:
    """Write where the report is, or all that there is to make one from, below the summary."""
    said = f"report  {report}" if report else f"folder  {folder}"
    _write(sheet(), Text(f"\n {said}"))


def lines(events: Events, judgement: Judgement, *, width: int) -> list[Line]:
    """All lines of the summary; a malformed event costs its part, never the checks and verdict."""
    record = as_json(events, judgement)
    parts = [
        lambda: sections.head(record["run"], width),
        lambda: ending.preflight(record["preflight"], width),
        lambda: [line for each in record["faults"] for line in fault(each, width)],
        lambda: _course(events, record, width),
        lambda: [line for each in record["traffic"] for line in sections.traffic(each, width)],
        lambda: [] if ending.refused(record) else sections.checks(record["checks"], width),
        lambda: ending.outcome(record, width),
        lambda: ending.what_now(record, width),
    ]
    told = [line for part in parts for line in _part(part, width)]
    return [tuple((printable(text), style) for text, style in line) for line in told]


def _course(events: Events, record: Json, width: int) -> list[Line]:
    drawn = bar(events, record["faults"], cells=width - 10)
    if drawn is None:
        return []
    return [
        *sections.moments(record, width),
        *sections.course(drawn, record["worst"], width),
        *sections.stayed_wrong(record["left"], width),
    ]


def _part(part: Callable[[], list[Line]], width: int) -> list[Line]:
    try:
        return part()
    except MALFORMED as error:
        why = f"(malformed event, this part is left out: {type(error).__name__}: {error})"
        return [BLANK, *paragraph(why, width=width, style="unknown")]


def _styled(line: Line, *, draw: bool) -> Text:
    text = Text()
    for said, style in line:
        drawn = said.translate(GLYPHS[style]) if draw and style in GLYPHS else said
        text.append(drawn, style=STYLES.get(style, style))
    return text


def _write(console: Console, text: Text) -> None:
    """One write of text that the console's encoding can say."""
    said = text.plain.encode(console.encoding, errors="replace").decode(console.encoding)
    text.plain = said
    console.print(text, soft_wrap=True, highlight=False)
