"""What other tools report as green, one by one: none of it is a pass here."""

from __future__ import annotations

import pytest

from kvchaos.verdict.result import Status
from kvchaos.verdict.verdict import judge
from tests import builders
from tests.builders import (
    PARTITION,
    Json,
    altered,
    blind_sample,
    effect,
    event,
    injected,
    recovered,
    recovery,
    run_that_recovered,
    sample,
    stop,
    without,
)

GOOD = run_that_recovered()


def changed(old: Json, new: Json) -> list[Json]:
    """The good history with one event replaced."""
    return [new if each == old else each for each in GOOD]


def with_event(*more: Json) -> list[Json]:
    """The good history with more events, each at its time."""
    return sorted([*GOOD, *more], key=lambda each: float(each["at"]))


def gate(when: str, **fields: object) -> list[Json]:
    return [
        {**each, **fields} if each["event"] == "hypothesis" and each["when"] == when else each
        for each in GOOD
    ]


OTHER = {**PARTITION, "name": "second"}
HISTORIES: dict[str, tuple[list[Json], Status]] = {
    "failed gate": (gate("before", met=False, failed=["index-agrees"]), Status.FAIL),
    "failed injection": (builders.run_whose_fault_never_landed(), Status.FAIL),
    "fault not in effect": (altered(GOOD, "effect", effect="not effective"), Status.FAIL),
    "effect inconclusive": (altered(GOOD, "effect", effect="inconclusive"), Status.UNKNOWN),
    "deviation that healed": (builders.run_with_a_deviation_that_healed(), Status.FAIL),
    "oracle incomplete": (builders.run_with_observer_incomplete(), Status.UNKNOWN),
    "observer down": (altered(GOOD, "observer", up=False), Status.UNKNOWN),
    "observer saw no batch": (altered(GOOD, "observer", batches=0), Status.UNKNOWN),
    "observer's account is from before the fault": (
        [builders.started(), {**builders.observer(), "at": 0.0}, *without(GOOD, "observer")[1:]],
        Status.UNKNOWN,
    ),
    "control missing": ([], Status.UNKNOWN),
    "control that only began": ([builders.started()], Status.UNKNOWN),
    "effect before the injection": (altered(GOOD, "effect", effect_at=1.0), Status.UNKNOWN),
    "effect after the heal": (altered(GOOD, "effect", effect_at=13.9), Status.UNKNOWN),
    "effect by its own records": (
        altered(GOOD, "effect", evidence=effect()["evidence"][:1]),
        Status.UNKNOWN,
    ),
    "recovery before the heal": (altered(GOOD, "fault_recovered", healed=16.0), Status.UNKNOWN),
    "recovery that flatters itself": (
        altered(
            altered(GOOD, "recovery", budget=1.0, timeline={"healed": 15.5, "agreed": 15.55}),
            "run_ended",
        ),
        Status.FAIL,
    ),
    "recovery of another fault": (
        with_event(
            {**injected(fault=OTHER), "at": 14.0},
            {**effect(fault=OTHER, effect_at=14.5), "at": 14.5},
            {**recovered(fault=OTHER, healed=16.2, held=None, asked=None), "at": 16.2},
        ),
        Status.UNKNOWN,
    ),
    "one of two faults recovered": (
        with_event(injected(fault=OTHER), effect(fault=OTHER)),
        Status.UNKNOWN,
    ),
    "recovery from no sample": (altered(GOOD, "recovery", samples_needed=0), Status.UNKNOWN),
    "recovery that a sample denies": (with_event(sample(16.1, missing=3)), Status.UNKNOWN),
    "recovery in the future": (
        altered(GOOD, "recovery", timeline={"healed": 13.2, "agreed": 17.0}),
        Status.UNKNOWN,
    ),
    "no sample during the fault": (
        [each for each in GOOD if each["event"] != "sample" or not 3 < each["at"] < 13.3],
        Status.UNKNOWN,
    ),
    "samples with a hole": (
        [
            each if each["at"] < 16.3 else {**each, "at": each["at"] + 40.0}
            for each in GOOD
            if each["at"] != 16.0
        ],
        Status.UNKNOWN,
    ),
    "no answer after the fault": (
        [
            {**blind_sample(each["at"])} if each["event"] == "sample" and each["at"] > 13 else each
            for each in GOOD
        ],
        Status.UNKNOWN,
    ),
    "fault that ended early": (altered(GOOD, "fault_recovered", held=4.2), Status.UNKNOWN),
    "fault lifted by a new pod": (
        with_event(
            event(9.0, "targets_replaced", fault=PARTITION, pods=["a"], replaced_at=9.0),
        ),
        Status.UNKNOWN,
    ),
    "two runs in one history": ([*GOOD, *GOOD], Status.UNKNOWN),
    "end of another run": (
        [*GOOD[:20], builders.started(), *GOOD[20:]],
        Status.UNKNOWN,
    ),
    "clock that went back": (
        [{**each, "at": 1.0} if each["event"] == "recovery" else each for each in GOOD],
        Status.UNKNOWN,
    ),
    "hypothesis without probes": (
        [each for each in GOOD if each.get("name") != "index-agrees"],
        Status.UNKNOWN,
    ),
    "gate after the fault": (
        sorted(
            [{**each, "at": 14.0} if each.get("when") == "before" else each for each in GOOD],
            key=lambda each: float(each["at"]),
        ),
        Status.UNKNOWN,
    ),
    "residue looked for before the fault": (
        [{**each, "at": 0.0} for each in GOOD if each["event"] in ("run_started", "residue")]
        + without(without(GOOD, "residue"), "run_started"),
        Status.UNKNOWN,
    ),
    "end not confirmed": (altered(GOOD, "residue", unconfirmed=["partition"]), Status.RESIDUE),
    "something left": (builders.run_that_left_residue(), Status.RESIDUE),
    "aborted and left": (
        [*builders.run_whose_api_went_away()],
        Status.RESIDUE,
    ),
    "stopped at its very end": ([*GOOD, stop(17.5, by="deadline")], Status.ABORTED),
    "refused by preflight": (builders.run_that_preflight_refused(), Status.UNKNOWN),
    "fault after the end": ([*GOOD, {**injected(), "at": 18.0}], Status.UNKNOWN),
    "history of an older kvchaos": (
        [
            {key: value for key, value in each.items() if key not in ("held", "asked")}
            for each in GOOD
        ],
        Status.UNKNOWN,
    ),
    "recovery never measured": (changed(recovery(), sample(16.4)), Status.UNKNOWN),
}


@pytest.mark.parametrize("what", HISTORIES)
def test_none_of_these_is_a_pass(what: str) -> None:
    """Each is a way in which a run may look green while nothing was shown."""
    history, status = HISTORIES[what]

    judgement = judge(history)

    assert (judgement.status, judgement.exit_code == 0) == (status, False)


def test_the_history_that_these_are_made_of_is_a_pass() -> None:
    """So it is the one thing changed that takes the pass away."""
    judgement = judge(GOOD)

    assert (judgement.status, judgement.exit_code) == (Status.PASS, 0)


@pytest.mark.parametrize("at", range(len(GOOD)))
def test_run_that_was_cut_off_anywhere_is_no_pass(at: int) -> None:
    """SIGKILL leaves a history that stops."""
    assert judge(GOOD[:at]).exit_code == 2
