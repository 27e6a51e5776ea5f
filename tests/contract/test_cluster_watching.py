"""Watches: what is there, what changes, and nothing lost over cuts and expired versions."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
import urllib3

from kvchaos.clock import SystemClock
from kvchaos.cluster.call import Call
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import CONFIGMAPS, Kind, Object
from kvchaos.cluster.pages import Pages
from kvchaos.cluster.watch import Watch, WatchEvent
from tests.contract.relay import Relay
from tests.contract.world import World

Seen = tuple[str, str]


@dataclass(slots=True)
class Watcher:
    """A watch in a thread of its own, and what it said."""

    events: Iterator[WatchEvent]
    stop: threading.Event
    said: queue.Queue[Seen] = field(default_factory=queue.Queue)
    thread: threading.Thread | None = None

    def start(self) -> Watcher:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        return self

    def _run(self) -> None:
        for event in self.events:
            self.said.put((event.type, event.object["metadata"]["name"]))

    def next(self) -> Seen:
        return self.said.get(timeout=20)

    def end(self) -> None:
        self.stop.set()
        assert self.thread is not None
        self.thread.join(timeout=5)
        assert not self.thread.is_alive()


def watching(cluster: Cluster, namespace: str, labels: str) -> Watcher:
    stop = threading.Event()
    events = cluster.watch(CONFIGMAPS, namespace=namespace, labels=labels, stop=stop)
    return Watcher(events, stop).start()


def config(name: str, label: str, **data: str) -> Object:
    return {"metadata": {"name": name, "labels": {"watch": label}}, "data": data}


def test_watch_tells_what_is_there_then_every_change(world: World) -> None:
    """ADDED, MODIFIED and DELETED, in the order of what happened."""
    world.create(CONFIGMAPS, config("w1", "life"))
    watcher = watching(world.cluster, world.namespace, "watch=life")
    try:
        first = watcher.next()
        world.create(CONFIGMAPS, config("w2", "life"))
        world.patch(CONFIGMAPS, "w1", {"data": {"k": "v"}})
        world.delete(CONFIGMAPS, "w2")
        later = [watcher.next() for _ in range(3)]
    finally:
        watcher.end()

    assert first == ("ADDED", "w1")
    assert later == [("ADDED", "w2"), ("MODIFIED", "w1"), ("DELETED", "w2")]


def test_object_that_leaves_the_selector_is_deleted_to_the_watch(world: World) -> None:
    """And one that comes to match is added."""
    world.create(CONFIGMAPS, config("mover", "in"))
    watcher = watching(world.cluster, world.namespace, "watch=in")
    try:
        first = watcher.next()
        world.patch(CONFIGMAPS, "mover", {"metadata": {"labels": {"watch": "out"}}})
        left = watcher.next()
        world.patch(CONFIGMAPS, "mover", {"metadata": {"labels": {"watch": "in"}}})
        back = watcher.next()
    finally:
        watcher.end()

    assert [first, left, back] == [("ADDED", "mover"), ("DELETED", "mover"), ("ADDED", "mover")]


def test_watch_ends_at_once_when_told(world: World) -> None:
    """Also while nothing happens: whoever stops does not wait for the next event."""
    watcher = watching(world.cluster, world.namespace, "watch=nothing")

    watcher.end()

    assert watcher.said.empty()


def test_watch_goes_on_after_its_connection_was_cut(world: World) -> None:
    """What happened meanwhile is told, nothing is told twice."""
    with Relay(world.cluster.access.server) as relay:
        access = replace(world.cluster.access, server=relay.url)
        cluster = Cluster(access, clock=SystemClock())
        world.create(CONFIGMAPS, config("c1", "cut"))
        watcher = watching(cluster, world.namespace, "watch=cut")
        try:
            first = watcher.next()
            world.create(CONFIGMAPS, config("c2", "cut"))
            second = watcher.next()
            relay.refuse()
            world.delete(CONFIGMAPS, "c1")
            world.create(CONFIGMAPS, config("c3", "cut"))
            relay.accept()
            later = [watcher.next(), watcher.next()]
        finally:
            watcher.end()

    assert [first, second, *later] == [
        ("ADDED", "c1"),
        ("ADDED", "c2"),
        ("DELETED", "c1"),
        ("ADDED", "c3"),
    ]


class Outdated:
    """The API, except that the first watch is asked for from the first version of all."""

    def __init__(self, world: World) -> None:
        self._pages = Pages(world.cluster._transport, world.namespace)
        self._lists = 0

    def list_page(self, kind: Kind, query: Mapping[str, str]) -> tuple[list[Object], str]:
        self._lists += 1
        found, version = self._pages.list_page(kind, query)
        return found, "1" if self._lists == 1 else version

    def open(self, call: Call, *, silence: float) -> urllib3.BaseHTTPResponse:
        return self._pages.open(call, silence=silence)


def test_version_of_long_ago_leads_to_what_there_is(world: World) -> None:
    """Whether the server still has the history or answers 410: the events add up to its objects."""
    stop = threading.Event()
    query = {"labelSelector": "watch=old"}
    watch = Watch(Outdated(world), CONFIGMAPS, query=query, stop=stop)
    world.create(CONFIGMAPS, config("g1", "old"))
    watcher = Watcher(watch.events(namespace=world.namespace), stop).start()
    try:
        first = watcher.next()
        world.create(CONFIGMAPS, config("g2", "old"))
        world.delete(CONFIGMAPS, "g1")
        world.create(CONFIGMAPS, config("last", "old"))
        there = {first[1]}
        while "last" not in there:
            what, name = watcher.next()
            there = there - {name} if what == "DELETED" else there | {name}
    finally:
        watcher.end()

    assert there == {"g2", "last"}


def test_watch_of_unknown_kind_is_refused(world: World) -> None:
    """A refusal is raised, not retried."""
    unknown = Kind("nobody.example", "v1", "things", "Thing")
    events = world.cluster.watch(unknown, namespace=world.namespace, stop=threading.Event())

    with pytest.raises(Exception, match="no such kind"):
        next(events)
