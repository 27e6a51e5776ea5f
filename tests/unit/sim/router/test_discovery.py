"""How the reference router learns of engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import ClusterUnreachable
from kvchaos.sim.router.discovery import Discovery
from kvchaos.sim.router.engines import Engine, Ports, RankPorts, engine_of

PORTS = Ports()


def pod(name: str = "a", *, ready: bool = True, restarts: int = 0, **changes: Any) -> Any:
    """A running engine pod as the API shows it."""
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", **changes.get("metadata", {})},
        "spec": {"containers": [{"name": "engine", "ports": changes.get("ports", [])}]},
        "status": {
            "phase": "Running",
            "podIP": changes.get("address", "10.0.0.1"),
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "engine", "restartCount": restarts}],
        },
    }


def engine(name: str = "a", *, ready: bool = True, restarts: int = 0) -> Engine:
    return Engine(
        pod=name,
        uid=f"uid-{name}",
        address="10.0.0.1",
        port=8000,
        ready=ready,
        restarts=restarts,
        ranks=(RankPorts(5557, 5558),),
    )


class Heard:
    """Keeps what discovery tells, in order."""

    def __init__(self) -> None:
        self.news: list[object] = []

    def found(self, engine: Engine) -> None:
        self.news.append(engine)

    def gone(self, uid: str) -> None:
        self.news.append(f"gone {uid}")

    def keep_only(self, uids: set[str]) -> None:
        self.news.append(uids)


class ScriptedCluster:
    """Lists in turn, or fails; then the changes, then silence until stopped."""

    def __init__(self, lists: list[list[Any] | ClusterUnreachable], changes: list[Any]) -> None:
        self._lists = lists
        self._changes = changes

    def connect(self) -> AbstractContextManager[Cluster]:
        return nullcontext(cast("Cluster", self))

    def list(self, kind: object, **where: str) -> list[Any]:
        listed = self._lists.pop(0)
        if isinstance(listed, ClusterUnreachable):
            raise listed
        return listed

    def watch(self, kind: object, *, stop: threading.Event, **where: str) -> Iterator[WatchEvent]:
        for kind_of_change, body in self._changes:
            yield WatchEvent(kind_of_change, body)
        stop.wait(30)


def hear(cluster: ScriptedCluster, *, wanted: list[object]) -> list[object]:
    """What discovery tells of ``cluster``, as soon as it is ``wanted`` or much too late."""
    heard = Heard()
    discovery = Discovery(
        heard, namespace="kvchaos", selector="x=y", ports=PORTS, connect=cluster.connect
    )
    discovery.start()
    try:
        news, _ = poll(
            lambda: list(heard.news),
            lambda news: news == wanted,
            timeout=10,
            every=0.005,
            clock=SystemClock(),
        )
        assert discovery.is_ready
        return news
    finally:
        discovery.stop()


def test_engines_are_told_from_the_list_and_followed() -> None:
    """A second list at the first change drops pods that went between list and watch."""
    cluster = ScriptedCluster(
        [[pod("a"), pod("b")], [pod("b")]],
        [("ADDED", pod("b")), ("MODIFIED", pod("b", ready=False)), ("DELETED", pod("b"))],
    )
    wanted = [
        {"uid-a", "uid-b"},
        engine("a"),
        engine("b"),
        {"uid-b"},
        engine("b"),
        engine("b"),
        engine("b", ready=False),
        "gone uid-b",
    ]

    assert hear(cluster, wanted=wanted) == wanted


def test_a_cluster_that_does_not_answer_is_asked_again() -> None:
    """Discovery has not told of engines before, so the router is not ready before."""
    cluster = ScriptedCluster([ClusterUnreachable("no answer"), [pod("a")]], [])
    wanted: list[object] = [{"uid-a"}, engine("a")]

    assert hear(cluster, wanted=wanted) == wanted


def test_a_pod_without_address_is_no_engine_yet() -> None:
    """There is nothing to connect to."""
    assert engine_of(pod(address=""), PORTS) is None


def test_a_pod_that_is_going_is_no_engine_any_more() -> None:
    """Its deletion was asked for: what it holds is of no use."""
    going = pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})

    assert engine_of(going, PORTS) is None


def test_restarts_come_from_the_containers_status() -> None:
    """A restart in place changes neither name nor uid nor address."""
    assert engine_of(pod(restarts=2), PORTS) == engine(restarts=2)


def test_declared_ports_make_ranks() -> None:
    """Each pair of ports named kv-events and kv-replay is a data-parallel rank."""
    ports = [
        {"name": "kv-events", "containerPort": 6000},
        {"name": "kv-events-1", "containerPort": 6001},
        {"name": "kv-replay", "containerPort": 6100},
        {"name": "kv-replay-1", "containerPort": 6101},
    ]

    found = engine_of(pod(ports=ports), PORTS)

    assert found is not None
    assert found.ranks == (RankPorts(6000, 6100), RankPorts(6001, 6101))
    assert (found.endpoint(6001), found.url) == (
        "tcp://10.0.0.1:6001",
        "http://10.0.0.1:8000/v1/completions",
    )


def test_an_address_of_version_6_stands_in_brackets() -> None:
    """Otherwise its colons would be taken for a port's."""
    found = engine_of(pod(address="fd00::1"), PORTS)

    assert found is not None
    assert found.endpoint(5557) == "tcp://[fd00::1]:5557"
