"""What a run says of itself, as a game day needs it: from its record, never more than is there.

The rule guarded here: a figure that the record does not have is None or 0 of nothing, and never
an error.
"""

from __future__ import annotations

from pathlib import Path

from kvchaos.errors import KVChaosError
from kvchaos.gameday.day import Facts
from kvchaos.report.distribution import recovery_seconds
from kvchaos.report.folder import RECORD, read_run
from kvchaos.report.reading import fields, number, objects
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
    landed = [each for each in objects(record.get("faults")) if not each.get("error")]
    traffic = objects(record.get("traffic"))
    prompt = sum(_figure(each.get("prompt_tokens")) for each in traffic)
    hits = sum(_figure(each.get("hit_tokens")) for each in traffic)
    return Facts(
        headline=str(record.get("headline") or ""),
        faults=len(landed),
        fault_time=round(sum(_stood(each) for each in landed), 3),
        requests=int(sum(_figure(each.get("sent")) for each in traffic)),
        failed_requests=int(sum(_figure(each.get("failed")) for each in traffic)),
        hit_ratio=hits / prompt if prompt else None,
        recovery=recovery_seconds(record),
        missing=_missing(record.get("worst")),
    )


def _stood(fault: Json) -> float:
    """How long it stood: what was seen, or, of one that was not ended in time, its duration."""
    held = fault.get("held")
    return _figure(held if held is not None else fault.get("duration"))


def _missing(worst: object) -> int | None:
    found = number(fields(worst).get("missing"))
    return None if found is None else int(found)


def _figure(value: object) -> float:
    return number(value) or 0.0
