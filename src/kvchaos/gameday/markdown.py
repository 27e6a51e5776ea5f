"""A game day's report in Markdown, for a chat, an issue or a CI job's summary. Pure.

The rule guarded here: what comes from a run or a plan is text, and cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kvchaos.gameday.words import broken_off, cost_lines, since_lines, span

Json = dict[str, Any]
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~!])")


def markdown(told: Json) -> str:
    """The report of a summary."""
    return "\n".join([*_lines(told), ""])


def _lines(told: Json) -> Iterator[str]:
    yield f"# Game day {_text(told['gameday'])}: {told['status']}"
    yield ""
    yield f"{_text(told['purpose'])} ({_text(told['owner'])})"
    yield ""
    yield f"{told['played']} of {told['planned']} experiments played, {told['began']}."
    if told["stopped"]:
        yield ""
        yield f"**Ended early** by {told['stopped']['by']}: {_text(told['stopped']['why'])}"
    yield from (
        "",
        "| # | Experiment | Status | Recovered after | Run | |",
        "|---|---|---|---|---|---|",
    )
    yield from (row for step in told["steps"] for row in (*_broken_off(step), _row(step)))
    yield from ("", "## Recovery", "", *_recoveries(told["experiments"]))
    yield from (
        "",
        "## What it cost",
        "",
        *(f"- {_text(line)}" for line in cost_lines(told["cost"])),
    )
    yield from ("", "## Since the last one", "")
    yield from (f"- {_text(line)}" for line in since_lines(told["since"]))


def _row(step: Json) -> str:
    why = step["why"] or step["headline"]
    title, recovered = step["title"], span(step["recovery"])
    return _cells(step["number"], title, step["status"], recovered, step["run"] or "", why)


def _broken_off(step: Json) -> Iterator[str]:
    for status, run, why in broken_off(step):
        yield _cells(step["number"], step["title"], status, "", run or "", why)


def _cells(*cells: object) -> str:
    return f"| {' | '.join(_text(str(cell)) for cell in cells)} |"


def _recoveries(experiments: list[Json]) -> Iterator[str]:
    yield "| Experiment | Runs | Recovered | Least | Median | p95 | Most |"
    yield "|---|---|---|---|---|---|---|"
    for each in experiments:
        found = each["recovery"]
        times = [span(found[key]) for key in ("minimum", "median", "p95", "maximum")]
        cells = [each["name"], str(each["played"]), str(found["count"]), *times]
        yield f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", " ".join(text.split()))
