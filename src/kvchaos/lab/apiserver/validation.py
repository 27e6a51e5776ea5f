"""What a built-in object must have before it is kept; every finding at once.

Not all of Kubernetes' validation: what would make a client or a controller of the lab stumble.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.metadata import check_labels
from kvchaos.lab.apiserver.refusal import Cause

_POD_CHANGEABLE = (
    "activeDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "tolerations",
)
_POD_IMMUTABLE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only "
    "additions to existing tolerations), `spec.terminationGracePeriodSeconds` (allow it to be "
    "set to 1 if it was previously negative)"
)


def required(path: str, why: str = "") -> Cause:
    """What is said of a field that must be there."""
    return Cause(path, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def pod(body: Object) -> Iterator[Cause]:
    """A pod's spec."""
    yield from pod_spec(body["spec"], "spec")


def pod_spec(spec: Object, path: str) -> Iterator[Cause]:
    """Containers with distinct names, images and legal ports; a known restart policy."""
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers:
        yield required(f"{path}.containers")
        return
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield from _container(container, f"{path}.{field}[{index}]", seen)
    policy = spec.get("restartPolicy")
    if policy not in {"Always", "OnFailure", "Never"}:
        message = f'Unsupported value: "{policy}": supported values: "Always", "OnFailure", "Never"'
        yield Cause(f"{path}.restartPolicy", message, "FieldValueNotSupported")


def workload(body: Object) -> Iterator[Cause]:
    """A deployment's or replica set's selector, its template, and that they fit."""
    spec = body["spec"]
    template = spec["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    if not spec.get("selector"):
        yield required("spec.selector")
    if not _is_count(spec.get("replicas")):
        message = f"Invalid value: {spec.get('replicas')}: must be greater than or equal to 0"
        yield Cause("spec.replicas", message)
    if any(labels.get(key) != value for key, value in selector.items()):
        shown = json.dumps(labels)
        message = f"Invalid value: {shown}: `selector` does not match template `labels`"
        yield Cause("spec.template.metadata.labels", message)
    yield from check_labels(labels, "spec.template.metadata.labels")
    yield from pod_spec(template["spec"], "spec.template.spec")


def service(body: Object) -> Iterator[Cause]:
    """Legal ports; some, unless it is headless."""
    spec = body["spec"]
    for index, port in enumerate(spec.get("ports") or ()):
        yield from _port(port.get("port"), f"spec.ports[{index}].port")
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        yield required("spec.ports")


def role_binding(body: Object) -> Iterator[Cause]:
    """A role to bind."""
    if not (body.get("roleRef") or {}).get("name"):
        yield required("roleRef.name")


def event(body: Object) -> Iterator[Cause]:
    """An object that it is about."""
    if not body.get("involvedObject"):
        yield required("involvedObject")


CHECKS: Mapping[str, Callable[[Object], Iterator[Cause]]] = {
    "Pod": pod,
    "Deployment": workload,
    "ReplicaSet": workload,
    "Service": service,
    "RoleBinding": role_binding,
    "ClusterRoleBinding": role_binding,
    "Event": event,
}


def check(kind: Kind, body: Object) -> Iterator[Cause]:
    """What is wrong with a built-in object, besides its metadata."""
    if kind.kind in CHECKS and not kind.custom:
        yield from CHECKS[kind.kind](body)


def check_change(kind: Kind, old: Object, new: Object) -> Iterator[Cause]:
    """What may not be changed once an object exists."""
    if kind is kinds.PODS:
        bound = bool(old["spec"].get("nodeName"))
        if _frozen(old["spec"], bound=bound) != _frozen(new["spec"], bound=bound):
            yield Cause("spec", _POD_IMMUTABLE, "FieldValueForbidden")
    if kind in {kinds.DEPLOYMENTS, kinds.REPLICASETS}:
        before, after = old["spec"].get("selector"), new["spec"].get("selector")
        if before != after:
            message = f"Invalid value: {json.dumps(after)}: field is immutable"
            yield Cause("spec.selector", message)
    if kind.kind in {"RoleBinding", "ClusterRoleBinding"} and old["roleRef"] != new["roleRef"]:
        message = f"Invalid value: {json.dumps(new['roleRef'])}: cannot change roleRef"
        yield Cause("roleRef", message)


def _frozen(spec: Object, *, bound: bool) -> Object:
    """What of a pod's spec may not change; it may be given its node once (no binding here)."""
    free = {*_POD_CHANGEABLE, *(() if bound else ("nodeName",))}
    kept = {name: value for name, value in spec.items() if name not in free}
    for field in ("containers", "initContainers"):
        if field in kept:
            kept[field] = [{**container, "image": ""} for container in kept[field]]
    return kept


def _container(container: Any, path: str, seen: set[str]) -> Iterator[Cause]:
    if not isinstance(container, dict):
        yield Cause(path, "Invalid value: a container is an object")
        return
    name = container.get("name")
    if not name:
        yield required(f"{path}.name")
    elif name in seen:
        yield Cause(f"{path}.name", f'Duplicate value: "{name}"', "FieldValueDuplicate")
    seen.add(name or "")
    if not container.get("image"):
        yield required(f"{path}.image")
    for index, port in enumerate(container.get("ports") or ()):
        yield from _port(port.get("containerPort"), f"{path}.ports[{index}].containerPort")
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield required(f"{path}.env[{index}].name")
        if not isinstance(variable.get("value", ""), str | None):
            message = f"Invalid value: {variable['value']!r}: must be a string"
            yield Cause(f"{path}.env[{index}].value", message)


def _port(number: Any, path: str) -> Iterator[Cause]:
    if not number:
        yield required(path)
    elif not _is_count(number) or not 0 < number < 65536:
        yield Cause(path, f"Invalid value: {number}: must be between 1 and 65535, inclusive")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
