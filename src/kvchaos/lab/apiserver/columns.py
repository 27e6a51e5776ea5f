"""What ``kubectl get`` prints: for each kind its columns, and how a cell comes from an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.cells import (
    NONE,
    UNKNOWN,
    Cell,
    age,
    at,
    count,
    dig,
    human_duration,
    joined,
    labels_at,
)
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.metadata import seconds_since_epoch
from kvchaos.lab.apiserver.podcolumns import pod_ready, pod_restarts, pod_status


class Column(NamedTuple):
    """``priority`` 1 shows it only with ``-o wide``; ``type`` and ``format`` are OpenAPI's."""

    name: str
    cell: Cell
    priority: int = 0
    type: str = "string"
    format: str = ""


def _replicas_ready(body: Object, _now: float) -> str:
    return f"{dig(body, 'status.readyReplicas') or 0}/{dig(body, 'spec.replicas') or 0}"


def _node_status(body: Object, _now: float) -> str:
    conditions = dig(body, "status.conditions") or ()
    ready = [one["status"] for one in conditions if one.get("type") == "Ready"]
    found = {"True": "Ready", "False": "NotReady"}.get(ready[0], UNKNOWN) if ready else "Unknown"
    return f"{found},SchedulingDisabled" if dig(body, "spec.unschedulable") else found


def _node_address(wanted: str) -> Cell:
    def cell(body: Object, _now: float) -> str:
        found = dig(body, "status.addresses") or ()
        return next((str(one["address"]) for one in found if one.get("type") == wanted), NONE)

    return cell


def _node_roles(body: Object, _now: float) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = dig(body, "metadata.labels") or {}
    return ",".join(sorted(key[len(prefix) :] for key in labels if key.startswith(prefix))) or NONE


def _endpoint_list(body: Object, _now: float) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in body.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return ",".join(found[:3]) + (f" + {len(found) - 3} more..." if found[3:] else "") or NONE


def _event_object(body: Object, _now: float) -> str:
    involved = body["involvedObject"]
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _event_age(body: Object, now: float) -> str:
    for name in ("lastTimestamp", "eventTime", "firstTimestamp"):
        if text := body.get(name):
            return human_duration(now - seconds_since_epoch(text))
    return str(age()(body, now))


_NAME = Column("Name", at("metadata.name"), format="name")
_AGE = Column("Age", age())
_CONTAINERS = (
    Column("Containers", joined("spec.template.spec.containers", lambda one: one["name"]), 1),
    Column("Images", joined("spec.template.spec.containers", lambda one: one["image"]), 1),
    Column("Selector", labels_at("spec.selector.matchLabels"), 1),
)


def _port(port: Object) -> str:
    return f"{port['port']}/{port.get('protocol', 'TCP')}"


def _subject(subject: Object) -> str:
    where = subject.get("namespace")
    return f"{where}/{subject.get('name', '')}" if where else str(subject.get("name", ""))


def _number(path: str) -> Cell:
    return at(path, 0)


COLUMNS: Mapping[Kind, tuple[Column, ...]] = {
    kinds.NAMESPACES: (_NAME, Column("Status", at("status.phase")), _AGE),
    kinds.NODES: (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", at("status.nodeInfo.kubeletVersion")),
        Column("Internal-IP", _node_address("InternalIP"), 1),
        Column("External-IP", _node_address("ExternalIP"), 1),
        Column("OS-Image", at("status.nodeInfo.osImage", UNKNOWN), 1),
        Column("Kernel-Version", at("status.nodeInfo.kernelVersion", UNKNOWN), 1),
        Column("Container-Runtime", at("status.nodeInfo.containerRuntimeVersion", UNKNOWN), 1),
    ),
    kinds.PODS: (
        _NAME,
        Column("Ready", lambda body, _now: pod_ready(body)),
        Column("Status", lambda body, _now: pod_status(body)),
        Column("Restarts", lambda body, now: pod_restarts(body, now, human_duration)),
        _AGE,
        Column("IP", at("status.podIP"), 1),
        Column("Node", at("spec.nodeName"), 1),
        Column("Nominated Node", at("status.nominatedNodeName"), 1),
        Column("Readiness Gates", lambda _body, _now: NONE, 1),
    ),
    kinds.SERVICES: (
        _NAME,
        Column("Type", at("spec.type")),
        Column("Cluster-IP", at("spec.clusterIP")),
        Column("External-IP", lambda _body, _now: NONE),
        Column("Port(s)", joined("spec.ports", _port)),
        _AGE,
        Column("Selector", labels_at("spec.selector"), 1),
    ),
    kinds.ENDPOINTS: (_NAME, Column("Endpoints", _endpoint_list), _AGE),
    kinds.CONFIGMAPS: (_NAME, Column("Data", count("data"), type="integer"), _AGE),
    kinds.SECRETS: (
        _NAME,
        Column("Type", at("type")),
        Column("Data", count("data"), type="integer"),
        _AGE,
    ),
    kinds.SERVICEACCOUNTS: (_NAME, Column("Secrets", count("secrets"), type="integer"), _AGE),
    kinds.EVENTS: (
        Column("Last Seen", _event_age),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", _event_object),
        Column("Subobject", at("involvedObject.fieldPath", ""), 1),
        Column("Source", at("source.component", ""), 1),
        Column("Message", at("message", "")),
        Column("First Seen", age("firstTimestamp"), 1),
        Column("Count", at("count", 1), 1),
        Column("Name", at("metadata.name"), 1, format="name"),
    ),
    kinds.DEPLOYMENTS: (
        _NAME,
        Column("Ready", _replicas_ready),
        Column("Up-to-date", _number("status.updatedReplicas"), type="integer"),
        Column("Available", _number("status.availableReplicas"), type="integer"),
        _AGE,
        *_CONTAINERS,
    ),
    kinds.REPLICASETS: (
        _NAME,
        Column("Desired", _number("spec.replicas"), type="integer"),
        Column("Current", _number("status.replicas"), type="integer"),
        Column("Ready", _number("status.readyReplicas"), type="integer"),
        _AGE,
        *_CONTAINERS,
    ),
    kinds.LEASES: (_NAME, Column("Holder", at("spec.holderIdentity")), _AGE),
    **{
        kind: (
            _NAME,
            Column(
                "Role", lambda body, _now: f"{body['roleRef']['kind']}/{body['roleRef']['name']}"
            ),
            _AGE,
            Column("Subjects", joined("subjects", _subject), 1),
        )
        for kind in kinds.KINDS
        if kind.kind.endswith("RoleBinding")
    },
    **{
        kind: (_NAME, Column("Created At", at("metadata.creationTimestamp")))
        for kind in kinds.KINDS
        if kind.kind in {"Role", "ClusterRole", "CustomResourceDefinition"}
    },
}


def columns(kind: Kind) -> tuple[Column, ...]:
    """The columns of a kind: its own, those of its definition, or name and age."""
    if kind in COLUMNS:
        return COLUMNS[kind]
    own = tuple(Column(name, at(path, "")) for name, path in kind.columns)
    return (_NAME, *own) if own else (_NAME, _AGE)
