"""The write-ahead record of faults: a line is on disk before its fault is sent.

One JSON object a line. Whoever cleans up after a killed run reads it; a torn line (the run died
while writing it, so nothing was sent) is passed over.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from kvchaos.errors import FaultRefused
from kvchaos.mesh.fault import Json


class Ledger:
    """The ledger in the file ``path``, which the first entry makes, with its folders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, entry: Json) -> None:
        """Append ``entry`` and return once it is on disk; FaultRefused when it cannot be."""
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            _append(self.path, line)
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise FaultRefused(
                "no ledger, no fault", wanted=f"{self.path} to take a line", saw=str(error)
            ) from error

    def entries(self) -> list[Json]:
        """All whole entries, oldest first; none when there is no file."""
        if not self.path.exists():
            return []
        return [entry for line in self.path.read_bytes().split(b"\n") for entry in _parsed(line)]


def _append(path: Path, line: bytes) -> None:
    with path.open("a+b") as file:
        if file.tell() and not _ends_whole(file):
            line = b"\n" + line  # a torn line must not swallow this one
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _ends_whole(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _parsed(line: bytes) -> list[Json]:
    try:
        return [json.loads(line)]
    except ValueError:
        return []  # empty, or torn


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
