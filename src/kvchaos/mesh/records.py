"""What Chaos Mesh writes about a fault, read with its pitfalls in mind. Pure.

A fault object's status: ``conditions[]{type,status}`` (Selected, AllInjected, AllRecovered),
``experiment.desiredPhase`` Run or Stop, ``experiment.containerRecords[]{id, selectorKey, phase,
injectedCount, recoveredCount, events[]{type, operation, message, timestamp}}``. AllRecovered is
True before injection too, and conditions lag the records by one reconcile: neither is believed
alone. A PodNetworkChaos (named as its pod) lists the rules in the pod, each with the ``source``
``namespace/name`` of the fault it came from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kvchaos.cluster.kinds import Object

RULES = ("iptables", "ipsets", "tcs")
"""The lists of a PodNetworkChaos whose entries carry a source."""


_UNREACHED = re.compile(
    r"cannot find daemonIP|code = (Unavailable|DeadlineExceeded)|connection refused"
    r"|no route to host|i/o timeout"
)
"""What Chaos Mesh writes when no chaos-daemon answers: nothing in the pod has been changed."""


@dataclass(frozen=True, slots=True)
class Record:
    """One target of a fault. ``id`` is ``namespace/pod`` or ``namespace/pod/container``."""

    id: str
    role: str
    phase: str
    injected: int
    recovered: int
    events: tuple[dict[str, Any], ...] = ()


def conditions(body: Object) -> dict[str, str]:
    """The status of each condition, by its type; empty when there is none yet."""
    found = (body.get("status") or {}).get("conditions") or []
    return {str(each.get("type")): str(each.get("status")) for each in found}


def desired_phase(body: Object) -> str:
    """``Run``, ``Stop``, or empty when the controller has not seen the object yet."""
    return str(_experiment(body).get("desiredPhase") or "")


def records(body: Object) -> list[Record]:
    """The records of all targets; empty when none was selected."""
    return [
        Record(
            id=str(each.get("id", "")),
            role=str(each.get("selectorKey", "")),
            phase=str(each.get("phase", "")),
            injected=int(each.get("injectedCount") or 0),
            recovered=int(each.get("recoveredCount") or 0),
            events=tuple(each.get("events") or ()),
        )
        for each in _experiment(body).get("containerRecords") or ()
    ]


def missing_for_injection(body: Object) -> list[str]:
    """What still speaks against the fault being injected everywhere; empty when it is."""
    seen, found = conditions(body), records(body)
    lacks = [f"{name}={seen.get(name, 'unset')}" for name in _WANTED if seen.get(name) != "True"]
    if not found:
        lacks.append("no records")
    lacks += [f"{each.id} {each.phase}" for each in found if not _is_injected(each)]
    return lacks


def has_ended(body: Object) -> bool:
    """Whether the fault was injected and then recovered everywhere, its object still there."""
    found = records(body)
    return (
        desired_phase(body) == "Stop"
        and conditions(body).get("AllRecovered") == "True"
        and bool(found)
        and all(
            each.phase == "Not Injected" and each.injected >= 1 and each.recovered >= each.injected
            for each in found
        )
    )


def last_failure(body: Object) -> str:
    """The newest ``Failed`` event of any record, as ``Apply ns/pod: message``; empty for none."""
    failures = [
        (str(event.get("timestamp", "")), f"{event.get('operation')} {record.id}: {message}")
        for record in records(body)
        for event in record.events
        if event.get("type") == "Failed" and (message := event.get("message", ""))
    ]
    return max(failures, default=("", ""))[1]


def stood_for(body: Object) -> float | None:
    """Seconds from the last injection to the last recovery, each told to whole seconds.

    Both by the cluster's clock; None while there are not both.
    """
    applied, recovered = (_stamps(body, operation) for operation in ("Apply", "Recover"))
    return max(recovered) - max(applied) if applied and recovered else None


def created_wall(body: Object) -> float | None:
    """When the object was created, in Unix seconds of the cluster, to whole seconds."""
    stamp = body["metadata"].get("creationTimestamp")
    return datetime.fromisoformat(str(stamp)).timestamp() if stamp else None


def unreached(body: Object) -> str:
    """Why no chaos-daemon was reached at the last attempt on a target; empty when it was."""
    for record in records(body):
        newest = record.events[-1] if record.events else {}
        message = str(newest.get("message") or "")
        if newest.get("type") == "Failed" and _UNREACHED.search(message):
            return f"{record.id}: {message}"
    return ""


def places_of(body: Object) -> list[tuple[str, str]]:
    """The pods that a fault has records of, as (namespace, name), sorted, each once."""
    found = {tuple(record.id.split("/")[:2]) for record in records(body)}
    return sorted((each[0], each[1]) for each in found if len(each) == 2)


def sources(rules: Object) -> set[str]:
    """The faults, as ``namespace/name``, that a PodNetworkChaos has rules of."""
    spec = rules.get("spec") or {}
    return {str(entry.get("source")) for key in RULES for entry in spec.get(key) or ()}


def rules_unreached(rules: Object) -> str:
    """Why no chaos-daemon was reached to apply a PodNetworkChaos; empty when it was."""
    failed = str((rules.get("status") or {}).get("failedMessage") or "")
    return failed if _UNREACHED.search(failed) else ""


def without_source(rules: Object, source: str) -> Object:
    """The lists of a PodNetworkChaos's spec without the entries of ``source``."""
    spec = rules.get("spec") or {}
    return {
        key: [entry for entry in spec[key] if entry.get("source") != source]
        for key in RULES
        if spec.get(key)
    }


def not_applied(rules: Object) -> str:
    """Why the pod's rules are not what a PodNetworkChaos says; empty when they are."""
    status = rules.get("status") or {}
    if failed := status.get("failedMessage"):
        return str(failed)
    wanted, seen = rules["metadata"].get("generation"), status.get("observedGeneration")
    return "" if wanted == seen else f"generation {wanted} not applied yet (observed {seen})"


_WANTED = ("Selected", "AllInjected")


def _is_injected(record: Record) -> bool:
    return record.phase == "Injected" and record.injected >= 1


def _stamps(body: Object, operation: str) -> list[float]:
    """When ``operation`` succeeded, in Unix seconds of the cluster."""
    return [
        datetime.fromisoformat(str(event.get("timestamp"))).timestamp()
        for record in records(body)
        for event in record.events
        if (event.get("type"), event.get("operation")) == ("Succeeded", operation)
    ]


def _experiment(body: Object) -> dict[str, Any]:
    experiment: dict[str, Any] = (body.get("status") or {}).get("experiment") or {}
    return experiment
