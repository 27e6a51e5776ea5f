"""PodNetworkChaos → the pod's own network namespace: what Chaos Mesh's daemon does on a node.

Drop rules are nftables; traffic control (netem, tbf) is not: a fault that needs it never lands,
as on a kernel without it.
"""

from __future__ import annotations

import asyncio

from kvchaos.errors import LabError
from kvchaos.lab.api import PODNETWORKCHAOS, Api, Object
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.mesh.rules import cuts
from kvchaos.lab.nftables import set_cuts
from kvchaos.lab.node.kubelet import Kubelet

_RETRY_SECONDS = 1.0


class PodNetworks:
    """The reconciler."""

    def __init__(self, api: Api, copies: Informer, pods: Informer, kubelet: Kubelet) -> None:
        self._api = api
        self._copies = copies
        self._pods = pods
        self._kubelet = kubelet

    async def reconcile(self, key: Key) -> float | None:
        """Apply the spec in the pod, and say in the status how that went."""
        body = self._copies.get(key)
        if body is None:
            return None
        status = body.get("status") or {}
        generation = body["metadata"]["generation"]
        if generation <= status.get("observedGeneration", 0) and not status.get("failedMessage"):
            return None
        why = await self._apply(key, body["spec"])
        new = {"observedGeneration": generation, "failedMessage": why or None}
        if {name: status.get(name) for name in new} != new:
            namespace, name = key
            await self._api.patch(
                PODNETWORKCHAOS, name, {"status": new}, namespace=namespace, subresource="status"
            )
        return _RETRY_SECONDS if why else None

    async def _apply(self, key: Key, spec: Object) -> str:
        """Empty, or why it could not be applied, in the words of Chaos Mesh."""
        pod = self._pods.get(key)
        if pod is not None and pod["spec"].get("hostNetwork"):
            where = f"a pod({key[0]}/{key[1]}) with `hostNetwork`"
            return f"It's dangerous to inject network chaos on {where}"
        failed = f"failed to apply for pod {key[0]}/{key[1]}"
        try:
            network = self._kubelet.network(*key)
            wanted = cuts(spec)
            await asyncio.to_thread(network.run, lambda: set_cuts(wanted))
        except (LabError, OSError, ValueError) as error:
            return f"{failed}: unable to set ip tables chains for pod {key[1]}: {error}"
        if spec.get("tcs"):
            return f"{failed}: unable to set tcs for pod {key[1]}: the lab has no netem or tbf"
        return ""
