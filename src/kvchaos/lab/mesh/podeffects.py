"""PodChaos: pod-kill, pod-failure and container-kill."""

from __future__ import annotations

from kvchaos.errors import LabError, NotFound
from kvchaos.lab.api import PODS, Api, Object
from kvchaos.lab.mesh.impl import EffectFailed, Fault, target_of
from kvchaos.lab.mesh.progress import Phase
from kvchaos.lab.node.kubelet import Kubelet

PAUSE_IMAGE = "localhost/pause:lab"
_ANNOTATION_LIMIT = 63


class PodKill:
    """Deletes the pod, at once unless ``gracePeriod`` says otherwise; nothing to recover."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def apply(self, fault: Fault, record: Object) -> Phase:
        namespace, name, _ = target_of(record)
        await _pod(self._api, record, Phase.NOT_INJECTED)
        grace = int(fault.body["spec"].get("gracePeriod") or 0)
        await self._api.delete(PODS, name, namespace=namespace, grace=grace)
        return Phase.INJECTED

    async def recover(self, fault: Fault, record: Object) -> Phase:
        del fault, record
        return Phase.NOT_INJECTED


class ContainerKill:
    """Kills the container's process; the kubelet restarts it. Nothing to recover."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def apply(self, fault: Fault, record: Object) -> Phase:
        del fault
        try:
            self._kubelet.kill_container(*target_of(record))
        except LabError as error:
            raise EffectFailed(error.what, phase=Phase.NOT_INJECTED) from error
        return Phase.INJECTED

    async def recover(self, fault: Fault, record: Object) -> Phase:
        del fault, record
        return Phase.NOT_INJECTED


class PodFailure:
    """Puts the pause image in place of every container's, and back."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def apply(self, fault: Fault, record: Object) -> Phase:
        pod = await _pod(self._api, record, Phase.NOT_INJECTED)
        images, notes = failed_images(fault.body, pod)
        await self._patch(record, images, notes)
        return Phase.INJECTED

    async def recover(self, fault: Fault, record: Object) -> Phase:
        try:
            pod = await _pod(self._api, record, Phase.INJECTED)
        except EffectFailed:
            return Phase.NOT_INJECTED
        images, notes = restored_images(fault.body, pod)
        await self._patch(record, images, notes)
        return Phase.NOT_INJECTED

    async def _patch(self, record: Object, containers: list[Object], notes: Object) -> None:
        namespace, name, _ = target_of(record)
        patch = {"metadata": {"annotations": notes}, "spec": {"containers": containers}}
        await self._api.patch(PODS, name, patch, namespace=namespace)


def annotation(fault: Object, container: str) -> str:
    """Where Chaos Mesh keeps a container's own image while the pod fails."""
    meta, spec = fault["metadata"], fault["spec"]
    key = f"chaos-mesh-{meta['name']}-{spec['action']}-{container}-normal-image"
    return key if len(key) <= _ANNOTATION_LIMIT else f"{container}-normal"


def failed_images(fault: Object, pod: Object) -> tuple[list[Object], Object]:
    """The pod's containers with the pause image, and the annotations that keep the old ones."""
    known = pod["metadata"].get("annotations") or {}
    notes: Object = {}
    containers = []
    for each in pod["spec"]["containers"]:
        key = annotation(fault, each["name"])
        if key not in known:
            notes[key] = each.get("image", "")
            each = {**each, "image": PAUSE_IMAGE}  # noqa: PLW2901 - a changed copy
        containers.append(each)
    return containers, notes


def restored_images(fault: Object, pod: Object) -> tuple[list[Object], Object]:
    """The pod's containers with their own images, and the annotations to drop (None)."""
    known = pod["metadata"].get("annotations") or {}
    keys = {each["name"]: annotation(fault, each["name"]) for each in pod["spec"]["containers"]}
    containers = [
        {**each, "image": known.get(keys[each["name"]], each.get("image", ""))}
        for each in pod["spec"]["containers"]
    ]
    return containers, {key: None for key in keys.values() if key in known}


async def _pod(api: Api, record: Object, phase: Phase) -> Object:
    """The record's pod; EffectFailed when it is gone."""
    namespace, name, _ = target_of(record)
    try:
        return await api.get(PODS, name, namespace=namespace)
    except NotFound as error:
        raise EffectFailed(f'Pod "{name}" not found', phase=phase) from error
