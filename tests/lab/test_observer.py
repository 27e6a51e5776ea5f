"""The observer on loopback: real publishers, sockets and threads, a cluster that the test plays."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from kvchaos.clock import SystemClock, poll
from kvchaos.cluster.kinds import Object
from kvchaos.errors import UsageError
from kvchaos.index.oracle import Expected
from kvchaos.kvevents.publisher import Publisher
from kvchaos.observer.observer import HELD_UP, NO_ENGINES, Observer
from kvchaos.observer.settings import Bounds
from kvchaos.observer.transport import Direct
from tests.contract.relay import Relay
from tests.played_cluster import PlayedCluster
from tests.streams import ENGINE, GPU, NAMESPACE, OTHER, engine_pod, removed, stored

pytestmark = pytest.mark.lab

CLOCK = SystemClock()
HOSTS = {"engine-a": "127.0.0.2", "engine-b": "127.0.0.3"}
SELECTOR = "model.aibrix.ai/kv-events-enabled=true"


def two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def port_of(relay: Relay) -> int:
    port = urlsplit(relay.url).port
    assert port is not None
    return port


class World:
    """Engines at 127.0.0.2 and up, all on the same two ports, and an observer of them."""

    def __init__(self, stack: ExitStack) -> None:
        self.event_port, self.replay_port = two_free_ports()
        self.cluster = PlayedCluster()
        self.told: list[dict[str, Any]] = []
        self._stack = stack
        self._engines: dict[str, Publisher] = {}

    def pod(self, name: str = "engine-a", **fields: Any) -> Object:
        usual: dict[str, Any] = {
            "uid": f"uid-{name[-1]}",
            "port": self.event_port,
            "address": HOSTS[name],
        }
        return engine_pod(name, **(usual | fields))

    def publisher(
        self, name: str = "engine-a", *, address: str = "", replays: bool = True
    ) -> Publisher:
        """The engine's process; its ports may still be closing from the one before."""
        host = f"tcp://[::ffff:{address or HOSTS[name]}]"

        def bind() -> Publisher | None:
            with suppress(UsageError):
                return Publisher(
                    f"{host}:{self.event_port}",
                    replay_endpoint=f"{host}:{self.replay_port}" if replays else None,
                )
            return None

        made, _ = poll(bind, lambda it: it is not None, timeout=5, every=0.02, clock=CLOCK)
        assert made is not None, "the engine's port stayed taken"
        self._stack.callback(made.close)
        return made

    def observer(
        self,
        *pods: Object,
        events_through: Relay | None = None,
        late: float = 5.0,
        block_size: int | None = None,
    ) -> Observer:
        """Started, with these pods in the cluster."""
        self.cluster.pods = {pod["metadata"]["uid"]: pod for pod in pods}
        observer = Observer(
            self.cluster,
            namespace=NAMESPACE,
            selector=SELECTOR,
            event_port=port_of(events_through) if events_through else self.event_port,
            replay_port=self.replay_port,
            block_size=block_size,
            transport="direct",
            emit=lambda event, fields: self.told.append({"event": event, **fields}),
            clock=CLOCK,
            bounds=Bounds(silence=0.5, redial=0.05, confirm=0.1, late=late),
        )
        self._stack.callback(observer.stop)
        observer.start()
        return observer

    def whats(self) -> list[str]:
        return [said["what"] for said in self.told]


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def becomes(read: Callable[[], Any], wanted: Any) -> Any:
    """What is read once it is as wanted, or after 10 s."""
    value, _ = poll(read, lambda seen: seen == wanted, timeout=10, every=0.01, clock=CLOCK)
    return value


