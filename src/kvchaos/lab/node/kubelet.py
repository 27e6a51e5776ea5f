"""Which pods run here: follows the API's pods and keeps one ``Pod`` for each."""

from __future__ import annotations

import asyncio
import logging

from kvchaos.errors import LabError
from kvchaos.lab.addresses import NODE_NAME, SUBNET
from kvchaos.lab.api import NODES, Object
from kvchaos.lab.informer import Informer, Key
from kvchaos.lab.mirror import is_mirror
from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.pod import Pod
from kvchaos.lab.node.status import NODE_ADDRESS, timestamp

logger = logging.getLogger(__name__)


class Kubelet:
    """The pods of this node, by namespace and name."""

    def __init__(self, host: Host, pods: Informer) -> None:
        self._host = host
        self._pods = pods
        self._running: dict[Key, Pod] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        pods.on_change(self._seen)

    def network(self, namespace: str, name: str, *, uid: str = "") -> PodNetwork:
        """The network of a pod (of this very life of it, with ``uid``).

        Raises:
            LabError: no such pod runs here.
        """
        pod = self._running.get((namespace, name))
        if pod is None or pod.network is None or (uid and pod.uid != uid):
            raise LabError(
                f"pod {namespace}/{name} does not run on the lab's node", saw="no network"
            )
        return pod.network

    def kill_container(self, namespace: str, name: str, container: str) -> None:
        """SIGKILL a container's process; its restart is the restart policy's matter.

        Raises:
            LabError: no such container runs.
        """
        pod = self._running.get((namespace, name))
        if pod is None or not pod.kill_container(container):
            raise LabError(f"container {namespace}/{name}/{container} does not run")

    async def register(self) -> None:
        """Tell the API of this node."""
        await self._host.api.create(NODES, _node(timestamp(self._host.clock.wall())))

    def _seen(self, key: Key) -> None:
        body = self._pods.get(key)
        running = self._running.get(key)
        if running is not None and (body is None or body["metadata"]["uid"] != running.uid):
            del self._running[key]
            running.vanish()
            running = None
        if body is None or is_mirror(body):
            return
        if body["spec"].get("nodeName", NODE_NAME) != NODE_NAME:
            return
        if running is None:
            self._begin(key, body)
        else:
            running.update(body)

    def _begin(self, key: Key, body: Object) -> None:
        pod = Pod(self._host, body)
        self._running[key] = pod
        task = asyncio.get_running_loop().create_task(pod.run())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a pod's life ended by an error", exc_info=error)


def _node(now: str) -> Object:
    """The Node object: one node, always ready."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the lab's node process is running",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    room = {"cpu": "8", "memory": "16Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE_NAME,
            "labels": {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"},
        },
        "spec": {"podCIDR": SUBNET},
        "status": {
            "conditions": [condition],
            "addresses": [
                {"type": "InternalIP", "address": NODE_ADDRESS},
                {"type": "Hostname", "address": NODE_NAME},
            ],
            "capacity": room,
            "allocatable": room,
            "nodeInfo": {
                "kubeletVersion": "v1.34.0",
                "kubeProxyVersion": "",
                "containerRuntimeVersion": "kvchaos://1",
                "osImage": "this machine",
                "operatingSystem": "linux",
                "architecture": "amd64",
                "kernelVersion": "",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }
