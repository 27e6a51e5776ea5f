"""The values that Kubernetes fills in where clients leave them out, as far as clients look.

One function per kind, in place; ``DEFAULTS`` is the table of them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from kvchaos.lab.apiserver import chaosmesh, kinds
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object

_POD = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
}
_BOUND_POD = {"serviceAccountName": "default", "enableServiceLinks": True, "priority": 0}
_CONTAINER = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_DEPLOYMENT = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_ROLLING = {"maxUnavailable": "25%", "maxSurge": "25%"}
_SERVICE = {
    "type": "ClusterIP",
    "sessionAffinity": "None",
}


def pod(body: Object) -> None:
    """A pod: its spec, and the quality of service that follows from it."""
    spec = body["spec"]
    pod_spec(spec)
    _fill(spec, _BOUND_POD)
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    body.setdefault("status", {})["qosClass"] = _qos(spec)


def pod_spec(spec: Object) -> None:
    """What a pod and a pod template have in common."""
    _fill(spec, _POD)
    spec.setdefault("securityContext", {})
    for container in _objects(spec, "containers", "initContainers"):
        _container(container)
    for volume in _objects(spec, "volumes"):
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", 0o644)


def deployment(body: Object) -> None:
    """One replica, rolling updates, and the template's own defaults."""
    spec = body["spec"]
    _fill(spec, _DEPLOYMENT)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy.setdefault("rollingUpdate", {}), _ROLLING)
    _template(spec)


def replicaset(body: Object) -> None:
    """One replica, and the template's own defaults."""
    body["spec"].setdefault("replicas", 1)
    _template(body["spec"])


def service(body: Object) -> None:
    """A headless service whose ports lead to the same port of the pods."""
    spec = body["spec"]
    _fill(spec, _SERVICE)
    if spec.get("ports"):  # the lab has no service proxy: every service is headless
        spec.setdefault("clusterIP", "None")
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    for port in _objects(spec, "ports"):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def endpoints(body: Object) -> None:
    """TCP ports."""
    for subset in _objects(body, "subsets"):
        for port in _objects(subset, "ports"):
            port.setdefault("protocol", "TCP")


def namespace(body: Object) -> None:
    """The label that carries its name, and the finalizer that shows it can drain."""
    metadata = body["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])


def secret(body: Object) -> None:
    """Opaque, with stringData moved into data."""
    body.setdefault("type", "Opaque")
    for name, value in (body.pop("stringData", None) or {}).items():
        encoded = base64.b64encode(str(value).encode()).decode()
        body.setdefault("data", {})[name] = encoded


DEFAULTS: Mapping[Kind, Callable[[Object], None]] = {
    kinds.PODS: pod,
    kinds.DEPLOYMENTS: deployment,
    kinds.REPLICASETS: replicaset,
    kinds.SERVICES: service,
    kinds.ENDPOINTS: endpoints,
    kinds.NAMESPACES: namespace,
    kinds.SECRETS: secret,
    kinds.NETWORKCHAOS: chaosmesh.default,
    kinds.PODCHAOS: chaosmesh.default,
}


def fill(kind: Kind, body: Object) -> None:
    """Set the defaults of a kind, in place."""
    if kind in DEFAULTS:
        DEFAULTS[kind](body)


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))


def _container(container: Object) -> None:
    _fill(container, _CONTAINER)
    container.setdefault("resources", {})
    tag = container.get("image", "").rpartition("/")[2].partition(":")[2]
    container.setdefault("imagePullPolicy", "Always" if tag in {"", "latest"} else "IfNotPresent")
    for port in _objects(container, "ports"):
        port.setdefault("protocol", "TCP")
    for name in ("readinessProbe", "livenessProbe", "startupProbe"):
        if isinstance(probe := container.get(name), dict):
            _fill(probe, _PROBE)
            if isinstance(get := probe.get("httpGet"), dict):
                _fill(get, {"path": "/", "scheme": "HTTP"})
    for variable in _objects(container, "env"):
        source = variable.get("valueFrom") or {}
        if isinstance(reference := source.get("fieldRef"), dict):
            reference.setdefault("apiVersion", "v1")


def _qos(spec: Object) -> str:
    resources = [container.get("resources") or {} for container in _objects(spec, "containers")]
    limits = [one.get("limits") or {} for one in resources]
    if all({"cpu", "memory"} <= limit.keys() for limit in limits) and all(
        (one.get("requests") or limit) == limit
        for one, limit in zip(resources, limits, strict=True)
    ):
        return "Guaranteed"
    return (
        "Burstable"
        if any(one.get("requests") or one.get("limits") for one in resources)
        else "BestEffort"
    )


def _objects(owner: Object, *names: str) -> list[Object]:
    """The objects in the named lists; what is malformed is left to validation."""
    lists: list[Any] = [owner.get(name) for name in names]
    found = [item for one in lists if isinstance(one, list) for item in one]
    return [item for item in found if isinstance(item, dict)]


def _fill(target: Object, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if target.get(name) is None:
            target[name] = value
