"""Where an engine's ports are reached: on the pod's address, or through the API server.

Through the API server (the default from outside) the observer shares no link with any fault that
cuts pods from each other.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from kvchaos.cluster import pods
from kvchaos.cluster.config import IN_CLUSTER
from kvchaos.cluster.kinds import Object
from kvchaos.cluster.portforward import Bridge, Failure, Reachable
from kvchaos.errors import EngineUnreachable
from kvchaos.observer.podwatch import Watched
from kvchaos.observer.settings import Transport

REFUSED = "connection refused"
PATIENCE = 2.0
"""Seconds between two port-forwards, at most, to a port where nobody publishes (yet). libzmq
itself would try 8 times a second: its RECONNECT_IVL_MAX counts for nothing where, as at a
bridge, the connection comes about and ends only then."""


class Engines(Watched, Reachable, Protocol):
    """What the observer needs of a cluster."""


class Dial(Protocol):
    """Gives the address of a pod's port, and tells what went wrong there."""

    def address(self, pod: Object, port: int) -> str:
        """``host:port``; ``EngineUnreachable`` or ``ClusterError`` when there is none."""
        ...

    def failure(self, pod: Object, port: int) -> str:
        """Why the port was last not reached, as far as that is known; else empty."""
        ...


class Direct:
    """The pod's own address: for whoever runs inside the cluster."""

    def address(self, pod: Object, port: int) -> str:
        host = pods.address(pod)
        if not host:
            raise EngineUnreachable(f"pod {pods.name(pod)} has no address yet")
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def failure(self, pod: Object, port: int) -> str:  # noqa: ARG002  # nothing tells of it
        return ""


class Forwards(Protocol):
    """What is needed of a ``Bridge``."""

    def address(self, pod: str, port: int, *, namespace: str) -> str: ...

    def recent_failures(self) -> list[Failure]: ...


class Forwarded:
    """A loopback address that leads to the pod through the API server's port-forward."""

    def __init__(self, bridge: Forwards) -> None:
        self._bridge = bridge

    def address(self, pod: Object, port: int) -> str:
        namespace = pod["metadata"]["namespace"]
        return self._bridge.address(pods.name(pod), port, namespace=namespace)

    def failure(self, pod: Object, port: int) -> str:
        place = (pod["metadata"]["namespace"], pods.name(pod), port)
        texts = [each.text for each in self._bridge.recent_failures() if each.target == place]
        return _short(texts[-1]) if texts else ""


def _short(text: str) -> str:
    """Kubelets tell of a refused connection in a paragraph."""
    return REFUSED if REFUSED in text else text


def usual(context: str) -> Transport:
    """What ``auto`` means: direct only in the cluster that this runs in."""
    return Transport.DIRECT if context in IN_CLUSTER else Transport.PORT_FORWARD


def open_dial(
    transport: Transport, cluster: Reachable
) -> tuple[Dial, AbstractContextManager[object]]:
    """A way to the pods, and what must be closed in the end."""
    if transport is Transport.AUTO:
        transport = usual(cluster.access.context)
    if transport is Transport.DIRECT:
        return Direct(), nullcontext()
    bridge = Bridge(cluster, patience=PATIENCE)
    return Forwarded(bridge), bridge
