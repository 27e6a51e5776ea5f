"""Workload controllers: Deployments make ReplicaSets, ReplicaSets make Pods."""

from __future__ import annotations

from kvchaos.clock import Clock
from kvchaos.lab.api import DEPLOYMENTS, PODS, REPLICASETS, Api, Resource
from kvchaos.lab.deployments import Deployments
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.queue import WorkQueue
from kvchaos.lab.replicasets import ReplicaSets, controller_of


class Workloads:
    """Both controllers and what wakes them; ``queues`` are to be run."""

    def __init__(self, api: Api, clock: Clock, informers: dict[Resource, Informer]) -> None:
        self._informers = informers
        self._deployments = WorkQueue("deployment", Deployments(api, clock, informers).reconcile)
        self._sets = WorkQueue("replicaset", ReplicaSets(api, informers).reconcile)
        self.queues = (self._deployments, self._sets)
        self._owner: dict[Resource, dict[Key, Key]] = {PODS: {}, REPLICASETS: {}}
        informers[DEPLOYMENTS].on_change(self._deployments.add)
        informers[REPLICASETS].on_change(self._sets.add)
        informers[REPLICASETS].on_change(lambda key: self._wake(REPLICASETS, key))
        informers[PODS].on_change(lambda key: self._wake(PODS, key))

    def _wake(self, resource: Resource, key: Key) -> None:
        """Have the owner of a changed object looked at, also when the object is gone."""
        owners = self._owner[resource]
        body = self._informers[resource].get(key)
        if body is not None:
            name = controller_of(body).get("name")
            if name:
                owners[key] = (key[0], name)
        owner = owners.get(key) if body is not None else owners.pop(key, None)
        if owner is not None:
            queue = self._sets if resource is PODS else self._deployments
            queue.add(owner)
