"""``report.html`` in a run's folder, from what the folder holds: whole, or as it was before."""

from __future__ import annotations

from pathlib import Path

from kvchaos.keeping import write_text
from kvchaos.report.folder import read_run
from kvchaos.report.html import run_page

REPORT = "report.html"


def write_report(folder: Path) -> Path:
    """Write the report of the run in ``folder``; its path. KVChaosError or OSError: it cannot be.

    As all of a run's folder it is for its owner alone.
    """
    path = folder / REPORT
    write_text(path, run_page(read_run(folder)))
    return path
