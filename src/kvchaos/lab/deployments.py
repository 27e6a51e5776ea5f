"""Deployment → ReplicaSets: one per pod template, the newest grown before the old ones shrink.

A changed template is rolled out with ``maxSurge`` and ``maxUnavailable`` as Kubernetes counts
them; ``Recreate`` first lets every old pod go.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math

from kvchaos.clock import Clock
from kvchaos.lab.api import DEPLOYMENTS, REPLICASETS, Api, Object, Resource
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.node.status import timestamp
from kvchaos.lab.replicasets import owned, reference

_HASH_LABEL = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"


class Deployments:
    """The reconciler."""

    def __init__(self, api: Api, clock: Clock, informers: dict[Resource, Informer]) -> None:
        self._api = api
        self._clock = clock
        self._deployments = informers[DEPLOYMENTS]

    async def reconcile(self, key: Key) -> float | None:
        """One step of the roll-out, then the status."""
        body = self._deployments.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            return None
        name = f"{key[1]}-{template_hash(body)}"
        sets = owned((await self._api.list(REPLICASETS, namespace=key[0]))["items"], body)
        new = next((each for each in sets if each["metadata"]["name"] == name), None)
        old = [each for each in sets if each is not new]
        if new is None:
            revision = 1 + max((revision_of(each) for each in sets), default=0)
            await self._api.create(REPLICASETS, set_of(body, name, revision), namespace=key[0])
            await self._write_status(body, sets, None)
            return None
        for each, count in plan(body, new, old):
            await self._scale(each, count)
        await self._write_status(body, sets, new)
        return None

    async def _scale(self, body: Object, replicas: int) -> None:
        meta = body["metadata"]
        patch = {"spec": {"replicas": replicas}}
        await self._api.patch(REPLICASETS, meta["name"], patch, namespace=meta["namespace"])

    async def _write_status(self, body: Object, sets: list[Object], new: Object | None) -> None:
        now = timestamp(self._clock.wall())
        status = deployment_status(body, sets, new, now)
        if {**body.get("status", {}), **status} != body.get("status"):
            meta = body["metadata"]
            await self._api.patch(
                DEPLOYMENTS,
                meta["name"],
                {"status": status},
                namespace=meta["namespace"],
                subresource="status",
            )


def template_hash(deployment: Object) -> str:
    """A name for the pod template: the same template has the same."""
    text = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def revision_of(body: Object) -> int:
    """The roll-out number of a ReplicaSet."""
    return int((body["metadata"].get("annotations") or {}).get(_REVISION, 0))


def set_of(deployment: Object, name: str, revision: int) -> Object:
    """The ReplicaSet for the deployment's present template, still without pods."""
    template = copy.deepcopy(deployment["spec"]["template"])
    meta = template.setdefault("metadata", {})
    labels = {**(meta.get("labels") or {}), _HASH_LABEL: name.rpartition("-")[2]}
    meta["labels"] = labels
    selector = copy.deepcopy(deployment["spec"]["selector"])
    selector.setdefault("matchLabels", {})[_HASH_LABEL] = labels[_HASH_LABEL]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {_REVISION: str(revision)},
            "ownerReferences": [reference(deployment, "Deployment")],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }


def plan(deployment: Object, new: Object, old: list[Object]) -> list[tuple[Object, int]]:
    """Which ReplicaSets to scale to what, as one step that keeps within the strategy's bounds."""
    wanted = deployment["spec"].get("replicas", 1)
    if deployment["spec"].get("paused"):
        return []
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        down = [(each, 0) for each in old if replicas(each)]
        gone = not any(each.get("status", {}).get("replicas") for each in old)
        up = [(new, wanted)] if gone and not down and replicas(new) != wanted else []
        return down + up
    limits = strategy.get("rollingUpdate") or {}
    surge = _count(limits.get("maxSurge", "25%"), wanted, up=True)
    unavailable = _count(limits.get("maxUnavailable", "25%"), wanted, up=False)
    if not surge and not unavailable:
        unavailable = 1
    room = wanted + surge - sum(map(replicas, old))
    grown = wanted if not old else max(min(wanted, room), min(replicas(new), wanted))
    steps = [(new, grown)] if grown != replicas(new) else []
    ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in [new, *old])
    spare = max(0, ready - (wanted - unavailable))
    for each in old:
        unready = replicas(each) - each.get("status", {}).get("readyReplicas", 0)
        less = min(replicas(each), spare + max(0, unready))
        spare -= min(spare, max(0, less - max(0, unready)))
        if less:
            steps.append((each, replicas(each) - less))
    return steps


def replicas(body: Object) -> int:
    """How many pods a ReplicaSet should have."""
    return int(body["spec"].get("replicas", 1))


def deployment_status(
    deployment: Object, sets: list[Object], new: Object | None, now: str
) -> Object:
    """The whole status: counts, and the conditions Available and Progressing."""
    wanted = deployment["spec"].get("replicas", 1)
    total = sum(each.get("status", {}).get("replicas", 0) for each in sets)
    ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in sets)
    updated = new.get("status", {}).get("replicas", 0) if new else 0
    strategy = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    spare = _count(strategy.get("maxUnavailable", "25%"), wanted, up=False)
    complete = updated == wanted == total and ready >= wanted
    available = ready >= wanted - spare
    conditions = {
        "Available": _available(available),
        "Progressing": _progressing(complete, new),
    }
    old = {each["type"]: each for each in deployment.get("status", {}).get("conditions") or []}
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, wanted - ready),
        "conditions": [
            _condition(kind, value, old.get(kind), now) for kind, value in conditions.items()
        ],
    }


def _available(available: bool) -> Object:
    if available:
        return {
            "status": "True",
            "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability.",
        }
    return {
        "status": "False",
        "reason": "MinimumReplicasUnavailable",
        "message": "Deployment does not have minimum availability.",
    }


def _progressing(complete: bool, new: Object | None) -> Object:
    name = new["metadata"]["name"] if new else ""
    if complete:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return {"status": "True", "reason": "NewReplicaSetAvailable", "message": message}
    message = f'ReplicaSet "{name}" is progressing.'
    return {"status": "True", "reason": "ReplicaSetUpdated", "message": message}


def _condition(kind: str, value: Object, old: Object | None, now: str) -> Object:
    if old is not None and {**old, **value} == old:
        return old
    kept = old is not None and old["status"] == value["status"]
    since = old["lastTransitionTime"] if old is not None and kept else now
    return {"type": kind, **value, "lastUpdateTime": now, "lastTransitionTime": since}


def _count(value: int | str, wanted: int, *, up: bool) -> int:
    """An absolute number, or a percentage of ``wanted`` rounded up or down."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * wanted / 100
    return math.ceil(share) if up else math.floor(share)
