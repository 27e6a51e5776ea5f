"""What a run's folder says of how the run ended, and in which context it was.

The rule: whatever cannot be read, or is not of that shape, says nothing; then a run is not over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_object

RECORD, HISTORY = "record.json", "history.jsonl"
LARGEST = 16 * MIB
"""Bytes of a record; that of a run with ten faults has about 10 KiB."""
LONGEST = MIB
"""Bytes of the first line of a history."""
IN_CLUSTER = "in-cluster"


@dataclass(frozen=True, slots=True)
class Past:
    """Whether a run ended with nothing left of it, and its context; None: nobody knows."""

    over: bool = False
    context: str | None = None

    def is_elsewhere(self, context: str) -> bool:
        """Whether it is known to have been in another context than that."""
        return self.context is not None and self.context != (context or IN_CLUSTER)


UNTOLD = Past()


def read_past(folder: Path) -> Past:
    """What the folder of a run says; raises nothing."""
    record = _record(folder / RECORD)
    over = record.get("residue") == [] and not record.get("unconfirmed")
    context = _context(record.get("run"))
    return Past(over, _context(_first(folder / HISTORY)) if context is None else context)


def _record(path: Path) -> dict[str, Any]:
    try:
        return json_object(file_bytes(path, LARGEST)) if path.is_file() else {}
    except (OSError, Unreadable):
        return {}


def _first(path: Path) -> object:
    """The event that a history begins with, when that is the run's start."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            event = json_object(file.readline(LONGEST))
    except (OSError, Unreadable):
        return None
    return event if event.get("event") == "run_started" else None


def _context(said: object) -> str | None:
    context = said.get("context") if isinstance(said, dict) else None
    return (context or IN_CLUSTER) if isinstance(context, str) else None
