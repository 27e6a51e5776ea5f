"""The mesh controllers together: what wakes them, and which effect each action has."""

from __future__ import annotations

from random import Random

from kvchaos.clock import Clock
from kvchaos.lab.api import NETWORKCHAOS, PODCHAOS, PODNETWORKCHAOS, PODS, Api, Object, Resource
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.mesh.faults import Faults, Tools
from kvchaos.lab.mesh.impl import Effect
from kvchaos.lab.mesh.networkeffect import NetworkEffect
from kvchaos.lab.mesh.podeffects import ContainerKill, PodFailure, PodKill
from kvchaos.lab.mesh.podnetwork import PodNetworks
from kvchaos.lab.mesh.progress import records_of, shape
from kvchaos.lab.node.kubelet import Kubelet
from kvchaos.lab.node.recorder import Recorder
from kvchaos.lab.queue import WorkQueue

_NETWORK_ACTIONS = ("partition", "netem", "delay", "loss", "duplicate", "corrupt", "bandwidth")


class Mesh:
    """PodChaos, NetworkChaos and PodNetworkChaos; ``queues`` are to be run."""

    def __init__(
        self,
        api: Api,
        clock: Clock,
        recorder: Recorder,
        informers: dict[Resource, Informer],
        kubelet: Kubelet,
    ) -> None:
        self._network_faults = informers[NETWORKCHAOS]
        rng = Random()  # noqa: S311 - which pod a fault hits is no secret
        effect = NetworkEffect(api)
        network_effects: dict[str, Effect] = dict.fromkeys(_NETWORK_ACTIONS, effect)
        pod_effects: dict[str, Effect] = {
            "pod-kill": PodKill(api),
            "pod-failure": PodFailure(api),
            "container-kill": ContainerKill(kubelet),
        }
        tools = Tools(api, clock, recorder, rng)
        network = Faults(tools, NETWORKCHAOS, informers[NETWORKCHAOS], network_effects)
        pods = Faults(tools, PODCHAOS, informers[PODCHAOS], pod_effects)
        applied = PodNetworks(api, informers[PODNETWORKCHAOS], informers[PODS], kubelet)
        self._network = WorkQueue("networkchaos", network.reconcile)
        self._pods = WorkQueue("podchaos", pods.reconcile)
        self._applied = WorkQueue("podnetworkchaos", applied.reconcile)
        self.queues = (self._network, self._pods, self._applied)
        _on_shape_change(informers[NETWORKCHAOS], self._network)
        _on_shape_change(informers[PODCHAOS], self._pods)
        informers[PODNETWORKCHAOS].on_change(self._applied.add)
        informers[PODNETWORKCHAOS].on_change(self._wake_faults)

    def _wake_faults(self, key: Key) -> None:
        """Have every NetworkChaos looked at that has a record of this pod."""
        identity = f"{key[0]}/{key[1]}"
        for fault in self._network_faults.items():
            if any(record["id"] == identity for record in records_of(fault) or []):
                meta = fault["metadata"]
                self._network.add((meta["namespace"], meta["name"]))


def _on_shape_change(copies: Informer, queue: WorkQueue) -> None:
    """Have a fault worked on when it changed, but not for the events that its own failures add."""
    shapes: dict[Key, Object] = {}

    def seen(key: Key) -> None:
        body = copies.get(key)
        if body is None:
            shapes.pop(key, None)
            queue.add(key)
        elif shapes.get(key) != (new := shape(body)):
            shapes[key] = new
            queue.add(key)

    copies.on_change(seen)
