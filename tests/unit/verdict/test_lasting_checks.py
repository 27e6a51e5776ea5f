"""A fault that was not on for as long as was asked tested something else."""

from __future__ import annotations

import pytest

from kvchaos.verdict.lasting_checks import fault_lasted, no_other_fault, nothing_else_restarted
from kvchaos.verdict.result import passed, unknown
from tests.builders import ENGINES, KILL, PARTITION, Json, event, injected, recovered, sample, stop

NAME = "fault lasted"
FAULT = "NetworkChaos kvchaos/partition-7f3a9c"
OTHER = "PodChaos kvchaos/pod-kill-41be02"


def kill(**fields: object) -> Json:
    return injected(fault=KILL, duration=None, **fields)


def killed(**fields: object) -> Json:
    return recovered(**{"fault": KILL, "held": None, "asked": None, **fields})


def replaced(at: float = 6.62) -> Json:
    return event(at, "targets_replaced", fault=PARTITION, pods=[ENGINES[1]], replaced_at=at)


def test_fault_lasted_with_measured_and_asked_seconds() -> None:
    """Both are told, so that anybody can compare them."""
    assert fault_lasted([injected(), sample(9.0), recovered()]) == passed(
        NAME, f"{FAULT} stood for 9.68 s (9.5 s asked)"
    )


def test_fault_that_was_not_asked_to_stand_lasted_as_long_as_it_did() -> None:
    """Nothing asked, nothing missed."""
    assert fault_lasted([injected(), sample(9.0), recovered(asked=None)]) == passed(
        NAME, f"{FAULT} stood for 9.68 s (no time asked)"
    )


def test_fault_that_was_on_when_the_run_was_stopped_is_unknown() -> None:
    """How long it was to stand was never come to; one that was over before is none of that."""
    history = [injected(), sample(9.0), stop(12.0), recovered(asked=None)]
    before = [injected(), sample(9.0), recovered(asked=None), stop(13.3)]

    assert fault_lasted(history) == unknown(NAME, f"{FAULT} was on when the run was stopped")
    assert fault_lasted(before).verdict == "pass"
    assert fault_lasted([kill(), stop(5.0), killed()]).verdict == "pass"


def test_kill_does_not_last() -> None:
    """It happens at once, whatever was asked; nobody needs to watch meanwhile."""
    assert fault_lasted([kill(), killed(asked=5.0)]) == passed(NAME, f"{OTHER} happens at once")


def test_each_of_several_faults_is_told() -> None:
    """One line for each."""
    history = [injected(), sample(9.0), recovered(), kill(), killed()]

    assert fault_lasted(history) == passed(
        NAME,
        "2 faults stood as long as asked",
        f"{FAULT} stood for 9.68 s (9.5 s asked)",
        f"{OTHER} happens at once",
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"held": 4.2, "asked": 10.0}, f"{FAULT} ended after 4.20 s of the 10 s asked"),
        ({"healed": 7.72}, f"{FAULT} ended after 4.20 s of the 9.5 s asked"),
        ({"held": -0.3}, f"{FAULT} ended after 0.00 s of the 9.5 s asked"),
    ],
)
def test_fault_that_ended_early_is_unknown(fields: Json, why: str) -> None:
    """Whatever is told of its length: the least of it counts."""
    history = [injected(), sample(4.0), recovered(**fields)]

    assert fault_lasted(history) == unknown(NAME, why)


def test_fault_may_lack_what_rounding_takes() -> None:
    """Moments are rounded to milliseconds."""
    history = [injected(), sample(4.0), recovered(held=9.96, healed=13.5, asked=10.0)]

    assert fault_lasted(history).verdict == "pass"


def test_fault_that_was_lifted_for_a_pod_is_unknown() -> None:
    """A new pod is not cut off, while Chaos Mesh goes on saying that it is."""
    assert fault_lasted([injected(), sample(4.0), replaced(), recovered()]) == unknown(
        NAME, f"{FAULT} was lifted for {ENGINES[1]}, replaced after 3.10 s"
    )


def test_all_doubts_are_told() -> None:
    """The first of them is the reason, the others are the evidence."""
    result = fault_lasted([injected(), replaced(), recovered(held=4.2)])

    doubts = (
        f"{FAULT} was lifted for {ENGINES[1]}, replaced after 3.10 s",
        f"{FAULT} ended after 4.20 s of the 9.5 s asked",
        f"the index was not looked at while {FAULT} was on",
    )
    assert result == unknown(NAME, *doubts)


def old(end: Json) -> Json:
    return {key: value for key, value in end.items() if key not in ("held", "asked")}


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([], "no fault was injected, so nothing was tested"),
        ([injected(), sample(4.0)], f"{FAULT} was not seen to end"),
        (
            [injected(), sample(4.0), old(recovered())],
            f"how long {FAULT} was asked to stand is not told",
        ),
        ([kill(), old(killed())], f"how long {OTHER} was asked to stand is not told"),
        (
            [injected(), sample(3.0), recovered(), sample(14.0)],
            f"the index was not looked at while {FAULT} was on",
        ),
        ([injected(), sample(4.0), recovered(healed=None)], f"when {FAULT} was on is not known"),
        (
            [injected(injected=None), sample(4.0), recovered(held=None, asked=None)],
            f"when {FAULT} was on is not known",
        ),
        (
            [injected(duration=None), sample(3.0), recovered()],
            f"the index was not looked at while {FAULT} was on",
        ),
    ],
)
def test_fault_of_which_it_is_not_told_is_unknown(history: list[Json], why: str) -> None:
    """Not seen to end, not told what was asked, or not watched while it was on."""
    result = fault_lasted(history)

    assert (result.verdict, result.why) == ("unknown", why)


def test_length_that_nobody_measured_is_unknown() -> None:
    """Asked for ten seconds, and neither its end nor its length was seen."""
    history = [injected(), sample(4.0), recovered(healed=None, held=None)]

    assert fault_lasted(history) == unknown(
        NAME,
        f"how long {FAULT} stood is not known; 9.5 s were asked",
        f"when {FAULT} was on is not known",
    )


def test_a_recovery_counts_only_where_nothing_else_restarted() -> None:
    """A router that is restarted in mid-partition has a right index for another reason."""
    name = "nothing else restarted"
    changed = ["a restarted", "b is gone"]
    why = "by something else than the fault, so the recovery may be its doing"

    assert nothing_else_restarted([event(17.3, "bystanders", changed=[])]) == passed(
        name, "every engine and router that no fault was to restart ran on"
    )
    assert nothing_else_restarted([event(17.3, "bystanders", changed=changed)]) == unknown(
        name, f"a restarted, b is gone, {why}"
    )
    assert nothing_else_restarted([]) == unknown(
        name, "nobody looked whether another engine or router restarted"
    )


def test_a_recovery_counts_only_where_no_other_run_had_a_fault() -> None:
    """Two runs at once measure each other."""
    name, other = "no other fault", "networkchaos/cut-r2"
    why = "another run's, was on, too, so what was seen may be its doing"

    def told(*faults: str, looks: int = 9, unanswered: int = 0) -> list[Json]:
        return [event(17, "company", faults=list(faults), looks=looks, unanswered=unanswered)]

    assert no_other_fault(told()) == passed(name, "no other run had a fault there meanwhile")
    assert no_other_fault(told(other)) == unknown(name, f"{other}, {why}")
    assert no_other_fault(told(unanswered=9)) == unknown(
        name, "whether another run had a fault there could not be told"
    )
    assert no_other_fault([]) == unknown(
        name, "nobody looked whether another run had a fault there, too"
    )
