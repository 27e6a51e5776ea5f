"""docs/verdict.md tells users of every check and every exit code there is."""

from __future__ import annotations

import re
from pathlib import Path

from kvchaos.verdict.checks import CHECKS
from kvchaos.verdict.verdict import EXIT_CODE
from tests.builders import run_that_recovered

PAGE = (Path(__file__).parents[3] / "docs" / "verdict.md").read_text(encoding="utf-8")


def rows(title: str) -> list[list[str]]:
    """The cells of the table whose first column has this title."""
    table = PAGE.split(f"\n| {title} |")[1].split("\n\n")[0]
    return [re.split(r" *\| *", line)[1:-1] for line in table.splitlines()[2:]]


def test_each_check_is_told_in_its_order() -> None:
    """A check that is not documented cannot be understood when it fails."""
    names = [check.__name__.replace("_", " ") for check in CHECKS]

    assert [cells[0] for cells in rows("Check")] == names


def test_exit_codes_are_those_of_the_code() -> None:
    """Scripts are written from this page."""
    told = {cells[0]: int(cells[1]) for cells in rows("Status")}

    assert told == {str(status): code for status, code in EXIT_CODE.items()}


def test_each_event_of_a_run_is_told_with_its_fields() -> None:
    """Other programs read histories by this page."""
    told = {cells[0].strip("`"): cells[1] for cells in rows("Event")}

    untold = [
        (each["event"], field)
        for each in run_that_recovered()
        for field in each.keys() - {"at", "wall", "event"}
        if field not in told[each["event"]]
    ]
    assert untold == []
