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
    run_that_left_residue,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_stayed_wrong,
    run_that_was_aborted,
    run_whose_fault_ended_early,
    run_whose_fault_never_landed,
    sample,
    started,
    stop,
)

MET = event(20.0, "hypothesis", when="after", met=True, failed=[])
WRONG: Json = {
    "engines": {f"{ENGINES[1]}/0": {"missing": 24, "phantom": 0}},
    "ghosts": [],
    "unknown": {},
}


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
        "ended": "2026-08-08T14:03:17.500Z",
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
        "held": 9.68,
        "asked": 9.5,
        "forced": False,
        "replaced": [],
        "ends": "2026-08-08T14:03:13+00:00",
    }


def test_record_of_a_fault_injected_twice_tells_each_time_its_own() -> None:
    """One name, two faults: the second was not seen to have an effect or to end."""
    refused = event(30.0, "fault_failed", fault=PARTITION, error="the name is taken")

    first, taken, second = record([injected(), refused, effect(), recovered(), injected()])[
        "faults"
    ]

    assert (first["effect"], first["effect_at"], first["healed"]) == ("confirmed", 4.71, 13.2)
    assert (taken["error"], taken["effect"]) == ("the name is taken", "not effective")
    assert (second["effect"], second["effect_at"], second["healed"]) == (None, None, None)


def test_record_of_a_fault_that_failed_has_its_error() -> None:
    """It has no time of injection, and nothing that followed."""
    (fault,) = record(run_whose_fault_never_landed())["faults"]

    assert fault["error"].startswith("not injected after 30 s")
    assert (fault["injected"], fault["targets"], fault["effect"], fault["healed"]) == (
        None,
        [],
        "not effective",
        None,
    )


def test_record_of_an_empty_history() -> None:
    """Nothing was recorded, and the record says just that."""
    assert record([]) == {
        "verdict": "unknown",
        "status": "unknown",
        "exit_code": 2,
        "headline": "Nothing is known: the history is empty: nothing was recorded.",
        "run": {"seconds": 0.0, "ended": None, "journal": None},
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
        "preflight": None,
        "stop": None,
        "residue": None,
        "unconfirmed": None,
        "reap": None,
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


def test_left_is_nothing_that_came_up_only_at_the_very_end() -> None:
    """A router that is a little behind has not the last requests of the last probe yet."""
    late, ended = sample(20.1, missing=24), event(21.0, "run_ended", journal="completed")
    ghost = sample(20.1, ghosts=["gone"], agrees=False)

    assert left_wrong([recovery(), sample(19.9), MET, late, ended]) == NOBODY_WRONG
    assert left_wrong([recovery(), sample(19.9), MET, ended, ghost]) == NOBODY_WRONG


@pytest.mark.parametrize(
    "history",
    [
        [recovery(), MET, sample(20.1, missing=24), event(25.2, "run_ended")],
        [recovery(), {**MET, "met": False}, sample(20.1, missing=24)],
        [recovery(), {**MET, "when": "during"}, sample(20.1, missing=24)],
        [recovery(agreed=False, left=WRONG), MET, sample(20.1, missing=24)],
    ],
    ids=["stayed", "not met", "not asked after", "no recovery"],
)
def test_left_is_what_was_wrong_for_longer(history: list[Json]) -> None:
    """Or where nobody saw the index right in between."""
    assert left_wrong(history) == WRONG


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


def test_record_of_a_run_that_was_stopped_says_by_whom_and_when() -> None:
    """The first stop is the one; the verdict stands beside the status."""
    again = stop(9.4, by="hold", reason="maintenance")

    kept = record([*run_that_was_aborted(), again])

    assert (kept["status"], kept["verdict"], kept["exit_code"]) == ("aborted", "unknown", 3)
    assert kept["stop"] == {
        "by": "signal",
        "reason": "SIGTERM",
        "at": 9.2,
        "wall": "2026-08-08T14:03:09.200Z",
    }
    assert (kept["residue"], kept["unconfirmed"], kept["reap"]) == ([], [], None)


def test_record_of_what_is_left_has_the_command_that_ends_it() -> None:
    """As it is for a shell."""
    kept = record(run_that_left_residue())

    assert (kept["status"], kept["verdict"], kept["exit_code"]) == ("residue", "fail", 5)
    assert len(kept["residue"]) == 2
    assert kept["reap"] == "kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab"


def test_record_keeps_what_an_earlier_look_found_when_the_last_saw_nothing() -> None:
    """What was seen, and not seen to go, is there."""
    history = [*run_that_left_residue(), event(18.0, "residue", left=None)]

    assert record(history)["residue"] == record(run_that_left_residue())["residue"]


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("a b;rm", "kvchaos reap --run 20260808-140300-7f3a9c --context 'a b;rm'"),
        ("", "kvchaos reap --run 20260808-140300-7f3a9c"),
    ],
)
def test_command_is_quoted_for_a_shell(context: str, command: str) -> None:
    """A context may have any name."""
    history = altered(run_that_left_residue(), "run_started", context=context)

    assert record(history)["reap"] == command


def test_command_without_a_run_ends_all() -> None:
    """A history that lost its beginning does not say which run it is of."""
    history = [each for each in run_that_left_residue() if each["event"] != "run_started"]

    assert record(history)["reap"] == "kvchaos reap --all"


@pytest.mark.parametrize(
    "fields", [{"created": None}, {"duration": None}, {"wall": "noon"}, {"duration": 1e300}]
)
def test_end_of_a_duration_is_told_only_where_it_is_known(fields: Json) -> None:
    """It counts from the creation."""
    (fault,) = record([started(), {**injected(), **fields}])["faults"]

    assert fault["ends"] is None


def test_record_of_a_fault_that_fell_short_says_how() -> None:
    """Seconds measured and asked, and the pods that were others."""
    (fault,) = record(run_whose_fault_ended_early())["faults"]

    assert (fault["held"], fault["asked"]) == (4.2, 10.0)
    assert fault["replaced"] == [{"pods": [ENGINES[1]], "replaced_at": 6.62}]


def test_record_of_a_run_that_was_refused_has_all_reasons() -> None:
    """Nothing was tested, and why."""
    kept = record(run_that_preflight_refused())

    assert (kept["status"], kept["exit_code"]) == ("unknown", 2)
    assert [each["refusal"] for each in kept["preflight"]["findings"]] == ["no target", "hold"]
