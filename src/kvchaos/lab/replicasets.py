"""ReplicaSet → Pods: as many live pods of the template as wanted, owned by the ReplicaSet.

A pod that vanished, is being deleted or has failed is replaced at once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from kvchaos.lab.api import PODS, REPLICASETS, Api, Object, Resource
from kvchaos.lab.informer import Informer, Key

_OVER = ("Succeeded", "Failed")


class ReplicaSets:
    """The reconciler. It counts pods in the API itself: a copy may not show yet what it did."""

    def __init__(self, api: Api, informers: dict[Resource, Informer]) -> None:
        self._api = api
        self._sets = informers[REPLICASETS]

    async def reconcile(self, key: Key) -> float | None:
        """Create or delete pods, then write the status."""
        body = self._sets.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            return None
        listed = await self._api.list(PODS, namespace=key[0])
        pods = [pod for pod in owned(listed["items"], body) if active(pod)]
        missing = body["spec"].get("replicas", 1) - len(pods)
        pods += [
            await self._api.create(PODS, pod_of(body), namespace=key[0]) for _ in range(missing)
        ]
        for pod in surplus(pods, -missing):
            await self._delete(pod)
        await self._write_status(body, pods)
        return None

    async def _delete(self, pod: Object) -> None:
        meta = pod["metadata"]
        await self._api.delete(PODS, meta["name"], namespace=meta["namespace"], uid=meta["uid"])

    async def _write_status(self, body: Object, pods: list[Object]) -> None:
        ready = sum(map(is_ready, pods))
        status: Object = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "observedGeneration": body["metadata"].get("generation", 1),
        }
        if {**body.get("status", {}), **status} != body.get("status"):
            meta = body["metadata"]
            await self._api.patch(
                REPLICASETS,
                meta["name"],
                {"status": status},
                namespace=meta["namespace"],
                subresource="status",
            )


def owned(children: Iterable[Object], owner: Object) -> list[Object]:
    """Those of ``children`` whose controller ``owner`` is."""
    uid = owner["metadata"]["uid"]
    return [child for child in children if controller_of(child).get("uid") == uid]


def controller_of(body: Object) -> Object:
    """The owner reference of the object's controller; empty when it has none."""
    references = body["metadata"].get("ownerReferences") or []
    return next((each for each in references if each.get("controller")), {})


def reference(owner: Object, kind: str) -> Object:
    """The owner reference to ``owner`` as controller."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def active(pod: Object) -> bool:
    """Whether a pod counts as one of the wanted replicas."""
    over = pod.get("status", {}).get("phase") in _OVER
    return not over and not pod["metadata"].get("deletionTimestamp")


def is_ready(pod: Object) -> bool:
    """Whether a pod's Ready condition is True."""
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def surplus(pods: list[Object], count: int) -> list[Object]:
    """The ``count`` pods to give up: those not ready first, then the youngest."""

    def rank(pod: Object) -> tuple[bool, str, str]:
        meta = pod["metadata"]
        return is_ready(pod), meta["creationTimestamp"], meta["name"]

    unready_first = sorted(pods, key=rank)
    unready = [pod for pod in unready_first if not is_ready(pod)]
    youngest = [pod for pod in reversed(unready_first) if is_ready(pod)]
    return [*unready, *youngest][: max(0, count)]


def pod_of(body: Object) -> Object:
    """A new pod of the ReplicaSet's template."""
    template = copy.deepcopy(body["spec"]["template"])
    meta = template.get("metadata") or {}
    kept = {name: meta[name] for name in ("labels", "annotations") if meta.get(name)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{body['metadata']['name']}-",
            **kept,
            "ownerReferences": [reference(body, "ReplicaSet")],
        },
        "spec": template["spec"],
    }
