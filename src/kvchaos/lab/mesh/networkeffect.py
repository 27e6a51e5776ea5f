"""NetworkChaos: writes entries into each pod's PodNetworkChaos and waits until they are applied."""

from __future__ import annotations

from kvchaos.errors import NotFound
from kvchaos.lab.api import PODNETWORKCHAOS, PODS, Api, Object
from kvchaos.lab.mesh.impl import EffectFailed, Fault, target_of
from kvchaos.lab.mesh.progress import Phase
from kvchaos.lab.mesh.rules import Entries, entries, source_of, with_entries

_OTHER = {".": ".Target", ".Target": "."}


class NetworkEffect:
    """Every action of NetworkChaos; whether the kernel can do it shows in the PodNetworkChaos."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def apply(self, fault: Fault, record: Object) -> Phase:
        if record["phase"] == Phase.APPLYING:
            return await self._applied(fault, record)
        key = record["selectorKey"]
        pod = await self._pod(record["id"])
        if pod is None:
            raise EffectFailed(f'Pod "{record["id"]}" not found', phase=Phase.NOT_INJECTED)
        added = entries(fault.body, key, await self._peers(fault, key))
        if not added:
            return Phase.INJECTED
        generation = await self._commit(fault, record, pod, added, clear=key == ".")
        fault.instances[record["id"]] = generation
        return Phase.APPLYING

    async def recover(self, fault: Fault, record: Object) -> Phase:
        if record["phase"] == Phase.RECOVERING:
            state = await self._state(fault, record, Phase.RECOVERING)
            return Phase.RECOVERING if state is False else Phase.NOT_INJECTED
        pod = await self._pod(record["id"])
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return Phase.NOT_INJECTED
        generation = await self._commit(fault, record, pod, Entries(), clear=True)
        fault.instances[record["id"]] = generation
        return Phase.RECOVERING

    async def _applied(self, fault: Fault, record: Object) -> Phase:
        state = await self._state(fault, record, Phase.APPLYING)
        if state is None:
            return Phase.NOT_INJECTED
        return Phase.INJECTED if state else Phase.APPLYING

    async def _state(self, fault: Fault, record: Object, phase: Phase) -> bool | None:
        """Whether the pod's daemon has applied what we wrote; None when there is no such object."""
        namespace, name, _ = target_of(record)
        try:
            body = await self._api.get(PODNETWORKCHAOS, name, namespace=namespace)
        except NotFound:
            return None
        status = body.get("status") or {}
        if status.get("failedMessage"):
            raise EffectFailed(status["failedMessage"], phase=phase)
        written = fault.instances.get(record["id"], 0)
        return bool(status.get("observedGeneration", 0) >= written)

    async def _peers(self, fault: Fault, key: str) -> list[str]:
        """The addresses on the other side, as they are now, and the external targets."""
        ids = [each["id"] for each in fault.records if each["selectorKey"] == _OTHER[key]]
        pods = [await self._pod(identity) for identity in ids]
        if None in pods:
            gone = ids[pods.index(None)]
            raise EffectFailed(f'Pod "{gone}" not found', phase=Phase.NOT_INJECTED)
        addresses = [pod.get("status", {}).get("podIP") for pod in pods if pod]
        external = fault.body["spec"].get("externalTargets") or []
        return [*external, *(address for address in addresses if address)]

    async def _commit(
        self, fault: Fault, record: Object, pod: Object, added: Entries, *, clear: bool
    ) -> int:
        """Write ``added`` into the pod's PodNetworkChaos; its generation after that."""
        namespace, name, _ = target_of(record)
        source = source_of(fault.body)
        try:
            body = await self._api.get(PODNETWORKCHAOS, name, namespace=namespace)
        except NotFound:
            body = _new(pod, with_entries({}, source, added, clear=clear))
            written = await self._api.create(PODNETWORKCHAOS, body, namespace=namespace)
        else:
            spec = with_entries(body["spec"], source, added, clear=clear)
            written = await self._api.replace(PODNETWORKCHAOS, {**body, "spec": spec})
        return int(written["metadata"]["generation"])

    async def _pod(self, identity: str) -> Object | None:
        namespace, _, name = identity.partition("/")
        try:
            return await self._api.get(PODS, name, namespace=namespace)
        except NotFound:
            return None


def _new(pod: Object, spec: Object) -> Object:
    """A PodNetworkChaos named as its pod, to go with it."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "PodNetworkChaos",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "ownerReferences": [owner],
        },
        "spec": spec,
    }