def test_what_was_published_before_and_after_the_start_is_expected(world: World) -> None:
    """A late observer replays from the start; batches that come later are applied as they come."""
    engine = world.publisher()
    engine.publish([stored(1, 2)])
    observer = world.observer(world.pod())

    assert observer.wait_ready(10) == {}
    engine.publish([removed(1), stored(3)])

    wanted = {ENGINE: Expected({GPU: frozenset({2, 3})}, complete=True, head=1)}
    assert becomes(observer.expected, wanted) == wanted
    assert observer.alive() == {"engine-a"}
    assert observer.engines() == [ENGINE]
    assert observer.head(ENGINE) == 1
    assert observer.status() == {
        "up": True,
        "engines": 1,
        "batches": 2,
        "blocks": 3,
        "malformed": 0,
        "unknown_events": 0,
        "unmatched_removals": 0,
        "incomplete": {},
    }
    assert world.told == [
        {
            "event": "stream",
            "engine": {"pod": "engine-a", "uid": "uid-a", "rank": 0},
            "what": what,
            "seq": seq,
            "missing": missing,
            "reason": "",
        }
        for what, seq, missing in [
            ("connected", None, None),
            ("first event", 0, None),
            ("replayed", 0, 1),
        ]
    ]


def test_the_pods_are_those_of_the_namespace_with_the_selector(world: World) -> None:
    """The API selects; the observer follows all that it gives."""
    world.publisher()
    observer = world.observer(world.pod())

    observer.wait_ready(10)

    assert set(world.cluster.asked) == {("pods", NAMESPACE, SELECTOR)}


def test_an_engine_that_does_not_publish_is_named_with_the_reason(world: World) -> None:
    """The others are followed all the same."""
    world.publisher().publish([stored(1)])

    observer = world.observer(world.pod(), world.pod("engine-b", port=8000))
    becomes(lambda: list(observer.wait_ready(0)), ["engine-b/0"])

    reason = (
        f"nobody publishes at its event port {world.event_port}, which the pod does not declare"
    )
    assert observer.wait_ready(0.1) == {"engine-b/0": reason}
    expected = observer.expected()
    assert expected[ENGINE].complete
    assert expected[OTHER] == Expected({}, complete=False, reason=reason)


def test_an_engine_without_a_replay_port_is_named_with_the_reason(world: World) -> None:
    """Its history is not known, and that is said."""
    world.publisher(replays=False)
    observer = world.observer(world.pod())

    wanted = {"engine-a/0": "its replay port does not answer"}
    assert becomes(lambda: observer.wait_ready(0), wanted) == wanted


def test_no_engines_are_not_ready(world: World) -> None:
    """Nothing that is followed proves nothing."""
    observer = world.observer()

    becomes(
        lambda: observer.wait_ready(0),
        {NO_ENGINES: f"no pod with {SELECTOR} in namespace {NAMESPACE}"},
    )

    assert observer.wait_ready(0.1) == {
        NO_ENGINES: f"no pod with {SELECTOR} in namespace {NAMESPACE}"
    }


def test_a_restart_in_place_begins_a_new_epoch(world: World) -> None:
    """The same pod, another process: numbers and blocks begin anew, and both are seen."""
    engine = world.publisher()
    for block in range(5):
        engine.publish([stored(block)])
    observer = world.observer(world.pod())
    assert observer.wait_ready(10) == {}
    engine.close()

    world.publisher().publish([stored(9)])
    world.cluster.change("MODIFIED", world.pod(restarts=1, started="2026-01-01T00:05:00Z"))

    wanted = Expected({GPU: frozenset({9})}, complete=True, epoch=1, head=0)
    assert becomes(lambda: observer.expected()[ENGINE], wanted) == wanted
    assert world.whats().count("restart") == 1


def test_a_pod_that_is_replaced_is_followed_in_its_place(world: World) -> None:
    """The old one is neither alive nor expected to hold anything."""
    world.publisher().publish([stored(1)])
    world.publisher("engine-b").publish([stored(2)])
    observer = world.observer(world.pod())
    assert observer.wait_ready(10) == {}

    world.cluster.change("DELETED", world.pod())
    world.cluster.change("ADDED", world.pod("engine-b"))

    wanted = {OTHER: Expected({GPU: frozenset({2})}, complete=True, head=0)}
    assert becomes(observer.expected, wanted) == wanted
    assert observer.alive() == {"engine-b"}
    assert observer.status()["batches"] == 2


