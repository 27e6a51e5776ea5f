"""No check is there for nothing: for each there is a run that it alone keeps from being a pass."""

from __future__ import annotations

import pytest

from kvchaos.verdict.checks import CHECKS
from kvchaos.verdict.verdict import Verdict, judge
from tests import builders
from tests.builders import Json, altered, event, run_that_recovered

GOOD = run_that_recovered()


def gate(when: str) -> list[Json]:
    """The hypothesis was not met then."""
    return [
        {**each, "met": False, "failed": ["index-agrees"]}
        if (each["event"], each.get("when")) == ("hypothesis", when)
        else each
        for each in GOOD
    ]


STOP = event(17.45, "stop", by="signal", reason="SIGTERM")
ALONE: dict[str, list[Json]] = {
    "history_in_order": [*GOOD[:-1], GOOD[0], GOOD[-1]],
    "steady_state_before": gate("before"),
    "actions_succeeded": [
        {**each, "outcome": "failed"} if each.get("name") == "recover-fault" else each
        for each in GOOD
    ],
    "fault_landed": altered(GOOD, "fault_injected", targets=[]),
    "effect_observed": altered(GOOD, "effect", effect="inconclusive"),
    "steady_state_during": builders.run_with_a_deviation_that_healed(),
    "fault_lasted": altered(GOOD, "fault_recovered", asked=20.0),
    "nothing_else_restarted": altered(GOOD, "bystanders", changed=["a router restarted"]),
    "no_other_fault": altered(GOOD, "company", faults=["networkchaos/cut-r2"]),
    "recovered_within_budget": altered(GOOD, "recovery", flushed=None),
    "steady_state_after": gate("after"),
    "oracle_complete": builders.run_with_observer_incomplete(),
    "observer_up_and_sampled": altered(GOOD, "observer", sampler_up=False),
    "nothing_left": altered(GOOD, "residue", left=["networkchaos/cut in kvchaos: not deleted"]),
    "not_stopped": [*GOOD[:-1], STOP, GOOD[-1]],
    "run_reached_its_end": altered(GOOD, "run_ended", journal="interrupted"),
}


def test_every_check_has_such_a_run() -> None:
    """Also one that is new."""
    assert list(ALONE) == [check.__name__ for check in CHECKS]


@pytest.mark.parametrize("name", ALONE)
def test_one_check_alone_keeps_a_run_from_being_a_pass(name: str) -> None:
    """And without that check it would be one."""
    others = [check for check in CHECKS if check.__name__ != name]

    assert judge(ALONE[name]).verdict is not Verdict.PASS
    assert [r.name for r in judge(ALONE[name], others).results if r.verdict != "pass"] == []
