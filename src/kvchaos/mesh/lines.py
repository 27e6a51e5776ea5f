"""The faults that the ledgers of earlier runs tell of: ``<runs>/<run>/ledger.jsonl``.

A ledger is read as it is: a line that makes no sense is told and passed over, for the others may
still name a fault that is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kvchaos.errors import KVChaosError
from kvchaos.mesh.api import FAULT_KINDS
from kvchaos.mesh.fault import Fault, Json
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.past import UNTOLD, Past, read_past

LEDGER = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """A fault that was about to be sent, at ``wall`` in Unix seconds; None when it does not say.

    ``past``: what became of the run in whose folder that is written.
    """

    fault: Fault
    wall: float | None
    past: Past = UNTOLD


def read_ledgers(runs: Path, *, run: str = "") -> tuple[list[Line], list[str]]:
    """All lines of the ledgers below ``runs``; and what was not readable.

    A ledger that is not is told only if it may be that of ``run``, when that is given.
    """
    lines: list[Line] = []
    unread: list[str] = []
    for path in sorted(runs.glob(f"*/{LEDGER}")):
        try:
            entries = Ledger(path).entries()
        except (OSError, KVChaosError) as error:
            if run in ("", path.parent.name):
                unread.append(f"{path}: not readable: {error}")
            continue
        past = read_past(path.parent) if entries else UNTOLD
        for entry in entries:
            lines += _line(entry, path, past, unread)
    return lines, unread


def of_context(
    lines: Sequence[Line], context: str, *, run: str = ""
) -> tuple[list[Line], list[str]]:
    """The lines of runs that were in ``context``, for all that is known; and notes on the others.

    Those that are over anyway are not worth a note.

    Those of ``run`` are kept, wherever it was: it was asked for by its name.
    """
    kept = [line for line in lines if line.fault.run == run or not line.past.is_elsewhere(context)]
    others = [
        line
        for line in lines
        if line.past.is_elsewhere(context)
        and (line.fault.run == run if run else not line.past.over)
    ]
    where = ", ".join(sorted({str(line.past.context) for line in others}))
    if not others:
        return kept, []
    if run:
        return kept, [f"the run {run} was in the context {where}, not in {context}"]
    runs = len({line.fault.run for line in others})
    return kept, [f"runs of the ledgers in other contexts ({where}) are passed over: {runs}"]


def _line(entry: object, path: Path, past: Past, unread: list[str]) -> Iterator[Line]:
    if not isinstance(entry, dict) or entry.get("event") != "inject":
        return
    fault = _fault(entry.get("fault"))
    if fault is None:
        unread.append(f"{path}: not a fault: {str(entry)[:200]}")
    else:
        yield Line(fault, _wall(entry), past)


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
