"""What comes from outside, read within bounds: bodies, files, JSON.

The rule guarded here: whatever arrives, the answer is a value of the shape that was asked for or
``Unreadable``, and no more of it is kept than the bound that was given. Callers turn that into the
error of their own that says what was read from where.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
MIB = 2**20
CHUNK = 2**16
_BYTE = re.compile(r"\(byte (\d+)\)")


class Unreadable(ValueError):
    """What came in is not what it should be, or too much of it."""


def whole(chunks: Iterable[bytes], limit: int) -> bytes:
    """All ``chunks`` as one; Unreadable as soon as they are more than ``limit`` bytes."""
    kept: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise too_long(limit)
        kept.append(chunk)
    return b"".join(kept)


def file_bytes(path: Path, limit: int) -> bytes:
    """The content of a file of at most ``limit`` bytes; also raises OSError."""
    with path.open("rb") as file:
        return whole(iter(partial(file.read, CHUNK), b""), limit)


def file_text(path: Path, limit: int) -> str:
    """As ``file_bytes``, for a text in UTF-8."""
    try:
        return file_bytes(path, limit).decode()
    except UnicodeDecodeError as error:
        raise Unreadable(str(error)) from error


def json_of(raw: bytes | str, shape: type[T]) -> T:
    """The JSON in ``raw`` if it has the ``shape``; so deep a nesting that it cannot be read is
    Unreadable too.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def json_value(raw: bytes | str) -> Any:
    """The JSON in ``raw``, whatever it is."""
    return json_of(raw, Any)


def json_object(raw: bytes | str) -> dict[str, Any]:
    """The JSON object in ``raw``."""
    return json_of(raw, dict[str, Any])


def key_twice(raw: bytes) -> str | None:
    """A key that stands more than once in one object of readable JSON, of which one would win."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        counted = Counter(key for key, _ in pairs)
        found.extend(key for key, times in counted.items() if times > 1)

    with suppress(ValueError, RecursionError):  # bounds of this reader, which is not msgspec
        json.loads(raw, object_pairs_hook=look)
    return found[0] if found else None


def place_of(why: str, raw: bytes) -> str:
    """``why`` JSON is unreadable, with line and column, from 1, for the byte that it names."""
    found = _BYTE.search(why)
    if not found and "truncated" not in why:
        return why
    *above, line = raw[: int(found[1]) if found else len(raw)].split(b"\n")
    column = len(line.decode(errors="replace")) + 1
    return f"{_BYTE.sub('', why).strip()} (line {len(above) + 1}, column {column})"


def too_long(limit: int) -> Unreadable:
    """The error for more than was to be read."""
    size = f"{limit // MIB} MiB" if limit >= MIB else f"{limit} bytes"
    return Unreadable(f"more than {size}")
