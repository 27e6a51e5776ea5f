"""One pod on the node, from its first sight to its deletion from the API."""

from __future__ import annotations

import asyncio
import logging

from kvchaos.errors import ClusterError, Conflict, LabError, NotFound
from kvchaos.lab.addresses import NODE_NAME
from kvchaos.lab.api import PODS, Object
from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node.container import Container
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.status import pod_status

logger = logging.getLogger(__name__)

_DEFAULT_GRACE = 30.0
_RETRY_SECONDS = 0.2


class Pod:
    """Runs one pod. ``update`` and ``vanish`` tell it what the API says; ``run`` does the rest."""

    def __init__(self, host: Host, body: Object) -> None:
        self.uid: str = body["metadata"]["uid"]
        self.network: PodNetwork | None = None
        self._host = host
        self._body = body
        self._containers: list[Container] = []
        self._deleted = asyncio.Event()  # deletion was asked for
        self._gone = asyncio.Event()  # the object is no longer in the API
        self._changed = asyncio.Event()
        self._started = host.clock.wall()
        self._written: Object = {}
        self.update(body)

    def update(self, body: Object) -> None:
        """Take the pod as it is in the API now."""
        self._body = body
        specs = {spec["name"]: spec for spec in body["spec"]["containers"]}
        for container in self._containers:
            container.update(body, specs[container.record.name])
        if body["metadata"].get("deletionTimestamp"):
            self._deleted.set()

    def vanish(self) -> None:
        """The pod was deleted without waiting for us: kill it now."""
        self._gone.set()
        self._deleted.set()

    def kill_container(self, name: str) -> bool:
        """SIGKILL one container's process; False when there is none."""
        return any(each.kill() for each in self._containers if each.record.name == name)

    async def run(self) -> None:
        """The pod's whole life here; returns when nothing of it is left."""
        if not self._deleted.is_set():
            await self._place()
        if not self._deleted.is_set():
            await self._live()
        if self.network is not None:
            network, self.network = self.network, None
            await self._host.detach(network)
        await self._finish()

    async def _place(self) -> None:
        """Give it a node and a network."""
        meta, spec = self._body["metadata"], self._body["spec"]
        if not spec.get("nodeName"):
            patch = {"metadata": {"uid": self.uid}, "spec": {"nodeName": NODE_NAME}}
            await self._write(patch)
            message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {NODE_NAME}"
            self._host.recorder.normal(self._body, "Scheduled", message)
        self.network = await self._attach()
        self._containers = [
            Container(self._host, self._body, each, self.network, self._changed.set)
            for each in spec["containers"]
        ]

    async def _attach(self) -> PodNetwork:
        """A network, as soon as there is one to be had."""
        while True:
            try:
                return await self._host.attach()
            except LabError as error:
                self._host.recorder.warning(self._body, "FailedCreatePodSandBox", str(error))
                await asyncio.sleep(_RETRY_SECONDS)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        lives = [loop.create_task(each.run()) for each in self._containers]
        writer = loop.create_task(self._keep_status())
        self._changed.set()
        try:
            await self._deleted.wait()
            grace = self._grace()
            for each in self._containers:
                message = f"Stopping container {each.record.name}"
                self._host.recorder.normal(self._body, "Killing", message)
            await asyncio.gather(*(each.stop(grace) for each in self._containers))
            await asyncio.gather(*lives)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _keep_status(self) -> None:
        """Write the status whenever something changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            status = self._status()
            if status != self._written and await self._write({"status": status}, "status"):
                self._written = status
                self._body = {**self._body, "status": {**self._body.get("status", {}), **status}}

    def _status(self) -> Object:
        return pod_status(
            self._body,
            [container.record for container in self._containers],
            address=self.network.address if self.network else "",
            started=self._started,
            now=self._host.clock.wall(),
        )

    async def _write(self, patch: Object, subresource: str = "") -> bool:
        """Whether the patch was taken; it is tried until it is, or the pod is gone."""
        meta = self._body["metadata"]
        while not self._gone.is_set():
            try:
                await self._host.api.patch(
                    PODS, meta["name"], patch, namespace=meta["namespace"], subresource=subresource
                )
            except NotFound:
                return False
            except Conflict as error:
                logger.info("%s: %s", meta["name"], error)
                return False
            except ClusterError as error:
                logger.warning("%s: %s", meta["name"], error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return True
        return False

    async def _finish(self) -> None:
        """Tell the API that nothing of the pod is left."""
        meta = self._body["metadata"]
        while not self._gone.is_set():
            try:
                await self._host.api.delete(
                    PODS, meta["name"], namespace=meta["namespace"], grace=0, uid=self.uid
                )
            except Conflict:
                return
            except ClusterError as error:
                logger.warning("%s: %s", meta["name"], error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    def _grace(self) -> float:
        """Seconds between SIGTERM and SIGKILL; none for a pod that is gone already."""
        if self._gone.is_set():
            return 0.0
        return float(self._body["metadata"].get("deletionGracePeriodSeconds", _DEFAULT_GRACE))
