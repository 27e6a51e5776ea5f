"""The pod object of chaos-daemon, by which clients tell that faults can be injected on this node.

The node does its work itself, so the pod is a mirror, which the kubelet passes over. Labels are
those of Chaos Mesh's Helm chart. Deleted, it stays away, so that its absence can be played.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from kvchaos.errors import AlreadyExists, ClusterError
from kvchaos.lab.addresses import NODE_NAME
from kvchaos.lab.api import NAMESPACES, PODS, Api, Object
from kvchaos.lab.mirror import MIRROR
from kvchaos.lab.node.status import NODE_ADDRESS, ContainerRecord, pod_status, timestamp

logger = logging.getLogger(__name__)

NAMESPACE = "chaos-mesh"
NAME = f"chaos-daemon-{NODE_NAME}"
IMAGE = "kvchaos-lab"


async def register(api: Api, *, now: float) -> None:
    """Tell the API of the daemon; without it the lab runs all the same."""
    body = daemon_pod()
    record = ContainerRecord(
        name="chaos-daemon",
        image=IMAGE,
        state={"running": {"startedAt": timestamp(now)}},
        container_id="kvchaos://node",
        started=True,
        ready=True,
    )
    status = pod_status(body, [record], address=NODE_ADDRESS, started=now, now=now)
    try:
        with suppress(AlreadyExists):
            await api.create(NAMESPACES, {"metadata": {"name": NAMESPACE}})
        await api.create(PODS, body, namespace=NAMESPACE)
        await api.patch(PODS, NAME, {"status": status}, namespace=NAMESPACE, subresource="status")
    except ClusterError as error:
        logger.warning("no pod for chaos-daemon: %s", error)


def daemon_pod() -> Object:
    """The object as it is created."""
    labels = {"name": "chaos-mesh", "instance": "chaos-mesh", "component": "chaos-daemon"}
    return {
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {f"app.kubernetes.io/{key}": value for key, value in labels.items()},
            "annotations": {MIRROR: "the lab's node"},
        },
        "spec": {
            "nodeName": NODE_NAME,
            "hostNetwork": True,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "chaos-daemon", "image": IMAGE}],
        },
    }
