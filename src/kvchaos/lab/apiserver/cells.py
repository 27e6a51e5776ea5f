"""How one cell of a Table comes from an object: a value, an age, a count, a list of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.metadata import seconds_since_epoch

NONE, UNKNOWN = "<none>", "<unknown>"
_AGES = (  # below so many seconds: seconds of the unit, its letter, and those of the rest
    (120, 1, "s", 0, ""),
    (10 * 60, 60, "m", 1, "s"),
    (180 * 60, 60, "m", 0, ""),
    (8 * 3600, 3600, "h", 60, "m"),
    (48 * 3600, 3600, "h", 0, ""),
    (8 * 86400, 86400, "d", 3600, "h"),
)
Cell = Callable[[Object, float], Any]  # from the object and now, in seconds since the epoch


def dig(body: Object, path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = body
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def at(path: str, default: Any = NONE) -> Cell:
    """The cell that shows the value at ``path``."""

    def cell(body: Object, _now: float) -> Any:
        value = dig(body, path)
        return default if value in (None, "") else value

    return cell


def age(path: str = "metadata.creationTimestamp") -> Cell:
    """The cell that shows how long ago a time was."""

    def cell(body: Object, now: float) -> str:
        text = dig(body, path)
        return human_duration(now - seconds_since_epoch(text)) if text else UNKNOWN

    return cell


def human_duration(seconds: float) -> str:
    """``95s``, ``3m5s``, ``47h``, ``9d``: as kubectl writes ages."""
    whole = int(seconds)
    if whole < 0:
        return "<invalid>" if whole < -1 else "0s"
    for limit, unit, letter, part, small in _AGES:
        if whole < limit:
            rest = whole % unit // part if part else 0
            return f"{whole // unit}{letter}" + (f"{rest}{small}" if rest else "")
    return f"{whole // 86400}d"


def count(path: str) -> Cell:
    """The cell that shows how many items there are."""
    return lambda body, _now: len(dig(body, path) or ())


def joined(path: str, of: Callable[[Any], str]) -> Cell:
    """Comma-joined texts of the items at ``path``."""

    def cell(body: Object, _now: float) -> str:
        return ",".join(of(item) for item in dig(body, path) or ()) or NONE

    return cell


def labels_at(path: str) -> Cell:
    """The cell that shows a map of labels."""

    def cell(body: Object, _now: float) -> str:
        found = dig(body, path) or {}
        return ",".join(f"{key}={value}" for key, value in sorted(found.items())) or NONE

    return cell
