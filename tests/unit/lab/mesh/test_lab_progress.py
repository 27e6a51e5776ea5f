"""How far a fault is, what is next, and what its conditions say."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.mesh import progress
from kvchaos.lab.mesh.progress import Operation, Phase

CREATED = "1970-01-01T00:00:10Z"


def fault(kind: str = "NetworkChaos", *, records: Any = None, **spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": kind,
        "metadata": {"name": "f", "namespace": "ns", "creationTimestamp": CREATED, "uid": "u"},
        "spec": {"action": "partition", **spec},
    }
    if records is not None:
        body["status"] = {"experiment": {"containerRecords": records}}
    return body


def in_phase(*phases: Phase) -> list[dict[str, Any]]:
    return [{**progress.new_record("ns/p", "."), "phase": phase} for phase in phases]


def test_duration_counts_from_the_creation() -> None:
    """Slow injection eats the window, as in Chaos Mesh."""
    body = fault(duration="5s")

    assert [progress.desired_phase(body, now) for now in (10, 14.9, 15)] == ["Run", "Run", "Stop"]
    assert progress.seconds_left(body, 12) == 3


@pytest.mark.parametrize("duration", ["", "30"])
def test_duration_that_cannot_be_read_never_ends(duration: str) -> None:
    """It passes admission and then nothing stops it: a trap worth keeping."""
    body = fault(duration=duration)

    assert progress.desired_phase(body, 1e9) == "Run"
    assert progress.seconds_left(body, 1e9) is None


def test_deletion_stops_everything_and_one_shots_ignore_the_rest() -> None:
    """Deleted, then one-shot, then duration, then pause."""
    paused = {"experiment.chaos-mesh.org/pause": "true"}
    kill = fault("PodChaos", action="pod-kill", duration="1s")
    kill["metadata"]["annotations"] = paused
    halted = fault(duration="1h")
    halted["metadata"]["annotations"] = paused
    going = fault("PodChaos", action="pod-kill")
    going["metadata"]["deletionTimestamp"] = CREATED

    found = [progress.desired_phase(body, 100) for body in (kill, halted, going)]

    assert found == ["Run", "Stop", "Stop"]


@pytest.mark.parametrize(
    ("phase", "desired", "operation"),
    [
        (Phase.NOT_INJECTED, "Run", Operation.APPLY),
        (Phase.APPLYING, "Run", Operation.APPLY),
        (Phase.INJECTED, "Run", None),
        (Phase.RECOVERING, "Run", Operation.RECOVER),
        (Phase.NOT_INJECTED, "Stop", None),
        (Phase.APPLYING, "Stop", Operation.APPLY),
        (Phase.INJECTED, "Stop", Operation.RECOVER),
        (Phase.RECOVERING, "Stop", Operation.RECOVER),
    ],
)
def test_record_that_waits_must_finish_before_it_turns_back(
    phase: Phase, desired: str, operation: Operation | None
) -> None:
    """So a fault that cannot be applied cannot be deleted either."""
    assert progress.next_operation({"phase": phase}, desired) == operation


def test_records_count_and_note_complete_steps_only() -> None:
    """From the first step to the recovery, the record as the API shows it."""
    record = progress.new_record("ns/p", ".")
    record = progress.moved(record, Phase.APPLYING, Operation.APPLY, 1)
    record = progress.failed(record, Phase.APPLYING, Operation.APPLY, "no netem", 2)
    record = progress.moved(record, Phase.INJECTED, Operation.APPLY, 3)
    record = progress.moved(record, Phase.RECOVERING, Operation.RECOVER, 4)
    record = progress.moved(record, Phase.NOT_INJECTED, Operation.RECOVER, 5)

    def event(operation: str, second: int, kind: str, **more: str) -> dict[str, str]:
        stamp = f"1970-01-01T00:00:0{second}Z"
        return {"operation": operation, "timestamp": stamp, "type": kind, **more}

    assert record == {
        "id": "ns/p",
        "selectorKey": ".",
        "phase": "Not Injected",
        "injectedCount": 1,
        "recoveredCount": 1,
        "events": [
            event("Apply", 2, "Failed", message="no netem"),
            event("Apply", 3, "Succeeded"),
            event("Recover", 5, "Succeeded"),
        ],
    }


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (None, {"Selected": "False", "AllInjected": "False", "AllRecovered": "False"}),
        (
            in_phase(Phase.NOT_INJECTED),
            {"Selected": "True", "AllInjected": "False", "AllRecovered": "True"},
        ),
        (
            in_phase(Phase.INJECTED, Phase.APPLYING),
            {"Selected": "True", "AllInjected": "False", "AllRecovered": "False"},
        ),
        (
            in_phase(Phase.INJECTED, Phase.INJECTED),
            {"Selected": "True", "AllInjected": "True", "AllRecovered": "False"},
        ),
    ],
)
def test_conditions_are_as_deceptive_as_chaos_meshs(
    records: list[dict[str, Any]] | None, expected: dict[str, str]
) -> None:
    """AllRecovered is True before the injection too."""
    found = {each["type"]: each["status"] for each in progress.conditions(fault(), records)}

    assert found == {**expected, "Paused": "False"}


def test_finalizer_goes_when_all_is_recovered_or_forced() -> None:
    """The annotation is spelt cleanFinalizer."""
    stuck = fault(records=in_phase(Phase.INJECTED))
    forced = fault(records=in_phase(Phase.INJECTED))
    forced["metadata"]["annotations"] = {"chaos-mesh.chaos-mesh.org/cleanFinalizer": "forced"}
    done = fault(records=in_phase(Phase.NOT_INJECTED))

    assert [progress.may_go(body) for body in (stuck, forced, done)] == [False, True, True]


def test_events_of_failures_do_not_change_a_faults_shape() -> None:
    """Else every failure that is noted would cause the next try at once."""
    before = fault(records=in_phase(Phase.APPLYING))
    noted = [
        progress.failed(record, Phase.APPLYING, Operation.APPLY, "no", 1)
        for record in in_phase(Phase.APPLYING)
    ]

    assert progress.shape(fault(records=noted)) == progress.shape(before)
    assert progress.shape(fault(records=in_phase(Phase.INJECTED))) != progress.shape(before)