def test_a_watch_that_fails_makes_all_unknown_until_it_is_back(world: World) -> None:
    """Who is alive is not known then; what happened meanwhile is found by listing."""
    world.publisher().publish([stored(1)])
    observer = world.observer(world.pod(), world.pod("engine-b", started=None, phase="Pending"))
    becomes(lambda: observer.expected().get(ENGINE, Expected({}, complete=False)).complete, True)

    world.cluster.fail(("DELETED", world.pod("engine-b")))
    why = "the pods cannot be watched: the API server does not answer"
    assert becomes(lambda: observer.expected()[ENGINE].reason, why) == why
    world.cluster.failing = None

    wanted = {ENGINE: Expected({GPU: frozenset({1})}, complete=True, head=0)}
    assert becomes(observer.expected, wanted) == wanted


class StuckDial(Direct):
    """No address of ``name`` is known before ``known`` is set; ``left`` tells that it was."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked, self.known, self.left = threading.Event(), threading.Event(), threading.Event()

    def address(self, pod: Object, port: int) -> str:
        if pod["metadata"]["name"] == self.name:
            self.asked.set()
            self.known.wait(15)
            self.left.set()
        return super().address(pod, port)


def test_who_asks_never_waits_for_the_network(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an address is awaited nothing is seen, so what each engine holds is unknown."""
    dial = StuckDial("engine-b")
    monkeypatch.setattr("kvchaos.observer.observer.open_dial", lambda *_: (dial, nullcontext()))
    world.publisher().publish([stored(1)])
    observer = world.observer(world.pod(), late=0.5)
    assert becomes(lambda: observer.wait_ready(0), {}) == {}

    world.cluster.change("ADDED", world.pod("engine-b"))
    assert dial.asked.wait(10)
    reason = becomes(lambda: observer.expected()[ENGINE].reason, HELD_UP)
    found = (reason, observer.alive(), observer.head(ENGINE), dial.left.is_set())
    dial.known.set()

    assert found == (HELD_UP, {"engine-a", "engine-b"}, 0, False)
    whole = Expected({GPU: frozenset({1})}, complete=True, head=0)
    assert becomes(lambda: observer.expected()[ENGINE], whole) == whole


def test_after_the_stop_nothing_is_certain_any_more(world: World) -> None:
    """Threads and sockets are gone; what was seen can be read, but is not complete."""
    earlier = set(threading.enumerate())
    world.publisher().publish([stored(1)])
    observer = world.observer(world.pod())
    assert observer.wait_ready(10) == {}

    observer.stop()
    observer.stop()

    assert observer.expected() == {
        ENGINE: Expected(
            {GPU: frozenset({1})}, complete=False, reason="the observer does not run", head=0
        )
    }
    assert observer.status()["up"] is False
    new = set(threading.enumerate()) - earlier
    assert not [each for each in new if each.name.startswith("kvchaos-")]


def test_an_engine_that_is_not_there_has_no_head(world: World) -> None:
    """Asking for it is no error: pods come and go."""
    observer = world.observer()

    assert observer.head(ENGINE) is None


def test_a_lost_connection_is_made_good_by_a_replay(world: World) -> None:
    """What was published while the stream was cut is in no live message, only in the history."""
    engine = world.publisher(address="127.0.0.1")
    engine.publish([stored(1)])
    with Relay(f"tcp://127.0.0.1:{world.event_port}") as cable:
        observer = world.observer(world.pod(address="127.0.0.1"), events_through=cable)
        assert observer.wait_ready(10) == {}
        cable.refuse()
        why = "its event stream is cut"
        assert becomes(lambda: observer.expected()[ENGINE].reason, why) == why
        engine.publish([stored(2)])
        cable.accept()

        whole = Expected({GPU: frozenset({1, 2})}, complete=True, head=1)
        assert becomes(lambda: observer.expected()[ENGINE], whole) == whole
        told = ["connected", "first event", "replayed"]
        wanted = [*told, "disconnected", *told]
        assert becomes(world.whats, wanted) == wanted


@pytest.mark.timeout(60)
def test_blocks_of_another_size_are_not_waited_for(world: World) -> None:
    """They stay of that size, however long one waits."""
    world.publisher().publish([stored(1, block_size=16)])
    observer = world.observer(world.pod(), block_size=32)

    (reason,) = observer.wait_ready(600).values()

    assert reason == "its blocks have 16 tokens, and block_size is 32: see KVCHAOS_BLOCK_SIZE"
