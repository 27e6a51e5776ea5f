"""What a run says of itself, as a game day needs it: from its record, never more than is there.

The rule guarded here: a figure that the record does not have is None or 0 of nothing, and never
an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kvchaos.errors import KVChaosError
from kvchaos.gameday.day import Facts
from kvchaos.report.distribution import recovery_seconds
from kvchaos.report.folder import RECORD, read_run
from kvchaos.untrusted import Unreadable
from kvchaos.verdict.events import Json


def facts_in(folder: Path) -> tuple[Facts, int | None]:
    """A run's facts and the exit code in its record; of a run without a record no code."""
    try:
        record = read_run(folder).record
    except (KVChaosError, OSError, Unreadable) as error:
        return Facts(headline=f"{folder.name} cannot be read: {error}"), None
    code = record.get("exit_code")
    whole = (folder / RECORD).is_file() and isinstance(code, int)
    return facts(record), code if whole else None


def facts(record: Json) -> Facts:
    """What the record of a run says."""
    landed = [each for each in _all(record.get("faults")) if not each.get("error")]
    traffic = _all(record.get("traffic"))
    prompt = sum(_number(each.get("prompt_tokens")) for each in traffic)
    hits = sum(_number(each.get("hit_tokens")) for each in traffic)
    return Facts(
        headline=str(record.get("headline") or ""),
        faults=len(landed),
        fault_time=round(sum(_stood(each) for each in landed), 3),
        requests=int(sum(_number(each.get("sent")) for each in traffic)),
        failed_requests=int(sum(_number(each.get("failed")) for each in traffic)),
        hit_ratio=hits / prompt if prompt else None,
        recovery=recovery_seconds(record),
        missing=_missing(record.get("worst")),
    )


def _stood(fault: Json) -> float:
    """How long it stood: what was seen, or, of one that was not ended in time, its duration."""
    held = fault.get("held")
    return _number(held if held is not None else fault.get("duration"))


def _missing(worst: Any) -> int | None:
    found = worst.get("missing") if isinstance(worst, dict) else None
    return int(found) if isinstance(found, int) and not isinstance(found, bool) else None


def _all(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
