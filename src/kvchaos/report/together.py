"""Runs as one JSON object: every record, and for each experiment how its recoveries went. Pure.

``{"runs": [record], "statuses": {status: n}, "experiments": {title: {"runs", "not_recovered",
"not_measured", "recovery_seconds": {"count", "minimum", "median", "p95", "maximum", "values"}}},
"unread": [{"folder", "why"}]}``; a record is as ``report.json`` makes it, with ``notes``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kvchaos.report.distribution import Distribution, distribution
from kvchaos.report.figures import Figures, figures
from kvchaos.report.folder import RunData
from kvchaos.verdict.events import Json


def together(runs: Sequence[RunData], *, unread: Iterable[tuple[str, str]] = ()) -> Json:
    """The object over these runs; ``unread`` are those that nobody could read, and why."""
    told = [figures(run.record) for run in runs]
    return {
        "runs": [run.record | {"notes": list(run.notes)} for run in runs],
        "statuses": dict(Counter(str(run.status) for run in told)),
        "experiments": {
            name: _experiment([run for run in told if run.experiment == name])
            for name in dict.fromkeys(run.experiment for run in told)
        },
        "unread": [{"folder": folder, "why": why} for folder, why in unread],
    }


def recoveries(runs: Iterable[Figures]) -> Distribution:
    """How long the recoveries of these runs took, of those that did recover."""
    return distribution(run.recovery for run in runs if run.recovery is not None)


def as_object(spread: Distribution) -> Json:
    """The distribution as plain JSON; what is not known is None."""
    return {
        "count": spread.count,
        "minimum": spread.minimum,
        "median": spread.median,
        "p95": spread.p95,
        "maximum": spread.maximum,
        "values": list(spread.values),
    }


def _experiment(runs: Sequence[Figures]) -> Json:
    return {
        "runs": len(runs),
        "not_recovered": sum(run.recovered is False for run in runs),
        "not_measured": sum(run.recovered is None for run in runs),
        "recovery_seconds": as_object(recoveries(runs)),
    }
