"""How a fault gets from created to gone: Chaos Mesh's pipeline as pure functions.

Every record goes round: Not Injected → Not Injected/Wait → Injected → Injected/Wait → Not Injected.
One that waits must finish before it can turn back, so what cannot be applied cannot be removed.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from kvchaos.lab.api import Object
from kvchaos.lab.mesh.duration import go_duration
from kvchaos.lab.node.status import timestamp

FINALIZER = "chaos-mesh/records"
_PAUSE = "experiment.chaos-mesh.org/pause"
_FORCED = "chaos-mesh.chaos-mesh.org/cleanFinalizer"
_ONE_SHOT = ("pod-kill", "container-kill")
_EVENTS_KEPT = 100


class Phase(StrEnum):
    """Of one record."""

    NOT_INJECTED = "Not Injected"
    APPLYING = "Not Injected/Wait"
    INJECTED = "Injected"
    RECOVERING = "Injected/Wait"


class Operation(StrEnum):
    """What to do with a record; also the word in its events."""

    APPLY = "Apply"
    RECOVER = "Recover"


def records_of(fault: Object) -> list[Object] | None:
    """The fault's records; None before anything was selected."""
    return _experiment(fault).get("containerRecords")


def desired_phase(fault: Object, now: float) -> str:
    """Run or Stop: deleted, then one-shot, then duration, then pause."""
    if fault["metadata"].get("deletionTimestamp"):
        return "Stop"
    if is_one_shot(fault):
        return "Run"
    left = seconds_left(fault, now)
    paused = (fault["metadata"].get("annotations") or {}).get(_PAUSE) == "true"
    return "Stop" if paused or (left is not None and left <= 0) else "Run"


def seconds_left(fault: Object, now: float) -> float | None:
    """Until the duration is over, counted from the creation; None when it never will be."""
    duration = go_duration(str(fault["spec"].get("duration", "")))
    if duration is None or is_one_shot(fault):
        return None
    return _wall(fault["metadata"]["creationTimestamp"]) + duration - now


def is_one_shot(fault: Object) -> bool:
    """Whether nothing is left to recover after the injection."""
    return fault["kind"] == "PodChaos" and fault["spec"]["action"] in _ONE_SHOT


def new_record(identity: str, selector_key: str) -> Object:
    """The record of a target just selected."""
    return {
        "id": identity,
        "selectorKey": selector_key,
        "phase": Phase.NOT_INJECTED,
        "injectedCount": 0,
        "recoveredCount": 0,
    }


def next_operation(record: Object, desired: str) -> Operation | None:
    """What brings the record nearer to where it should be; None when it is there."""
    phase = record["phase"]
    if phase == (Phase.INJECTED if desired == "Run" else Phase.NOT_INJECTED):
        return None
    return Operation.APPLY if phase.startswith(Phase.NOT_INJECTED) else Operation.RECOVER


def moved(record: Object, phase: Phase, operation: Operation, now: float) -> Object:
    """The record after a step that worked: counted and noted when the operation is complete."""
    record = {**record, "phase": phase}
    done = {Operation.APPLY: Phase.INJECTED, Operation.RECOVER: Phase.NOT_INJECTED}[operation]
    if phase != done:
        return record
    count = "injectedCount" if operation is Operation.APPLY else "recoveredCount"
    return noted({**record, count: record[count] + 1}, operation, "Succeeded", now)


def failed(record: Object, phase: Phase, operation: Operation, why: str, now: float) -> Object:
    """The record after a step that did not work."""
    return noted({**record, "phase": phase}, operation, "Failed", now, message=why)


def noted(
    record: Object, operation: Operation, kind: str, now: float, *, message: str = ""
) -> Object:
    """The record with one more event."""
    event = {"operation": operation, "timestamp": timestamp(now), "type": kind}
    if message:
        event["message"] = message
    return {**record, "events": [*record.get("events", []), event][-_EVENTS_KEPT:]}


def conditions(fault: Object, records: list[Object] | None) -> list[Object]:
    """The status conditions; AllRecovered holds before the injection too, as in Chaos Mesh."""
    phases = {record["phase"] for record in records or []}
    selected = records is not None
    paused = (fault["metadata"].get("annotations") or {}).get(_PAUSE) == "true"
    values = {
        "Selected": selected,
        "AllInjected": selected and phases <= {Phase.INJECTED},
        "AllRecovered": selected and phases <= {Phase.NOT_INJECTED},
        "Paused": paused,
    }
    return [{"type": kind, "status": str(value)} for kind, value in values.items()]


def shape(fault: Object) -> Object:
    """What of a fault is worth a look when it changes: not the events that a look itself adds."""
    meta = fault["metadata"]
    kept = ("annotations", "deletionTimestamp", "finalizers", "uid")
    status = fault.get("status") or {}
    records = records_of(fault)
    return {
        "metadata": {name: meta.get(name) for name in kept},
        "spec": fault["spec"],
        "conditions": status.get("conditions"),
        "desiredPhase": _experiment(fault).get("desiredPhase"),
        "records": records and [{**record, "events": None} for record in records],
    }


def may_go(fault: Object) -> bool:
    """Whether a fault that is being deleted may lose its finalizer."""
    forced = (fault["metadata"].get("annotations") or {}).get(_FORCED) == "forced"
    records = records_of(fault) or []
    return forced or all(record["phase"] == Phase.NOT_INJECTED for record in records)


def _experiment(fault: Object) -> dict[str, Any]:
    experiment: dict[str, Any] = fault.get("status", {}).get("experiment") or {}
    return experiment


def _wall(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()
