"""The table at a game day's end, on terminals of any width."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.commands.gameday_terminal import table_lines
from kvchaos.gameday.words import DASH

STEP = {"number": 1, "title": "network-partition", "status": "pass", "recovery": 0.18, "why": ""}
HEADLINE = "The router's index became right again 0.18 s after the fault healed."
TOLD: dict[str, Any] = {
    "gameday": "weekly",
    "status": "pass",
    "planned": 2,
    "played": 1,
    "since": None,
    "steps": [
        {**STEP, "headline": HEADLINE},
        {**STEP, "number": 2, "status": "not played", "recovery": None, "headline": None}
        | {"title": "pod-kill", "why": "the budget is spent: 1 of 1 faults"},
    ],
}


def test_a_step_is_a_line_where_there_is_room() -> None:
    """Also for a program that reads it."""
    wide = list(table_lines(TOLD, width=None))

    assert wide == [
        f"  1  network-partition  pass          0.18 s  {HEADLINE}",
        f"  2  pod-kill           not played         {DASH}  the budget is spent: 1 of 1 faults",
        "there is no earlier game day of this plan beside this one",
        "game day weekly: PASS, 1 of 2 played",
    ]
    assert list(table_lines(TOLD, width=120)) == wide


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_line_is_broken_by_the_terminal(width: int) -> None:
    """What a step came to begins below where it stands, or below its title."""
    lines = list(table_lines(TOLD, width=width))

    assert max(map(len, lines)) <= width
    assert " ".join(lines[0].split()).startswith("1 network-partition pass 0.18 s")
    assert HEADLINE in " ".join(" ".join(lines).split())
