"""The few figures of a run that reports over many runs are made of. Pure.

The rule guarded here: a record may come from elsewhere, and from an older version; a figure that it
does not tell, or tells in another type, is None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kvchaos.report.distribution import recovered_from_something, recovery_seconds
from kvchaos.report.layout import cleaned, printable
from kvchaos.report.reading import fields, number, objects
from kvchaos.verdict.events import Json, text
from kvchaos.verdict.result import Status

NAMELESS = "a run without a name"


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: which, how it went, seconds, blocks at the worst moment, requests; None: unknown.

    ``recovered`` is False when the index was seen not to come to agree within the budget.
    """

    run: str
    experiment: str
    context: str
    namespace: str
    version: str
    status: Status
    headline: str
    began: datetime | None
    seconds: float | None
    recovered: bool | None
    recovery: float | None
    budget: float | None
    resolution: float | None
    missing: float | None
    phantom: float | None
    ghosts: float | None
    requests: float | None
    failed: float | None
    hit_ratio: float | None
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def failed_ratio(self) -> float | None:
        """The share of the requests that failed."""
        return ratio(self.failed, self.requests)


def figures(record: Json) -> Figures:
    """The figures of a run's record."""
    run, recovery = fields(record.get("run")), fields(record.get("recovery"))
    worst, traffic = fields(record.get("worst")), objects(record.get("traffic"))
    seconds = recovery_seconds(record)
    return Figures(
        run=_line(run.get("run")),
        experiment=_line(run.get("experiment")) or NAMELESS,
        context=_line(run.get("context")),
        namespace=_line(run.get("namespace")),
        version=_line(run.get("version")),
        status=Status(record["status"]),
        headline=cleaned(_line(record.get("headline"))),
        began=_began(run),
        seconds=number(run.get("seconds")),
        recovered=_recovered(record, seconds),
        recovery=seconds,
        budget=number(recovery.get("budget")),
        resolution=number(recovery.get("resolution")),
        missing=number(worst.get("missing")),
        phantom=number(worst.get("phantom")),
        ghosts=float(len(worst["ghosts"])) if isinstance(worst.get("ghosts"), list) else None,
        requests=_sum(traffic, "sent"),
        failed=_sum(traffic, "failed"),
        hit_ratio=ratio(_sum(traffic, "hit_tokens"), _sum(traffic, "prompt_tokens")),
        p50=_largest(traffic, "p50"),
        p95=_largest(traffic, "p95"),
        p99=_largest(traffic, "p99"),
    )


def ratio(part: float | None, whole: float | None) -> float | None:
    """``part`` of ``whole``; None when one is not known, or there is no whole."""
    return None if part is None or not whole else part / whole


def findings(record: Json) -> list[str]:
    """Why preflight refused the run, a line each; none: it did not."""
    told = fields(record.get("preflight")).get("findings")
    return [_line(text(each)) for each in told] if isinstance(told, list) else []


def left_behind(record: Json) -> list[str]:
    """What of the run is left in the cluster, or may be, a line each."""
    left, unsure = record.get("residue"), record.get("unconfirmed")
    known = [_line(text(each)) for each in left] if isinstance(left, list) else []
    unsure = unsure if isinstance(unsure, list) else []
    return [*known, *(f"its end could not be confirmed: {_line(text(each))}" for each in unsure)]


def _recovered(record: Json, seconds: float | None) -> bool | None:
    if seconds is not None:
        return True
    agreed = fields(record.get("recovery")).get("agreed")
    return False if agreed is False and recovered_from_something(record) else None


def _began(run: Json) -> datetime | None:
    """When it began, in UTC: its end less its seconds."""
    with suppress(TypeError, ValueError, OverflowError):
        ended = datetime.fromisoformat(run["ended"]) if run.get("ended") else None
        return ended and (ended - timedelta(seconds=run["seconds"])).astimezone(UTC)
    return None


def _sum(traffic: Iterable[Json], key: str) -> float | None:
    known = _known(traffic, key)
    return sum(known) if known else None


def _largest(traffic: Iterable[Json], key: str) -> float | None:
    return max(_known(traffic, key), default=None)


def _known(traffic: Iterable[Json], key: str) -> list[float]:
    found = (number(each.get(key)) for each in traffic)
    return [value for value in found if value is not None]


def _line(value: object) -> str:
    return "" if value is None else printable(str(value))
