"""The faults that the ledgers of earlier runs tell of: ``<runs>/<run>/ledger.jsonl``.

A ledger is read as it is: a line that makes no sense is told and passed over, for the others may
still name a fault that is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kvchaos.errors import KVChaosError
from kvchaos.mesh.api import FAULT_KINDS
from kvchaos.mesh.fault import Fault, Json
from kvchaos.mesh.ledger import Ledger

LEDGER = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """A fault that was about to be sent, at ``wall`` in Unix seconds; None when it does not say."""

    fault: Fault
    wall: float | None


def read_ledgers(runs: Path, *, run: str = "") -> tuple[list[Line], list[str]]:
    """All lines of the ledgers below ``runs``, of one run when told; and what was not readable."""
    lines: list[Line] = []
    unread: list[str] = []
    for path in sorted(runs.glob(f"*/{LEDGER}")):
        try:
            entries = Ledger(path).entries()
        except (OSError, KVChaosError) as error:
            if run in ("", path.parent.name):
                unread.append(f"{path}: not readable: {error}")
            continue
        for entry in entries:
            lines += [line for line in _line(entry, path, unread) if run in ("", line.fault.run)]
    return lines, unread


def _line(entry: object, path: Path, unread: list[str]) -> Iterator[Line]:
    if not isinstance(entry, dict) or entry.get("event") != "inject":
        return
    fault = _fault(entry.get("fault"))
    if fault is None:
        unread.append(f"{path}: not a fault: {str(entry)[:200]}")
    else:
        yield Line(fault, _wall(entry))


def _fault(data: object) -> Fault | None:
    if not isinstance(data, dict) or str(data.get("kind")) not in FAULT_KINDS:
        return None
    texts = [data.get(key) for key in ("name", "namespace", "run", "action")]
    texts.append(data.get("direction", "to"))
    places, duration = data.get("namespaces", []), data.get("duration")
    if not all(isinstance(each, str) and each for each in texts) or not isinstance(places, list):
        return None
    if not isinstance(duration, int | float | None):
        return None
    return Fault.from_json({**data, "namespaces": [str(each) for each in places]})


def _wall(entry: Json) -> float | None:
    try:
        return datetime.fromisoformat(str(entry.get("wall"))).timestamp()
    except ValueError:
        return None
