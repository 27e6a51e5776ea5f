"""A run's folder, read back: its history, its record, the objects and logs kept beside them.

The rule guarded here: a folder is what somebody hands over. Sizes are bounded, links are not
followed, and what could not be read is told in ``notes``, never made up; without a whole record the
history is judged again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from kvchaos.errors import UsageError
from kvchaos.report.json import as_json
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_object, json_of
from kvchaos.verdict import history
from kvchaos.verdict.events import Event, Json
from kvchaos.verdict.result import Status, Verdict
from kvchaos.verdict.verdict import judge

HISTORY = "history.jsonl"
RECORD = "record.json"
MAX_RECORD = 64 * MIB
MAX_TEXT = MIB
"""Bytes of one object or log; of a longer one its end is kept."""
MAX_FILES = 200
"""Objects, and logs."""
MAX_RUNS = 10_000
"""Runs that are looked for in one folder."""
FIRST_LINE = 64 * 1024
"""Bytes in which a history's first event stands."""


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run left: texts by their file's name without its ending; ``notes`` on what lacks."""

    folder: Path
    events: list[Event]
    record: Json
    objects: Mapping[str, str]
    logs: Mapping[str, str]
    notes: tuple[str, ...] = ()


class _Check(msgspec.Struct):
    name: str
    verdict: Verdict
    why: str
    evidence: list[str]


class _Record(msgspec.Struct):
    """What every record has; those who read one rely on these."""

    verdict: Verdict
    status: Status
    exit_code: int
    headline: str
    run: Json
    checks: list[_Check]
    faults: list[Json]
    recovery: Json | None
    worst: Json | None
    left: Json
    traffic: list[Json]
    streams: Json
    observer: Json | None
    preflight: Json | None
    stop: Json | None
    residue: list[Any] | None
    unconfirmed: list[Any] | None
    reap: str | None


def read_run(folder: Path) -> RunData:
    """What is in a run's folder; KVChaosError when it is none, or its history is broken inside."""
    if not is_run(folder):
        raise _no_run(folder)
    notes: list[str] = []
    events = _events(folder / HISTORY, notes)
    record = _record(folder / RECORD, notes) or as_json(events, judge(events))
    objects = _texts(folder / "objects", ".yaml", notes)
    logs = _texts(folder / "logs", ".log", notes)
    return RunData(folder, events, record | {"folder": str(folder)}, objects, logs, tuple(notes))


def find_runs(path: Path) -> list[Path]:
    """The run folders at ``path``, the oldest first: itself, or all in it, also by game days.

    Those of a game day are in its ``runs``, and ``path`` may be a day or a folder of days.
    """
    if is_run(path):
        return [path]
    if not path.is_dir():
        raise UsageError(
            f"{path}", wanted="a run's folder, or one with runs in it", saw="no folder"
        )
    found = [each for each in islice(_within(path), MAX_RUNS) if is_run(each)]
    if not found:
        raise _no_run(path)
    return sorted(found, key=_age)


def is_run(folder: Path) -> bool:
    """Whether it is the folder of a run: a history or a record is in it."""
    return any(_is_file(folder / name) for name in (HISTORY, RECORD))


def _no_run(folder: Path) -> UsageError:
    return UsageError(
        f"{folder} is no run's folder",
        wanted=f"{HISTORY} or {RECORD} in it, or folders that have them",
        saw="neither" if folder.is_dir() else "no such folder",
        look="kvchaos-runs/, where runs are kept",
    )


def _within(path: Path) -> Iterator[Path]:
    inside = [*_folders(path)]
    yield from inside
    for day in (path, *inside):
        if (day / "runs").is_dir():
            yield from _folders(day / "runs")


def _folders(path: Path) -> Iterator[Path]:
    yield from (Path(entry.path) for entry in os.scandir(path) if entry.is_dir())


def _age(folder: Path) -> tuple[str, str]:
    """When it began by its first event, as text that sorts; then its name, which tells it, too."""
    with suppress(OSError, Unreadable), (folder / HISTORY).open("rb") as file:
        return str(json_object(file.readline(FIRST_LINE)).get("wall", "")), folder.name
    return "", folder.name


def _events(path: Path, notes: list[str]) -> list[Event]:
    if not _is_file(path):
        notes.append(f"{HISTORY}: not there")
        return []
    events: list[Event] = [*history.read(path)]
    with path.open("rb") as file:
        written = sum(1 for line in file if line.strip())
    if written > len(events):
        notes.append(f"{HISTORY}: its last line was cut off, and is left out")
    return events


def _record(path: Path, notes: list[str]) -> Json | None:
    """The record as it was written, None when it is not there or not of its form."""
    if not _is_file(path):
        notes.append(f"{RECORD}: not there; the verdict is from the history")
        return None
    try:
        raw = file_bytes(path, MAX_RECORD)
        json_of(raw, _Record)
        return json_object(raw)
    except (OSError, Unreadable) as error:
        notes.append(f"{RECORD}: not readable, the verdict is from the history: {error}")
        return None


def _texts(folder: Path, ending: str, notes: list[str]) -> dict[str, str]:
    names = sorted(each for each in _listed(folder) if each.endswith(ending))
    if len(names) > MAX_FILES:
        notes.append(f"{folder.name}: {MAX_FILES} of {len(names)} files")
    found: dict[str, str] = {}
    for name in names[:MAX_FILES]:
        try:
            found[name.removesuffix(ending)] = _end_of(folder / name, notes)
        except OSError as error:
            notes.append(f"{folder.name}/{name}: not readable: {error.strerror}")
    return found


def _listed(folder: Path) -> list[str]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [each.name for each in folder.iterdir() if _is_file(each)]


def _end_of(path: Path, notes: list[str]) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_TEXT))
        kept = file.read(MAX_TEXT)
    if size > MAX_TEXT:
        notes.append(f"{path.parent.name}/{path.name}: the last {MAX_TEXT} of {size} bytes")
    return kept.decode(errors="replace")


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
