"""What is compared of two sets of runs, and what should be the same in both. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kvchaos.report.figures import Figures
from kvchaos.verdict.result import Status
from kvchaos.verdict.times import asked


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared: ``value`` of a run, endless where it never came, None where not known."""

    key: str
    name: str
    unit: str
    value: Callable[[Figures], float | None]
    more_is_better: bool = False


def _recovery(run: Figures) -> float | None:
    return math.inf if run.recovered is False else run.recovery


def _passed(run: Figures) -> float | None:
    """None for a run that tells nothing of the router: unknown, aborted, residue."""
    return {Status.PASS: 1.0, Status.FAIL: 0.0}.get(run.status)


RECOVERY = Metric("recovery_seconds", "recovery", "s", _recovery)
PASSED = Metric("passed", "passed", "%", _passed, more_is_better=True)
METRICS = (
    RECOVERY,
    PASSED,
    Metric("worst_missing", "missing at worst", "blocks", lambda run: run.missing),
    Metric("worst_phantom", "phantom at worst", "blocks", lambda run: run.phantom),
    Metric("hit_ratio", "cache hits", "%", lambda run: run.hit_ratio, more_is_better=True),
    Metric("failed_ratio", "failed requests", "%", lambda run: run.failed_ratio),
    Metric("latency_p95", "latency p95", "s", lambda run: run.p95),
)
SETTINGS: tuple[tuple[str, Callable[[Figures], object]], ...] = (
    ("context", lambda run: run.context),
    ("namespace", lambda run: run.namespace),
    ("version of kvchaos", lambda run: run.version),
    ("budget", lambda run: None if run.budget is None else asked(run.budget)),
)
"""What should be the same, or the comparison is of something else."""
