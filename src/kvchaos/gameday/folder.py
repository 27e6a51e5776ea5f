"""Where a game day is kept: ``kvchaos-gamedays/<plan>-<UTC>/``, one process at a time.

``gameday.json`` (state), ``runs/`` (a folder a run), report.json, report.md, report.html.

The rule guarded here: no two processes play the same day, and none begins in another's folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kvchaos.errors import UsageError
from kvchaos.gameday.day import RUNS

DAYS = "kvchaos-gamedays"
LOCK = ".lock"


def new_folder(days: Path, plan: str, at: float) -> Path:
    """A folder of its own for a day that begins now."""
    days.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{plan}-{datetime.fromtimestamp(at, UTC):%Y%m%d-%H%M%S}"
    for number in range(1, 100):
        folder = days / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        (folder / RUNS).mkdir(mode=0o700)
        return folder
    raise UsageError(f"{days / name}", wanted="a name that is free", saw="99 that are taken")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other process out of the day; UsageError when one is in it."""
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{folder} is being played", saw="another process in it") from error
        yield
