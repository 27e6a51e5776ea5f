"""Watches: from a version on, through selectors, until they are over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kvchaos.lab.apiserver.watching import Watch
from tests.unit.lab.apiserver.speaking import CONFIGMAPS, PODS, TABLE, Api, config, pod, seen


def version(api: Api) -> str:
    return str(api.get(CONFIGMAPS)["metadata"]["resourceVersion"])


def test_watch_from_a_version_shows_what_came_after(api: Api) -> None:
    """In order, each with its own version."""
    api.create(CONFIGMAPS, config("before"))
    watch = api.watch(f"{CONFIGMAPS}?watch=true&resourceVersion={version(api)}")

    made = api.create(CONFIGMAPS, config("a"))
    changed = api.patch(f"{CONFIGMAPS}/a", {"data": {"k": "w"}})
    api.delete(f"{CONFIGMAPS}/a")

    events = [json.loads(line) for line in watch.take()]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event["object"] for event in events[:2]] == [made, changed]
    last = events[2]["object"]
    assert last["data"] == {"k": "w"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert watch.take() == []


@pytest.mark.parametrize("query", ["watch=1", "watch=True&resourceVersion=0", "watch=true"])
def test_watch_without_a_version_begins_with_what_exists(api: Api, query: str) -> None:
    """Every spelling of true counts; kubernetes clients before 37 send a capital."""
    api.create(CONFIGMAPS, config("a"))

    watch = api.watch(f"{CONFIGMAPS}?{query}")
    first = seen(watch)
    api.create(CONFIGMAPS, config("b"))

    assert first == [("ADDED", "a")]
    assert seen(watch) == [("ADDED", "b")]


def test_watch_with_initial_events_marks_their_end(api: Api) -> None:
    """WatchList: a bookmark with the annotation that clients wait for."""
    api.create(CONFIGMAPS, config("a"))

    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    events = [json.loads(line) for line in api.watch(f"{CONFIGMAPS}?{query}").take()]

    assert [event["type"] for event in events] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"] == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": version(api),
            "creationTimestamp": None,
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }


def test_object_that_begins_or_ceases_to_match_is_added_or_deleted(api: Api) -> None:
    """The watcher of a selector sees a world of its own; what leaves it is shown as it was."""
    watch = api.watch(
        f"{CONFIGMAPS}?watch=true&resourceVersion={version(api)}&labelSelector=in=yes"
    )
    for name in ("a", "b"):
        api.create(CONFIGMAPS, config(name, labels={"in": "no"}))

    def label(value: str) -> Any:
        return api.patch(f"{CONFIGMAPS}/a", {"metadata": {"labels": {"in": value}}})

    events = []
    for value in ("yes", "no"):
        last = label(value)
        events += [json.loads(line) for line in watch.take()]
    api.delete(f"{CONFIGMAPS}/b")

    assert [event["type"] for event in events] == ["ADDED", "DELETED"]
    gone = events[1]["object"]["metadata"]
    assert gone["labels"] == {"in": "yes"}
    assert gone["resourceVersion"] == last["metadata"]["resourceVersion"]
    assert watch.take() == []


def test_watch_by_field_follows_the_field(api: Api) -> None:
    """kubectl wait watches one name; a node watches its own pods."""
    watch = api.watch(f"{PODS}?watch=true&fieldSelector=spec.nodeName=n")

    api.create(PODS, pod("a"))
    api.patch(f"{PODS}/a", {"spec": {"nodeName": "n"}})

    assert seen(watch) == [("ADDED", "a")]


def test_watch_of_a_namespace_is_blind_to_others(api: Api) -> None:
    """The path's namespace is a selector too."""
    api.create("/api/v1/namespaces", {"metadata": {"name": "other"}})
    one, every = (api.watch(f"{path}?watch=true") for path in (CONFIGMAPS, "/api/v1/configmaps"))

    api.create("/api/v1/namespaces/other/configmaps", config("a"))

    assert (seen(one), seen(every)) == ([], [("ADDED", "a")])


def test_watch_from_a_forgotten_version_is_over_with_expired(api: Api) -> None:
    """410 inside the stream, as clients expect it: they list again."""
    small = Api(window=4)
    small.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    for number in range(10):
        small.create(CONFIGMAPS, config(f"c{number}"))

    watch = small.watch(f"{CONFIGMAPS}?watch=true&resourceVersion=1")
    (event,) = (json.loads(line) for line in watch.take())

    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert watch.over


def test_slow_watch_expires_instead_of_growing(api: Api) -> None:
    """Nothing is queued per watcher; one that lags behind the window lists again."""
    small = Api(window=4)
    small.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    watch = small.watch(f"{CONFIGMAPS}?watch=true")
    for number in range(10):
        small.create(CONFIGMAPS, config(f"c{number}"))

    assert [kind for kind, _ in seen(watch)] == ["ERROR"]


def test_other_kinds_do_not_push_events_out_of_the_window(api: Api) -> None:
    """Each kind has a window of its own."""
    small = Api(window=4)
    small.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    watch = small.watch(f"{PODS}?watch=true")
    small.create(PODS, pod("a"))
    for number in range(10):
        small.create(CONFIGMAPS, config(f"c{number}"))

    assert seen(watch) == [("ADDED", "a")]


def test_version_of_the_future_is_expired(api: Api) -> None:
    """It belongs to another life of the lab."""
    assert [kind for kind, _ in seen(api.watch(f"{PODS}?watch=true&resourceVersion=999999"))] == [
        "ERROR"
    ]


def test_bookmark_tells_how_far_the_client_has_seen(api: Api) -> None:
    """Only if it asked for such."""
    asked = api.watch(f"{PODS}?watch=true&allowWatchBookmarks=true")
    silent = api.watch(f"{PODS}?watch=true")
    api.create(PODS, pod("a"))
    seen(asked)

    body = json.loads(asked.bookmark())

    assert body["type"] == "BOOKMARK"
    assert body["object"]["metadata"]["resourceVersion"] == version(api)
    assert silent.bookmark() == b""


def test_watch_as_table_has_one_row_per_event(api: Api) -> None:
    """kubectl get -w."""
    watch = api.watch(f"{PODS}?watch=true", accept=TABLE)
    api.create(PODS, pod("a"))

    (event,) = (json.loads(line) for line in watch.take())

    assert event["object"]["kind"] == "Table"
    assert [row["cells"][0] for row in event["object"]["rows"]] == ["a"]


def test_listener_is_woken_by_its_kind_until_it_stops(api: Api) -> None:
    """How the adapter learns that there is something to take."""
    woken: list[Watch] = []
    watch = api.watch(f"{PODS}?watch=true")
    stop = watch.listen(lambda: woken.append(watch))

    api.create(PODS, pod("a"))
    api.create(CONFIGMAPS, config("a"))
    stop()
    api.create(PODS, pod("b"))

    assert woken == [watch]


@pytest.mark.parametrize(("query", "seconds"), [("timeoutSeconds=5", 5.0), ("", 3600.0)])
def test_watch_ends_by_itself(api: Api, query: str, seconds: float) -> None:
    """No watch is for ever."""
    assert api.watch(f"{PODS}?watch=true&{query}").timeout == seconds


def test_watch_version_that_is_no_number_is_a_bad_request(api: Api) -> None:
    """Never silently from now."""
    assert api.refusal("GET", f"{PODS}?watch=true&resourceVersion=x")[:2] == (400, "BadRequest")
