"""The write-ahead record of faults: a line is on disk before its fault is sent.

One JSON object a line. Whoever cleans up after a killed run reads it; a torn line (the run died
while writing it, so nothing was sent) is passed over. It is its owner's alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO

from kvchaos.errors import FaultRefused, KVChaosError
from kvchaos.mesh.fault import Json
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_object

LARGEST = 16 * MIB
"""Bytes of a ledger; a fault's line has about 400."""


class Ledger:
    """The ledger in the file ``path``, which the first entry makes, with its folders."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._recorded: list[Json] = []

    def record(self, entry: Json) -> None:
        """Append ``entry`` and return once it is on disk; FaultRefused when it cannot be."""
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not self.path.exists()
            _append(self.path, line)
            if is_new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise FaultRefused(
                "no ledger, no fault", wanted=f"{self.path} to take a line", saw=str(error)
            ) from error
        self._recorded.append(json.loads(line))

    def entries(self) -> list[Json]:
        """All whole entries, oldest first; none when there is no file.

        Those that were recorded here are among them, whatever became of the file since. Raises
        OSError, and KVChaosError for a file that is too long to be a ledger.
        """
        try:
            told = self._in_file()
        except (OSError, KVChaosError):
            if not self._recorded:
                raise
            told = []
        return [*told, *(entry for entry in self._recorded if entry not in told)]

    def _in_file(self) -> list[Json]:
        if not self.path.exists():
            return []
        try:
            content = file_bytes(self.path, LARGEST)
        except Unreadable as error:
            raise KVChaosError(f"{self.path}: too long for a ledger", saw=str(error)) from error
        return [entry for line in content.split(b"\n") for entry in _parsed(line)]


def _append(path: Path, line: bytes) -> None:
    with open(path, "a+b", opener=_private) as file:
        if file.tell() and not _ends_whole(file):
            line = b"\n" + line  # a torn line must not swallow this one
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _ends_whole(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _parsed(line: bytes) -> list[Json]:
    try:
        return [json_object(line)]
    except Unreadable:
        return []  # empty, torn, or no entry


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
