"""Other runs' faults: none is started beside them, and those that come later are told."""

from __future__ import annotations

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterError, FaultRefused
from kvchaos.run import company, faults
from kvchaos.run.company import CompanyWatch
from tests.run_world import CUT, VALUES, Made, cuttable
from tests.scripted import partition


def of_another_run() -> Object:
    body = partition()
    body["metadata"] = {**body["metadata"], "name": "cut-r2", "labels": {"kvchaos.io/run": "r2"}}
    return body


def test_no_fault_is_started_beside_that_of_another_run(made: Made) -> None:
    """The preflight looked before the other one was there."""
    world = made(cuttable())
    world.cluster.add(of_another_run())

    with pytest.raises(FaultRefused, match="networkchaos/cut-r2"):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)

    assert not world.has_fault("networkchaos", CUT)


def test_our_own_faults_are_no_company(made: Made) -> None:
    """Nor are objects that no run made."""
    world = made()
    world.cluster.add(partition())

    assert company.others(world.run.cluster, run="r1", namespace="kvchaos") == []


def test_what_was_seen_once_is_remembered_and_what_was_not_answered_counted() -> None:
    """The other run may be over by the end of this one."""
    told: list[list[str] | Exception] = [
        [],
        ["podchaos/a"],
        ClusterError("no answer"),
        KeyError("metadata"),
        [],
    ]

    def look() -> list[str]:
        answer = told.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watching = CompanyWatch(look)
    for _ in range(5):
        watching.look()

    assert (watching.seen, watching.looks, watching.unanswered) == ({"podchaos/a"}, 5, 2)
