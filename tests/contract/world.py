"""What the contract suite does with a cluster: a namespace of its own, pods that obey, waiting.

Runs alike on any cluster; where two differ, the tests say who is wrong.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NAMESPACES, PODS, Kind, Object
from kvchaos.cluster.portforward import Bridge
from kvchaos.errors import Conflict, Forbidden, NotFound

IMAGE = "localhost/base:dev"  # on the real cluster; the lab runs the command as it is
AGENT = (Path(__file__).parent / "agent.py").read_text(encoding="utf-8")
PATIENCE = 40.0  # seconds that anything may take to come about
CLOCK = SystemClock()


def until(read: Callable[[], Any], *, timeout: float = PATIENCE, every: float = 0.1) -> Any:
    """What ``read`` gave once it was true; fails with the last value when time is out."""
    value, waited = poll(read, bool, timeout=timeout, every=every, clock=CLOCK)
    assert value, f"still {value!r} after {waited:.1f} s"
    return value


def container(name: str = "agent", **fields: Any) -> Object:
    """A container that runs the agent."""
    return {"name": name, "image": IMAGE, "command": ["python3", "-c", AGENT], **fields}


def pod_spec(*, grace: int = 1, **fields: Any) -> Object:
    """A pod spec with one agent."""
    return {"terminationGracePeriodSeconds": grace, "containers": [container()], **fields}


def pod(name: str, *, labels: Mapping[str, str] | None = None, **spec: Any) -> Object:
    """A pod with one agent, labelled ``app=<name>`` unless told."""
    return {
        "metadata": {"name": name, "labels": dict(labels or {"app": name})},
        "spec": pod_spec(**spec),
    }


class Agent:
    """A line to one pod's agent, opened anew when it broke (the pod may have restarted)."""

    def __init__(self, world: World, pod_name: str, port: int = 7000) -> None:
        self._world = world
        self._pod = pod_name
        self._port = port
        self._sock: socket.socket | None = None

    def ask(self, *words: object) -> str:
        """The agent's answer; an empty text when there was none."""
        return self._once(words) or self._once(words)

    def tell(self, *words: object) -> None:
        """Send a command that is not answered, such as ``exit 3``."""
        self.ask("echo", "ok")
        assert self._sock is not None
        self._sock.sendall(" ".join(map(str, words)).encode() + b"\n")
        self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _once(self, words: tuple[object, ...]) -> str:
        try:
            if self._sock is None:
                self._sock = self._world.dial(self._pod, self._port)
            self._sock.sendall(" ".join(map(str, words)).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                if not (got := self._sock.recv(65_536)):
                    raise ConnectionResetError
                answer += got
        except OSError:
            self.close()
            return ""
        return answer.decode().strip()


@dataclass(slots=True)
class World:
    """A cluster and a namespace made for one module of tests."""

    cluster: Cluster
    namespace: str
    bridge: Bridge
    _agents: dict[str, Agent] = field(default_factory=dict)

    def settle(self) -> None:
        """Wait until pods may be created: a new namespace gets its service account a bit later."""

        def admitted() -> bool:
            try:
                return bool(self.create(PODS, pod("may-i"), dry_run=True))
            except Forbidden:
                return False

        until(admitted)

    def get(self, kind: Kind, name: str) -> Object | None:
        """The object, or None."""
        try:
            return self.cluster.get(kind, name, namespace=self.namespace)
        except NotFound:
            return None

    def list(self, kind: Kind, labels: str = "", fields: str = "") -> list[Object]:
        return self.cluster.list(kind, namespace=self.namespace, labels=labels, fields=fields)

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        return self.cluster.create(kind, body, namespace=self.namespace, dry_run=dry_run)

    def patch(self, kind: Kind, name: str, patch: Object, subresource: str = "") -> Object:
        return self.cluster.merge_patch(
            kind, name, patch, namespace=self.namespace, subresource=subresource
        )

    def delete(self, kind: Kind, name: str, grace: int | None = None) -> None:
        self.cluster.delete(kind, name, namespace=self.namespace, grace=grace)

    def discard(self, kind: Kind, name: str) -> None:
        """Delete and wait until it is gone; fine when it is gone already."""
        try:
            self.delete(kind, name)
        except NotFound:
            return
        self.wait_gone(kind, name)

    def wait(self, kind: Kind, name: str, holds: Callable[[Object], Any]) -> Object:
        """The object, once ``holds`` says so."""
        found = until(lambda: (body := self.get(kind, name)) and holds(body) and body)
        return dict(found)

    def wait_gone(self, kind: Kind, name: str) -> None:
        until(lambda: self.get(kind, name) is None)

    def pod(self, name: str) -> Object:
        """The pod as it is now."""
        return self.cluster.get(PODS, name, namespace=self.namespace)

    def start(self, body: Object) -> Object:
        """The pod, created, ready, and its agent answering (ready alone means: started)."""
        self.create(PODS, body)
        name = body["metadata"]["name"]
        ready = self.wait(PODS, name, pods.is_ready)
        until(lambda: self.agent(name).ask("echo", "up") == "up")
        return ready

    def agent(self, pod_name: str) -> Agent:
        """A line to the pod's agent, shared by the tests of the module."""
        if pod_name not in self._agents:
            self._agents[pod_name] = Agent(self, pod_name)
        return self._agents[pod_name]

    def dial(self, pod_name: str, port: int) -> socket.socket:
        """A connection through the bridge, that fails after 10 s of silence."""
        host, _, local = self.bridge.address(pod_name, port, namespace=self.namespace).partition(
            ":"
        )
        return socket.create_connection((host, int(local)), timeout=10)

    def close(self) -> None:
        """Let the namespace go; nobody waits for it."""
        for agent in self._agents.values():
            agent.close()
        self.bridge.close()
        try:
            self.cluster.delete(NAMESPACES, self.namespace)
        except (NotFound, Conflict):
            return
