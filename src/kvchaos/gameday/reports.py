"""A game day's reports in its folder: report.json, report.md, report.html; and the day before it.

The rule guarded here: a day is compared with the newest that ended before it began, of the same
plan, in the same folder of days; and no report that fails keeps another from being written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kvchaos.errors import UsageError
from kvchaos.gameday.day import STATE, Day, read_day
from kvchaos.gameday.markdown import markdown
from kvchaos.gameday.page import day_page
from kvchaos.gameday.since import compared
from kvchaos.gameday.summary import summary
from kvchaos.keeping import write_json, write_text

Json = dict[str, Any]

JSON, MARKDOWN, HTML = "report.json", "report.md", "report.html"
MOST = 1000  # folders of days that are looked at


def write_reports(day: Day, folder: Path, *, tell: Callable[[str], None]) -> Json:
    """Write the three of them; returns the summary that they tell. ``tell`` hears what failed."""
    told = summary(day)
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("the comparison with the last one", lambda: _compare(told, day, folder)),
        (JSON, lambda: write_json(folder / JSON, told)),
        (MARKDOWN, lambda: write_text(folder / MARKDOWN, markdown(told))),
        (HTML, lambda: write_text(folder / HTML, day_page(told))),
    )
    for name, step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a report changes nothing of how the day went
            tell(f"{name} could not be made: {type(error).__name__}: {error}")
    return told


def previous(day: Day, folder: Path) -> tuple[Day, Path] | None:
    """The last day of the same plan before this one, and its folder."""
    folder = folder.resolve()
    found = [
        (each, place)
        for each, place in _days(folder.parent)
        if each.plan == day.plan and each.ended is not None and each.ended <= day.began
        if place != folder and any(step.status for step in each.steps)
    ]
    return max(found, key=lambda pair: pair[0].began, default=None)


def _compare(told: Json, day: Day, folder: Path) -> None:
    if before := previous(day, folder):
        told["since"] = compared(told, summary(before[0]), folder=str(before[1]))


def _days(place: Path) -> Iterator[tuple[Day, Path]]:
    """The newest game days in a folder; what cannot be read is none."""
    folders = sorted((each for each in place.iterdir() if (each / STATE).is_file()), reverse=True)
    for folder in folders[:MOST]:
        with contextlib.suppress(UsageError):
            yield read_day(folder), folder
