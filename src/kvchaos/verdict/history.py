"""The append-only record of a run: JSONL, one event a line, written as it happens.

The one rule guarded here: what was added is on its way to the disk before ``add`` returns, and
what concerns a fault is on it. So a killed run leaves all but perhaps its last line.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Any, Self

import msgspec

from kvchaos.clock import Clock
from kvchaos.errors import KVChaosError
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_object
from kvchaos.verdict.events import Json

MAX_TEXT = 4_000
"""Characters of one text; the rest is cut, and the text says so."""
MAX_ITEMS = 2_000
"""Entries of one list or object; the rest is cut, and the event's ``cut`` says where."""
LARGEST = 256 * MIB
"""Bytes of a history that is read; a run of an hour has about 20 MiB."""

_STAMPS = ("at", "wall", "event")


class History:
    """The events of one run, in memory and in a new file of its own; safe from any thread.

    ``redact`` takes secrets out of an event's fields before anything of them is kept.
    """

    def __init__(
        self, path: Path, clock: Clock, *, redact: Callable[[Json], Json] = lambda fields: fields
    ) -> None:
        self.path = path
        self._redact = redact
        self._clock = clock
        self._start = clock.now()
        self._lock = Lock()
        self._events: list[Json] = []
        self._size = 0
        self._file = _create(path)

    def add(self, event: str, /, **fields: Any) -> Json:
        """The event as it now stands in the file: stamped, plain JSON, bounded in size.

        A field that bears a stamp's name is kept as ``<event>_<field>``: the ``at`` of an
        ``effect`` becomes ``effect_at``.
        """
        with self._lock:
            line = msgspec.json.encode(self._stamped(event, fields), enc_hook=str)
            self._write(line + b"\n", sync=event.startswith("fault_"))
            entry: Json = msgspec.json.decode(line)
            self._events.append(entry)
            return entry

    def events(self) -> list[Json]:
        """All events so far, oldest first."""
        with self._lock:
            return list(self._events)

    def now(self) -> float:
        """Seconds since the run began, as ``at`` counts them."""
        return self._clock.now() - self._start

    def close(self) -> None:
        """Nothing can be added from here on; ``events`` still answers."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _stamped(self, event: str, fields: Json) -> Json:
        wall = datetime.fromtimestamp(self._clock.wall(), UTC).isoformat(timespec="milliseconds")
        stamps = {"at": round(self.now(), 4), "wall": wall.replace("+00:00", "Z"), "event": event}
        cut: list[str] = []
        names = {key: f"{event}_{key}" if key in _STAMPS else key for key in fields}
        bounded = {names[key]: self._kept(value, key, cut) for key, value in fields.items()}
        return {**stamps, **bounded, **({"cut": cut} if cut else {})}

    def _kept(self, value: Any, name: str, cut: list[str]) -> Any:
        """A field's value as plain JSON, without secrets, of bounded size and depth."""
        try:
            plain = msgspec.to_builtins({name: value}, str_keys=True, enc_hook=str)
            return _bounded(self._redact(plain)[name], name, cut)
        except RecursionError:
            cut.append(f"{name}: nested too deeply")
            return None

    def _write(self, line: bytes, *, sync: bool) -> None:
        """The whole line or, with an error, nothing of it: no later line may join a torn one."""
        try:
            self._put(line, sync=sync)
        except (OSError, ValueError) as error:
            with suppress(OSError, ValueError):
                os.ftruncate(self._file.fileno(), self._size)
            raise _unusable(self.path, "cannot be written", error) from error
        self._size += len(line)

    def _put(self, line: bytes, *, sync: bool) -> None:
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
            os.fsync(self._file.fileno())


def read(path: Path) -> list[Json]:
    """The events of a history file; a last line that was cut off is left out.

    A broken line elsewhere, or no such file, is a KVChaosError.
    """
    try:
        lines = file_bytes(path, LARGEST).split(b"\n")
    except (OSError, Unreadable) as error:
        raise _unusable(path, "cannot be read", error) from error
    events: list[Json] = []
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            events.append(json_object(line))
        except Unreadable as error:
            if number < len(lines):
                raise _unusable(path, f"is broken in line {number}", error) from error
    return events


def _bounded(value: Any, where: str, cut: list[str]) -> Any:
    if isinstance(value, str):
        return _short(value)
    if not isinstance(value, list | dict):
        return value
    if len(value) > MAX_ITEMS:
        cut.append(f"{where}: {MAX_ITEMS} of {len(value)} entries")
    if isinstance(value, list):
        return [_bounded(item, f"{where}[]", cut) for item in value[:MAX_ITEMS]]
    kept = list(value.items())[:MAX_ITEMS]
    return {_short(str(key)): _bounded(item, f"{where}.{key}", cut) for key, item in kept}


def _short(value: str) -> str:
    """The text, at most ``MAX_TEXT`` long, without what UTF-8 cannot say (lone surrogates)."""
    sound = value[:MAX_TEXT].encode(errors="replace").decode()
    dropped = len(value) > MAX_TEXT
    return f"{sound}... [cut: {MAX_TEXT} of {len(value)} characters]" if dropped else sound


def _create(path: Path) -> FileIO:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileIO(path, "ab", opener=_new_file)
    except OSError as error:
        raise _unusable(path, "cannot be created", error) from error


def _new_file(path: str, flags: int) -> int:
    """Appending, so that after a line was taken back the next one joins the end."""
    return os.open(path, flags | os.O_EXCL, 0o600)


def _unusable(path: Path, what: str, error: Exception) -> KVChaosError:
    return KVChaosError(f"history {path} {what}", saw=str(error))
