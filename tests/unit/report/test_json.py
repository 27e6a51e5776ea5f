"""The record for the journal is gathered from the history, and adds no opinion."""

from __future__ import annotations

import json

import pytest

from kvchaos.report.json import as_json, left_wrong, worst_sample
from kvchaos.verdict.verdict import judge
from tests.builders import (
    ENGINES,
    NOBODY_WRONG,
    PARTITION,
    Json,
    altered,
    effect,
    event,
    injected,
    recovered,
    recovery,
    run_that_recovered,
    run_that_stayed_wrong,
    run_whose_fault_never_landed,
    sample,
    started,
)


def record(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def test_record_of_a_run_that_recovered() -> None:
    """Everything that a report needs, in plain JSON; the status stands beside the verdict."""
    kept = record(run_that_recovered())

    assert json.loads(json.dumps(kept)) == kept
    assert {key: kept[key] for key in ("verdict", "status", "exit_code", "headline")} == {
        "verdict": "pass",
        "status": "pass",
        "exit_code": 0,
        "headline": "The router's index became right again 2.35 s after the fault healed.",
    }
    assert kept["run"] == {
        "run": "20260808-140300-7f3a9c",
        "experiment": "The router's index survives: network-partition",
        "file": "experiments/network-partition.json",
        "context": "kvchaos-lab",
        "namespace": "kvchaos",
        "router": "reference (replay)",
        "seed": 7,
        "version": "0.1.0",
        "seconds": 17.5,
        "journal": "completed",
    }
    assert kept["checks"][1] == {
        "name": "steady state before",
        "verdict": "pass",
        "why": "every probe was within its tolerance",
        "evidence": [],
    }
    assert kept["worst"] == {"at": 14.7, "missing": 84, "phantom": 0, "ghosts": []}
    assert (kept["left"], kept["residue"], kept["streams"]) == (NOBODY_WRONG, [], {})


def test_record_of_a_fault_has_its_whole_life() -> None:
    """From what was asked for to how it ended, with the effect that was confirmed."""
    history = [each for each in run_that_recovered() if each["event"] != "effect"]
    early = effect(effect="inconclusive", effect_at=None, evidence=[])
    late = effect(effect="not effective", effect_at=None, evidence=[])

    (fault,) = record([*history, early, effect(), late])["faults"]

    assert fault == {
        **PARTITION,
        "duration": 10.0,
        "targets": injected()["targets"],
        "injected": 3.52,
        "error": None,
        "effect": "confirmed",
        "effect_at": 4.71,
        "evidence": effect()["evidence"],
        "healed": 13.2,
        "by": "duration",
    }


def test_record_of_a_fault_injected_twice_tells_each_time_its_own() -> None:
    """One name, two faults: the second was not seen to have an effect or to end."""
    refused = event(30.0, "fault_failed", fault=PARTITION, error="the name is taken")

    first, taken, second = record([injected(), refused, effect(), recovered(), injected()])[
        "faults"
    ]

    assert (first["effect"], first["effect_at"], first["healed"]) == ("confirmed", 4.71, 13.2)
    assert (taken["error"], taken["effect"], taken["healed"]) == ("the name is taken", None, None)
    assert (second["effect"], second["effect_at"], second["healed"]) == (None, None, None)


def test_record_of_a_fault_that_failed_has_its_error() -> None:
    """It has no time of injection, and nothing that followed."""
    (fault,) = record(run_whose_fault_never_landed())["faults"]

    assert fault["error"].startswith("not injected after 30 s")
    assert (fault["injected"], fault["targets"], fault["effect"], fault["healed"]) == (
        None,
        [],
        None,
        None,
    )


def test_record_of_an_empty_history() -> None:
    """Nothing was recorded, and the record says just that."""
    assert record([]) == {
        "verdict": "unknown",
        "status": "unknown",
        "exit_code": 2,
        "headline": "Nothing is known: the history is empty: nothing was recorded.",
        "run": {"seconds": 0.0, "journal": None},
        "checks": [
            {
                "name": "history",
                "verdict": "unknown",
                "why": "the history is empty: nothing was recorded",
                "evidence": [],
            }
        ],
        "faults": [],
        "recovery": None,
        "worst": None,
        "left": {"engines": {}, "ghosts": [], "unknown": {"index": "it was never looked at"}},
        "traffic": [],
        "streams": {},
        "observer": None,
        "residue": None,
    }


def test_streams_are_counted_by_what_happened() -> None:
    """Gaps and restarts that the observer itself saw."""
    streams = [event(5.0, "stream", what=what) for what in ("gap", "replayed", "gap")]

    assert record([started(), *streams])["streams"] == {"gap": 2, "replayed": 1}


def test_left_is_of_the_recovery_that_did_not_come() -> None:
    """An index that came right later was still wrong when its time was up; zeros are no wrong."""
    history = [*run_that_stayed_wrong(), sample(60.0)]

    assert left_wrong(history)["engines"] == {f"{ENGINES[1]}/0": {"missing": 84, "phantom": 0}}


def test_left_is_of_the_last_sample_after_a_recovery() -> None:
    """An index that went wrong again is wrong."""
    zero = {"a/0": {"missing": 0, "phantom": 0}}

    assert (
        left_wrong([recovery(), sample(20.0, phantom=2), sample(21.0, engines=zero)])
        == NOBODY_WRONG
    )
    assert left_wrong([recovery(), sample(20.0, phantom=2)])["engines"] == {
        f"{ENGINES[1]}/0": {"missing": 0, "phantom": 2}
    }


@pytest.mark.parametrize("history", [[], [sample(1.0, missing=3)], [sample(1.0), injected()]])
def test_worst_needs_a_fault_and_a_sample_after_it(history: list[Json]) -> None:
    """What was wrong before is no work of the fault."""
    assert worst_sample(history) is None


def test_worst_counts_ghosts_too() -> None:
    """A dead pod in the index is as wrong as a block."""
    history = [injected(), sample(4.0, missing=1), sample(5.0, ghosts=["a", "b"], agrees=False)]

    assert worst_sample(history) == {"at": 5.0, "missing": 0, "phantom": 0, "ghosts": ["a", "b"]}


def test_malformed_event_costs_its_entry_and_not_the_record() -> None:
    """The journal must get its verdict, or the run would end as if nothing were wrong."""
    broken = altered(run_that_recovered(), "recovery", left=[], agreed=False)

    kept = record(broken)

    assert (kept["verdict"], kept["left"]["engines"]) == ("unknown", {})
    assert kept["headline"] == (
        "It is not known if the index became right again: malformed history: "
        "the event recovery: Expected `object`, got `array` - at `$.left`."
    )
