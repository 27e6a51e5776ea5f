"""The scale subresource: a workload's number of replicas as an object of its own."""

from __future__ import annotations

from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import bad_request

_KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def of(body: Object) -> Object:
    """The Scale of a workload."""
    labels = (body["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: body["metadata"][name] for name in _KEPT},
        "spec": {"replicas": body["spec"].get("replicas", 0)},
        "status": {
            "replicas": body.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def applied(kind: Kind, body: Object, wanted: Object) -> Object:
    """``body`` with the replicas and the precondition of ``wanted``, a Scale."""
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(f"spec.replicas of the Scale of {kind.resource}: {replicas!r}")
    metadata = dict(body["metadata"])
    if version := (wanted.get("metadata") or {}).get("resourceVersion"):
        metadata["resourceVersion"] = version
    return {**body, "metadata": metadata, "spec": {**body["spec"], "replicas": replicas}}
