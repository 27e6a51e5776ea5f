"""Runs as Prometheus metrics. Pure.

``kvchaos_last_*`` are of the newest run of each (experiment, context, namespace); the others count
over all runs that were given. The rule guarded here: what is not known has no sample, never 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from kvchaos.report.distribution import distribution
from kvchaos.report.figures import Figures, figures, left_behind
from kvchaos.verdict.events import Json
from kvchaos.verdict.result import ORDER, Verdict

WHERE = ("experiment", "context", "namespace")
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds."""

LAST = (
    ("end_timestamp_seconds", "When the newest run ended, in Unix time."),
    ("run_seconds", "How long the newest run took."),
    ("passed", "Whether the newest run passed: 1, or 0 for whatever else it came to."),
    ("recovered", "Whether the index came to agree after the heal: 1 or 0; absent: not known."),
    ("recovery_seconds", "From the fault's heal to the router's index that agrees."),
    ("recovery_budget_seconds", "What the recovery was allowed to take."),
    ("worst_missing_blocks", "Blocks that the index lacked at the worst moment sampled."),
    ("worst_phantom_blocks", "Blocks too many in the index at the worst moment sampled."),
    ("worst_ghost_pods", "Pods in the index that were not alive, at the worst moment sampled."),
    ("requests", "Requests that the newest run sent through the router."),
    ("failed_requests", "Requests of the newest run that failed."),
    ("cache_hit_ratio", "Share of the prompts' tokens that were in the engine's cache."),
    ("left_behind", "Things of the run's faults that are left in the cluster, or may be."),
)
"""Name after ``kvchaos_last_``, and help."""
LABELLED = (
    ("run_info", "Which run the newest is, and how it went.", ("run", "status", "version")),
    ("checks", "Checks of the newest run by their verdict.", ("verdict",)),
    ("request_latency_seconds", "Latency of the requests through the router.", ("percentile",)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Runs(Collector):
    """What ``prometheus_client`` collects: the metrics over these records, the oldest first."""

    records: Sequence[Json]

    def collect(self) -> Iterable[Metric]:
        told = [figures(record) for record in self.records]
        newest = {
            _where(run): (run, record) for run, record in zip(told, self.records, strict=True)
        }
        yield from _last(newest)
        yield from _labelled(newest)
        yield _counted(told)
        yield _histogram(told)


def metrics(records: Sequence[Json]) -> str:
    """The metrics in Prometheus' text format."""
    return generate_latest(registry(records)).decode()


def registry(records: Sequence[Json]) -> CollectorRegistry:
    """A registry of its own that holds the metrics over these records."""
    made = CollectorRegistry()
    made.register(Runs(records))
    return made


def groups(records: Sequence[Json]) -> dict[tuple[str, ...], list[Json]]:
    """The records by what a push gateway keeps apart, in the order of ``WHERE``."""
    found: dict[tuple[str, ...], list[Json]] = {}
    for record in records:
        found.setdefault(_where(figures(record)), []).append(record)
    return found


def _where(run: Figures) -> tuple[str, ...]:
    return run.experiment, run.context, run.namespace


def _last(newest: Mapping[tuple[str, ...], tuple[Figures, Json]]) -> Iterator[Metric]:
    known = {where: _values(*each) for where, each in newest.items()}
    for name, about in LAST:
        family = GaugeMetricFamily(f"kvchaos_last_{name}", about, labels=WHERE)
        for where, values in known.items():
            value = values[name]
            if value is not None:
                family.add_metric(where, value)
        yield family


def _values(run: Figures, record: Json) -> dict[str, float | None]:
    began = None if run.began is None else run.began.timestamp()
    looked = record["residue"] is not None
    return {
        "end_timestamp_seconds": None if began is None else round(began + (run.seconds or 0.0), 3),
        "run_seconds": run.seconds,
        "passed": float(run.status == "pass"),
        "recovered": None if run.recovered is None else float(run.recovered),
        "recovery_seconds": run.recovery,
        "recovery_budget_seconds": run.budget,
        "worst_missing_blocks": run.missing,
        "worst_phantom_blocks": run.phantom,
        "worst_ghost_pods": run.ghosts,
        "requests": run.requests,
        "failed_requests": run.failed,
        "cache_hit_ratio": run.hit_ratio,
        "left_behind": float(len(left_behind(record))) if looked else None,
    }


def _labelled(newest: Mapping[tuple[str, ...], tuple[Figures, Json]]) -> Iterator[Metric]:
    for name, about, more in LABELLED:
        family = GaugeMetricFamily(f"kvchaos_last_{name}", about, labels=[*WHERE, *more])
        for where, (run, record) in newest.items():
            for labels, value in _samples(name, run, record):
                family.add_metric([*where, *labels], value)
        yield family


def _samples(name: str, run: Figures, record: Json) -> list[tuple[tuple[str, ...], float]]:
    if name == "run_info":
        return [((run.run, str(run.status), run.version), 1.0)]
    if name == "checks":
        counted = Counter(each["verdict"] for each in record["checks"])
        return [((str(verdict),), float(counted[verdict])) for verdict in Verdict]
    latency = {"50": run.p50, "95": run.p95, "99": run.p99}
    return [((share,), value) for share, value in latency.items() if value is not None]


def _counted(told: Sequence[Figures]) -> Metric:
    about = "Runs that this is made from, by how they went."
    family = GaugeMetricFamily("kvchaos_runs", about, labels=[*WHERE, "status"])
    counted = Counter((_where(run), run.status) for run in told)
    for where in dict.fromkeys(map(_where, told)):
        for status in ORDER:
            family.add_metric([*where, str(status)], counted[where, status])
    return family


def _histogram(told: Sequence[Figures]) -> Metric:
    about = "Recoveries of these runs, from the fault's heal to the index that agrees."
    family = HistogramMetricFamily("kvchaos_recovery_seconds", about, labels=WHERE)
    for where in dict.fromkeys(map(_where, told)):
        known = (run.recovery for run in told if _where(run) == where)
        values = distribution(value for value in known if value is not None).values
        buckets = [(str(most), float(sum(value <= most for value in values))) for most in BUCKETS]
        family.add_metric(where, [*buckets, ("+Inf", float(len(values)))], sum(values))
    return family
