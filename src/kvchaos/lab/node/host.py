"""What a pod needs of the node around it, in one place."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from kvchaos.clock import Clock
from kvchaos.lab.api import CONFIGMAPS, SECRETS, Api, Object
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.network import Network, PodNetwork
from kvchaos.lab.node.reaper import Reaper
from kvchaos.lab.node.recorder import Recorder

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Host:
    """The node's parts. ``network`` is used through ``attach`` and ``detach`` only."""

    api: Api
    clock: Clock
    directory: LabDirectory
    reaper: Reaper
    recorder: Recorder
    network: Network
    network_thread: Executor  # exactly one thread: netlink answers must not mix
    probes: aiohttp.ClientSession

    async def attach(self) -> PodNetwork:
        """A new pod network."""
        return await self._on_network(self.network.attach)

    async def detach(self, pod: PodNetwork) -> None:
        """Give a pod's network back."""
        await self._on_network(lambda: self.network.detach(pod))

    async def read(self, namespace: str, plural: str, name: str) -> Mapping[str, str]:
        """The data of a ConfigMap or Secret, Secrets decoded."""
        resource = {"configmaps": CONFIGMAPS, "secrets": SECRETS}[plural]
        body = await self.api.get(resource, name, namespace=namespace)
        return _decoded(body) if resource is SECRETS else body.get("data") or {}

    async def _on_network(self, act: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.network_thread, act)


def _decoded(secret: Object) -> dict[str, str]:
    data = secret.get("data") or {}
    return {name: base64.b64decode(value).decode() for name, value in data.items()}
