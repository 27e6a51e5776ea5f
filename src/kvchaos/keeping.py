"""Files that are whole or not there: written beside, synced, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_json(path: Path, value: Any, *, default: Callable[[Any], Any] = str) -> None:
    """``value`` as JSON in the file ``path``, for its owner alone; OSError when it cannot be."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=default) + "\n")


def write_text(path: Path, text: str, *, sync: bool = True) -> None:
    """As ``write_json``; without ``sync`` a machine that loses its power may lose the file.

    The OSError names ``path``, also where the system's own names none.
    """
    beside = _beside(path)
    try:
        with os.fdopen(_opened(beside), "wb") as file:
            file.write(text.encode(errors="replace"))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None  # a full disk names no file
        beside.unlink(missing_ok=True)
        raise


def try_writing(path: Path) -> None:
    """Leave everything as it is; OSError when no file ``path`` could be written now."""
    beside = _beside(path)
    os.close(_opened(beside))
    beside.unlink()


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
