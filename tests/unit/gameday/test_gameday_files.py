"""The files of a game day's reports, one by one whole or as they were."""

from __future__ import annotations

from pathlib import Path

from kvchaos.gameday.reports import write_reports
from tests.unit.gameday.test_gameday_reports import day, run


def test_a_report_that_cannot_be_written_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Each is for its owner alone."""
    (tmp_path / "report.md").mkdir()
    complaints: list[str] = []

    write_reports(day(run(0.5)), tmp_path, tell=complaints.append)

    assert [each.split(":")[0] for each in complaints] == ["report.md could not be made"]
    assert {each.name: each.stat().st_mode & 0o77 for each in tmp_path.iterdir()} == {
        "report.md": (tmp_path / "report.md").stat().st_mode & 0o77,
        "report.json": 0,
        "report.html": 0,
    }
