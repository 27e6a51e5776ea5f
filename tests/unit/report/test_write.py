"""The report in a run's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kvchaos.errors import KVChaosError
from kvchaos.report.write import write_report

RUNS = Path(__file__).parents[2] / "data" / "runs"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of a run's folder."""
    return Path(shutil.copytree(RUNS / "pass", tmp_path / "run"))


def test_a_report_is_written_beside_the_history(run: Path) -> None:
    """For its owner alone, as all of the folder, and nothing else is left there."""
    before = {each.name for each in run.iterdir()}

    path = write_report(run)

    assert path == run / "report.html"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {each.name for each in run.iterdir()} == before | {"report.html"}


def test_the_same_folder_has_the_same_report(run: Path) -> None:
    """Byte by byte: nothing of the moment in which it was made is in it."""
    first = write_report(run).read_bytes()

    assert write_report(run).read_bytes() == first


def test_a_folder_of_no_run_has_no_report(tmp_path: Path) -> None:
    """It is said why."""
    with pytest.raises(KVChaosError, match=r"is no run's folder"):
        write_report(tmp_path)

    assert list(tmp_path.iterdir()) == []
