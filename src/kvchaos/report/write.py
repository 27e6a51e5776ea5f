"""``report.html`` in a run's folder, from what the folder holds: whole, or as it was before."""

from __future__ import annotations

import os
from pathlib import Path

from kvchaos.report.folder import read_run
from kvchaos.report.html import run_page

REPORT = "report.html"


def write_report(folder: Path) -> Path:
    """Write the report of the run in ``folder``; its path. KVChaosError or OSError: it cannot be.

    As all of a run's folder it is for its owner alone.
    """
    path = folder / REPORT
    write_page(path, run_page(read_run(folder)))
    return path


def write_page(path: Path, text: str) -> None:
    """``text`` as the file ``path``, for its owner alone; OSError when it cannot be."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode(errors="replace"))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
