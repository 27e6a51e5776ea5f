"""Metrics tell the newest run of each experiment, count over all, and are silent on the unknown."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from kvchaos.report.json import as_json
from kvchaos.report.metrics import metrics
from kvchaos.verdict.verdict import judge
from tests.builders import (
    Json,
    altered,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_stayed_wrong,
    run_with_a_pod_killed,
)

WHERE = ("experiment", "context", "namespace")
PARTITION = "The router's index survives: network-partition"


def record(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def samples(*histories: list[Json]) -> dict[str, dict[str, float]]:
    """By experiment: each sample's name, with its own labels' values, and its value."""
    found: dict[str, dict[str, float]] = {}
    text = metrics([record(each) for each in histories])
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            own = [value for name, value in sample.labels.items() if name not in WHERE]
            name = " ".join([sample.name.removeprefix("kvchaos_"), *own])
            found.setdefault(sample.labels["experiment"], {})[name] = sample.value
    return found


def test_metrics_of_one_run() -> None:
    """Every figure, with its unit in its name."""
    told = samples(run_that_recovered())[PARTITION]

    buckets = {key: told.pop(key) for key in [*told] if key.startswith("recovery_seconds_bucket")}
    assert [value for key, value in buckets.items() if key.endswith((" 1.0", " 2.5", "Inf"))] == [
        0.0,
        1.0,
        1.0,
    ]
    assert told == {
        "last_end_timestamp_seconds": 1786197797.5,
        "last_run_seconds": 17.5,
        "last_passed": 1.0,
        "last_recovered": 1.0,
        "last_recovery_seconds": 2.35,
        "last_recovery_budget_seconds": 30.0,
        "last_worst_missing_blocks": 84.0,
        "last_worst_phantom_blocks": 0.0,
        "last_worst_ghost_pods": 0.0,
        "last_requests": 240.0,
        "last_failed_requests": 2.0,
        "last_cache_hit_ratio": 0.675,
        "last_left_behind": 0.0,
        "last_run_info 20260808-140300-7f3a9c pass 0.1.0": 1.0,
        "last_checks pass": 16.0,
        "last_checks fail": 0.0,
        "last_checks unknown": 0.0,
        "last_request_latency_seconds 50": 0.012,
        "last_request_latency_seconds 95": 0.031,
        "last_request_latency_seconds 99": 0.094,
        "runs pass": 1.0,
        "runs unknown": 0.0,
        "runs fail": 0.0,
        "runs aborted": 0.0,
        "runs residue": 0.0,
        "recovery_seconds_count": 1.0,
        "recovery_seconds_sum": 2.35,
    }


def test_the_newest_run_counts_and_all_are_counted() -> None:
    """Experiments are kept apart."""
    told = samples(run_that_recovered(), run_with_a_pod_killed(), run_that_stayed_wrong())

    assert [each["last_passed"] for each in told.values()] == [0.0, 1.0]
    partition = told[PARTITION]
    counts = [partition[f"runs {status}"] for status in ("pass", "fail", "unknown")]
    assert counts == [1.0, 1.0, 0.0]
    assert partition["recovery_seconds_count"] == 1.0
    assert partition["last_recovered"] == 0.0
    assert "last_recovery_seconds" not in partition


def test_what_is_not_known_has_no_sample() -> None:
    """A 0 would be taken for a very good recovery."""
    told = samples(run_that_preflight_refused())[PARTITION]

    known = [key for key in told if key.startswith("last_") and " " not in key]
    assert known == ["last_end_timestamp_seconds", "last_run_seconds", "last_passed"]


def test_any_name_is_a_label() -> None:
    """Quotes, backslashes and line ends are escaped."""
    name = 'say "no"\\ to \u00e9'
    history = altered(run_that_recovered(), "run_started", experiment=name)

    assert list(samples(history)) == [name]


def test_no_label_is_one_that_prometheus_keeps_for_itself() -> None:
    """``promtool check metrics`` refuses a ``quantile`` that is not a summary's."""
    text = metrics([record(run_that_recovered())])

    labels = {
        (family.type, label)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for label in sample.labels
    }
    kept = {"quantile", "le", "job", "instance"}
    assert {each for each in labels if each[1] in kept} == {("histogram", "le")}


def test_no_runs_are_no_samples() -> None:
    """But every metric is still described."""
    lines = metrics([]).splitlines()

    assert [line for line in lines if not line.startswith("#")] == []
    assert len(lines) == 36
