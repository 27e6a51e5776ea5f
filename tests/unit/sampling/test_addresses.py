"""Whose an address is, asked for no oftener than needed and never by an old list."""

from __future__ import annotations

import threading

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.sampling.addresses import KEPT, EngineAddresses
from tests.addressed import engine_at
from tests.run_world import engine_pod, router_pod
from tests.scripted import FakeClock, ScriptedCluster

ENGINES = "model.aibrix.ai/kv-events-enabled=true"


def going(address: str, name: str) -> Object:
    return engine_at(address, name, deletionTimestamp="2026-08-01T00:00:00Z")


class World:
    """Pods, who watches them, and the addresses by both."""

    def __init__(self, *bodies: Object, **scripted: object) -> None:
        self.cluster = ScriptedCluster.of(*bodies, **scripted)
        self.clock = FakeClock()
        self.watched = {"a-uid"}
        self.engines = EngineAddresses(
            self.cluster,  # type: ignore[arg-type]  # a fake that lists: no more is asked of it
            namespace="kvchaos",
            selector=ENGINES,
            clock=self.clock,
            there=lambda: set(self.watched),
        )

    def names(self) -> list[str]:
        return list(self.engines.by_address().values())

    def becomes(self, *bodies: Object) -> None:
        self.cluster.objects.clear()
        for body in bodies:
            self.cluster.add(body)

    @property
    def asked(self) -> int:
        return len(self.cluster.calls)


def test_the_engines_that_are_there_are_told_by_their_addresses() -> None:
    """Those that have one; whoever is about to go is there still, as for who watches him."""
    finished = engine_at("10.0.0.4", "done")
    finished["status"]["phase"] = "Succeeded"
    world = World(
        engine_at("10.0.0.1", "a"),
        going("10.0.0.2", "old"),
        engine_pod("new"),
        finished,
        router_pod(),
    )

    assert world.engines.by_address() == {"10.0.0.1": "a", "10.0.0.2": "old"}
    assert world.cluster.calls == [f"list pods kvchaos {ENGINES}"]


def test_an_address_that_somebody_has_again_is_his() -> None:
    """A pod may keep its name in the list while its network is gone."""
    world = World(engine_at("10.0.0.1", "new"), going("10.0.0.1", "old"))

    assert world.engines.by_address() == {"10.0.0.1": "new"}


def test_an_address_that_two_engines_share_names_neither() -> None:
    """Pods of the host's network: blocks of one would be judged as the other's."""
    world = World(engine_at("10.0.0.1", "a"), engine_at("10.0.0.1", "c"))

    with pytest.raises(RouterUnreachable, match=r"cannot be told: .* saw 10\.0\.0\.1 of a, c"):
        world.names()


def test_engines_that_cannot_be_looked_up_are_not_none_of_them() -> None:
    """Every address would be a ghost's."""
    world = World(fails={"list": [ClusterError("no answer")]})

    with pytest.raises(RouterUnreachable, match=r"the engines' pods cannot be .*: saw no answer"):
        world.names()


def test_a_list_is_kept_for_a_moment() -> None:
    """While a fault ends, the router is looked at 200 times a second."""
    world = World(engine_at("10.0.0.1", "a"))

    for _ in range(256):
        world.names()
        world.clock.sleep(KEPT / 256)
    before = world.asked
    world.names()

    assert (before, world.asked) == (1, 2)


def test_a_list_is_not_kept_when_other_pods_are_there() -> None:
    """An address may be another pod's by now, also of one that has the same name."""
    world = World(engine_at("10.0.0.1", "a"))
    world.names()
    world.becomes(engine_at("10.0.0.1", "b"))

    world.watched = {"b-uid"}

    assert world.names() == ["b"]


def test_a_name_that_is_not_in_a_kept_list_makes_it_old() -> None:
    """Its pod may have got an address since."""
    world = World(engine_at("10.0.0.1", "a"))
    world.names()
    world.names()
    world.becomes(engine_at("10.0.0.1", "a"), engine_at("10.0.0.2", "b"))

    assert world.engines.are_too_old({"a"}) is False
    assert world.engines.are_too_old({"a", "? at 10.0.0.2"}) is True
    assert world.names() == ["a", "b"]
    assert world.engines.are_too_old({"a", "b"}) is False


def test_whoever_is_in_no_new_list_either_is_a_stranger_while_it_is_kept() -> None:
    """A ghost stays for long: it must not make each look two, and a list of pods each."""
    world = World(engine_at("10.0.0.1", "a"))
    world.names()
    assert world.engines.are_too_old({"a", "a ghost"}) is False

    world.names()

    assert world.engines.are_too_old({"a", "a ghost"}) is False
    assert world.engines.are_too_old({"a", "a ghost", "another"}) is True


def test_each_thread_has_a_list_of_its_own() -> None:
    """One that another thread has just asked for says nothing of how old this one's was."""
    world = World(engine_at("10.0.0.1", "a"))
    world.names()
    world.names()

    other = threading.Thread(target=world.names)
    other.start()
    other.join()

    assert world.asked == 2
    assert world.engines.are_too_old({"b"}) is True


def test_where_nobody_watches_nothing_is_kept() -> None:
    """Who looks but once has nobody who does."""
    cluster = ScriptedCluster.of(engine_at("10.0.0.1", "a"))
    engines = EngineAddresses(
        cluster,  # type: ignore[arg-type]  # as above
        namespace="kvchaos",
        selector=ENGINES,
        clock=FakeClock(),
    )

    engines.by_address()
    engines.by_address()

    assert len(cluster.calls) == 2


def test_an_adapter_that_asks_for_no_addresses_is_asked_once() -> None:
    """Its router knows the pods by their names."""
    assert World().engines.are_too_old({"a"}) is False
