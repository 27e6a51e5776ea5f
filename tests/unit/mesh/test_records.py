"""Reading Chaos Mesh's status: what says injected, ended, failed, and what only seems to."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.mesh.records import (
    conditions,
    created_wall,
    has_ended,
    last_failure,
    missing_for_injection,
    not_applied,
    places_of,
    rules_unreached,
    sources,
    stood_for,
    unreached,
    without_source,
)
from tests.scripted import ENDED, INJECTED, WAITING, partition, record, rules, status


def with_status(found: Any) -> dict[str, Any]:
    return {**partition(), "status": found}


def test_injected_means_every_record_is() -> None:
    """Conditions, records and counts agree."""
    assert missing_for_injection(with_status(INJECTED)) == []
    assert conditions(with_status(INJECTED)) == {
        "Selected": "True",
        "AllInjected": "True",
        "AllRecovered": "False",
    }


@pytest.mark.parametrize(
    ("found", "lacks"),
    [
        (None, ["Selected=unset", "AllInjected=unset", "no records"]),
        ({}, ["Selected=unset", "AllInjected=unset", "no records"]),
        (
            status(selected=False, injected=False),
            ["Selected=False", "AllInjected=False", "no records"],
        ),
        (status(), ["no records"]),
        (
            WAITING,
            ["AllInjected=False", "kvchaos/a Not Injected", "kvchaos/b Not Injected"],
        ),
        (
            status(record("kvchaos/a"), record("kvchaos/b", phase="Not Injected/Wait", injected=0)),
            ["kvchaos/b Not Injected/Wait"],
        ),
        (status(record("kvchaos/a", injected=0)), ["kvchaos/a Injected"]),
        (status(record("kvchaos/a", phase="Injected/Wait")), ["kvchaos/a Injected/Wait"]),
    ],
)
def test_what_only_seems_injected_is_told_apart(found: Any, lacks: list[str]) -> None:
    """AllInjected with no records, conditions that lag, a record whose count is 0."""
    assert missing_for_injection(with_status(found)) == lacks


def test_ended_is_more_than_all_recovered() -> None:
    """AllRecovered is True before injection too: only records that were injected end."""
    assert has_ended(with_status(ENDED)) is True
    assert has_ended(with_status(WAITING)) is False
    assert has_ended(with_status(WAITING | {"experiment": {"desiredPhase": "Stop"}})) is False
    assert has_ended(with_status(INJECTED)) is False
    assert has_ended(partition()) is False
    half = status(
        record("kvchaos/a", phase="Not Injected", recovered=1),
        record("kvchaos/b", phase="Injected/Wait"),
        recovered=True,
        phase="Stop",
    )
    assert has_ended(with_status(half)) is False


def test_the_newest_failure_of_any_record_is_told() -> None:
    """Successes and failures without words are none."""
    found = status(
        record(
            "kvchaos/a",
            events=[
                ("2026-08-01T00:00:02Z", "Failed Apply", "unable to set tcs"),
                ("2026-08-01T00:00:09Z", "Succeeded Apply", "fine"),
            ],
        ),
        record(
            "kvchaos/b",
            events=[
                ("2026-08-01T00:00:01Z", "Failed Apply", "first"),
                ("2026-08-01T00:00:03Z", "Failed Recover", ""),
            ],
        ),
    )

    assert last_failure(with_status(found)) == "Apply kvchaos/a: unable to set tcs"
    assert last_failure(with_status(INJECTED)) == ""


def test_how_long_a_fault_stood_is_between_two_stamps_of_the_cluster() -> None:
    """The last injection and the last recovery; nothing while there are not both."""
    assert stood_for(with_status(ENDED)) == 10.0
    assert stood_for(with_status(INJECTED)) is None
    late = record("kvchaos/a", events=[("1970-01-01T00:18:26Z", "Succeeded Apply", "")])
    late["events"] += ENDED["experiment"]["containerRecords"][0]["events"]
    assert stood_for(with_status(status(late))) == 4.0


def test_when_an_object_was_made_is_of_the_clusters_clock() -> None:
    """Unix seconds; nothing for an object that was never stored."""
    assert created_wall({"metadata": {"creationTimestamp": "1970-01-01T00:18:30Z"}}) == 1110.0
    assert created_wall({"metadata": {}}) is None


@pytest.mark.parametrize(
    "message",
    [
        "cannot find daemonIP on node node1",
        "rpc error: code = Unavailable desc = connection error",
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        "dial tcp 10.88.0.10:31767: connect: connection refused",
        "dial tcp 10.88.0.10:31767: i/o timeout",
    ],
)
def test_a_daemon_that_is_away_is_told_from_one_that_failed(message: str) -> None:
    """What a daemon answered, such as that it has no netem, was said by one that is there."""
    at = "2026-08-01T00:00:01Z"
    away = status(
        record("kvchaos/a"), record("kvchaos/b", events=[(at, "Failed Recover", message)])
    )

    assert unreached(with_status(away)) == f"kvchaos/b: {message}"
    assert rules_unreached(rules("a", failed=message)) == message
    there = status(
        record("kvchaos/a", events=[(at, "Failed Apply", "unable to set tcs for pod a")])
    )
    assert unreached(with_status(there)) == ""
    assert rules_unreached(rules("a", failed="unable to set tcs for pod a")) == ""


def test_a_daemon_that_is_back_is_not_away() -> None:
    """The newest event counts, the last in the list: stamps are whole seconds."""
    at = "2026-08-01T00:00:01Z"
    gone, back = (at, "Failed Recover", "cannot find daemonIP"), (at, "Succeeded Recover", "")

    assert unreached(with_status(status(record("kvchaos/a", events=[gone, back])))) == ""
    assert unreached(partition()) == ""


def test_the_pods_of_a_fault_are_those_of_its_records() -> None:
    """Each once, containers or not; an id of another shape is none."""
    found = status(record("kvchaos/b/main"), record("kvchaos/b/side"), record("a/x"), record("odd"))

    assert places_of(with_status(found)) == [("a", "x"), ("kvchaos", "b")]


def test_the_sources_of_a_pods_rules_are_those_of_all_its_lists() -> None:
    """iptables, ipsets and tcs alike."""
    found = rules("a", "kvchaos/one", "kvchaos/two")
    found["spec"]["tcs"] = [{"type": "netem", "source": "kvchaos/three"}]

    assert sources(found) == {"kvchaos/one", "kvchaos/two", "kvchaos/three"}
    assert sources({"metadata": {}}) == set()


def test_dropping_a_source_keeps_the_others_rules() -> None:
    """Only lists that are there are written."""
    found = rules("a", "kvchaos/one", "kvchaos/two")

    assert without_source(found, "kvchaos/one") == {
        "iptables": [{"name": "x", "direction": "INPUT", "source": "kvchaos/two"}],
        "ipsets": [{"name": "y", "ipsetType": "net", "source": "kvchaos/two"}],
    }


def test_rules_count_only_once_the_daemon_has_applied_them() -> None:
    """A failure, or a generation that it has not seen yet."""
    assert not_applied(rules("a")) == ""
    assert not_applied(rules("a", failed="no netem")) == "no netem"
    assert not_applied(rules("a", observed=0)) == "generation 1 not applied yet (observed 0)"
