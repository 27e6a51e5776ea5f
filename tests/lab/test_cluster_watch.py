"""Watches against a server that cuts, expires and misbehaves by script."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kvchaos.cluster import watch
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import CONFIGMAPS, Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import ClusterError, Forbidden
from tests.lab.scripted_api import (
    FakeClock,
    ScriptedApi,
    answer,
    cut,
    refuse,
    scripted,
    stream,
)

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are real here, so they are made short."""
    monkeypatch.setattr(watch, "FIRST_WAIT", 0.001)


def body(name: str, version: int) -> Object:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}}


def listed(version: int, *bodies: Object) -> Object:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(bodies)}


def event(kind: str, name: str, version: int) -> Object:
    return {"type": kind, "object": body(name, version)}


EXPIRED: Object = {
    "type": "ERROR",
    "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"},
}


class Following:
    """A watch that is read an event at a time."""

    def __init__(self, api: ScriptedApi) -> None:
        self.stop = threading.Event()
        self.api = api
        cluster = Cluster(api.access(), timeout=1.0, clock=FakeClock())
        self.events: Iterator[WatchEvent] = cluster.watch(
            CONFIGMAPS, namespace="n", labels="a=b", stop=self.stop
        )

    def take(self, count: int) -> list[tuple[str, str]]:
        found = [next(self.events) for _ in range(count)]
        return [(each.type, each.object["metadata"]["name"]) for each in found]

    def end(self) -> list[WatchEvent]:
        self.stop.set()
        return list(self.events)

    def versions(self) -> list[str]:
        """From where each stream was asked for."""
        return [each.query["resourceVersion"] for each in self.api.asked if "watch" in each.query]


def test_watch_begins_with_a_list_and_goes_on_from_its_version() -> None:
    """Selector and bookmarks are asked for, and the stream is bounded on the server."""
    hold = threading.Event()
    with scripted(
        answer(listed(5, body("a", 3))), stream(event("MODIFIED", "a", 6), hold=hold)
    ) as api:
        following = Following(api)
        taken = following.take(2)
        rest = following.end()
        hold.set()

    assert taken == [("ADDED", "a"), ("MODIFIED", "a")]
    assert rest == []
    assert api.asked[0].query == {"labelSelector": "a=b", "limit": "500"}
    assert api.asked[1].query == {
        "labelSelector": "a=b",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "5",
        "timeoutSeconds": "55",
    }


def test_stream_that_ends_goes_on_from_the_last_version_seen() -> None:
    """Bookmarks count, and are not told."""
    bookmark = event("BOOKMARK", "", 9)
    hold = threading.Event()
    with scripted(
        answer(listed(5)),
        stream(event("ADDED", "a", 6)),
        stream(bookmark),
        stream(event("ADDED", "b", 10), hold=hold),
    ) as api:
        following = Following(api)
        taken = following.take(2)
        following.end()
        hold.set()

    assert taken == [("ADDED", "a"), ("ADDED", "b")]
    assert following.versions() == ["5", "6", "9"]


def test_broken_stream_loses_and_repeats_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Cut in the middle of a line, refused by 503, cut again: told as warnings."""
    hold = threading.Event()
    with scripted(
        answer(listed(5)),
        stream(event("ADDED", "a", 6), cut_at=b'{"type": "ADDED", "obj'),
        refuse(503),
        cut,
        stream(event("ADDED", "b", 7), hold=hold),
    ) as api:
        following = Following(api)
        taken = following.take(2)
        following.end()
        hold.set()

    assert taken == [("ADDED", "a"), ("ADDED", "b")]
    assert following.versions() == ["5", "6", "6", "6"]
    assert len(caplog.records) == 3


@pytest.mark.parametrize("expiry", [stream(EXPIRED), refuse(410, "Expired")])
def test_expired_version_lists_again_and_tells_the_difference(expiry: object) -> None:
    """In the stream or as the answer: added, modified and deleted meanwhile."""
    hold = threading.Event()
    with scripted(
        answer(listed(5, body("gone", 1), body("changed", 2), body("same", 3))),
        expiry,  # type: ignore[arg-type]
        answer(listed(20, body("changed", 12), body("same", 3), body("new", 15))),
        stream(event("DELETED", "new", 21), hold=hold),
    ) as api:
        following = Following(api)
        taken = following.take(7)
        following.end()
        hold.set()

    assert taken == [
        ("ADDED", "gone"),
        ("ADDED", "changed"),
        ("ADDED", "same"),
        ("DELETED", "gone"),
        ("MODIFIED", "changed"),
        ("ADDED", "new"),
        ("DELETED", "new"),
    ]
    assert following.versions() == ["5", "20"]


def test_line_that_is_no_json_is_a_broken_stream() -> None:
    """Not an exception that nobody maps."""
    hold = threading.Event()
    with scripted(
        answer(listed(5)), stream(b"<html>\n"), stream(event("ADDED", "a", 6), hold=hold)
    ) as api:
        following = Following(api)
        taken = following.take(1)
        following.end()
        hold.set()

    assert taken == [("ADDED", "a")]


def test_silent_server_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that died without a word does not hold the watch for ever."""
    monkeypatch.setattr(watch, "SILENCE", 0.1)
    hold, second = threading.Event(), threading.Event()
    with scripted(
        answer(listed(5)), stream(hold=hold), stream(event("ADDED", "a", 6), hold=second)
    ) as api:
        following = Following(api)
        taken = following.take(1)
        hold.set()
        following.end()
        second.set()

    assert taken == [("ADDED", "a")]


def test_failure_of_the_first_list_is_raised() -> None:
    """Whoever starts a watch learns at once that it cannot work."""
    with scripted(refuse(403, "Forbidden")) as api, pytest.raises(Forbidden):
        Following(api).take(1)


def test_refusal_later_is_raised() -> None:
    """Rights were taken away: no retry helps."""
    with scripted(answer(listed(5, body("a", 3))), refuse(403, "Forbidden")) as api:
        following = Following(api)
        taken = following.take(1)
        with pytest.raises(Forbidden):
            following.take(1)

    assert taken == [("ADDED", "a")]


def test_trouble_told_in_the_stream_passes() -> None:
    """A 500 inside the stream is the server's trouble, not ours."""
    trouble: Object = {"type": "ERROR", "object": {"kind": "Status", "code": 500}}
    hold = threading.Event()
    with scripted(
        answer(listed(5)), stream(trouble), stream(event("ADDED", "a", 6), hold=hold)
    ) as api:
        following = Following(api)
        taken = following.take(1)
        following.end()
        hold.set()

    assert taken == [("ADDED", "a")]


def test_stop_ends_a_read_that_blocks() -> None:
    """From another thread, while the server says nothing."""
    hold = threading.Event()
    with scripted(answer(listed(5)), stream(hold=hold)) as api:
        following = Following(api)
        timer = threading.Timer(0.05, following.stop.set)
        timer.start()
        rest = list(following.events)
        timer.join()
        hold.set()

    assert rest == []


def test_passing_trouble_is_told_from_refusals() -> None:
    """Only the plain error and the unreachable server pass."""
    assert watch.is_passing(ClusterError("HTTP 500"))
    assert not watch.is_passing(Forbidden("no"))
