"""Parts of a record of a run, as they are read: it may come from elsewhere. Pure.

The rule guarded here: what is not of the type that is asked for is not there; it is no error.
"""

from __future__ import annotations

from typing import Any

from kvchaos.verdict.events import Json

LARGEST = 1e15
"""What no figure of a run exceeds."""


def number(value: object, *, largest: float = LARGEST) -> float | None:
    """The value if it is a number that can have been measured; not a truth, NaN or endless."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= largest else None


def fields(value: Any) -> Json:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """The objects in the value, if that is a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
