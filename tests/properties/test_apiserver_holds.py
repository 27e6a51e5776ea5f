"""The API server's store, selectors and patches, for any history and any input."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.message import Response
from kvchaos.lab.apiserver.patching import merge_patch
from kvchaos.lab.apiserver.protobuf import decode
from kvchaos.lab.apiserver.refusal import Refused
from kvchaos.lab.apiserver.selectors import Selector, parse_labels
from kvchaos.lab.apiserver.strategic import merge
from kvchaos.lab.apiserver.watching import Watch
from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    JSON_PATCH,
    MERGE_PATCH,
    NETWORKCHAOS,
    PODS,
    STRATEGIC_PATCH,
    Api,
    config,
    partition,
    pod,
)

NAMES = st.sampled_from(["a", "b", "c"])
COLOURS = st.sampled_from(["red", "blue"])
LABELS = st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12"), max_size=3)


def refusal(call: Callable[[], object]) -> int | None:
    """The code of the refusal that ``call`` ends in; None when it is done."""
    try:
        call()
    except Refused as refused:
        return refused.code
    return None


def as_seen(body: Any) -> Any:
    return json.loads(json.dumps(body))


class Watchers(RuleBasedStateMachine):
    """Whatever is written, a watch and a list tell the same story.

    One watcher sees everything, one sees what is red; each keeps the objects that its events
    leave it with, and lists again when its watch has expired.
    """

    def __init__(self) -> None:
        super().__init__()
        self.api = Api(window=8)
        self.api.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
        self.queries = {"": "", "red": "&labelSelector=colour=red"}
        self.watches: dict[str, Watch] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.versions: list[int] = []
        for name in self.queries:
            self.list_again(name)

    def list_again(self, name: str) -> None:
        query = self.queries[name]
        found = self.api.get(f"{CONFIGMAPS}?limit=500{query}")
        self.views[name] = {one["metadata"]["name"]: one for one in found["items"]}
        version = found["metadata"]["resourceVersion"]
        self.watches[name] = self.api.watch(
            f"{CONFIGMAPS}?watch=true&resourceVersion={version}{query}"
        )

    @rule(name=NAMES, colour=COLOURS)
    def create(self, name: str, colour: str) -> None:
        self.api.whole("POST", CONFIGMAPS, config(name, labels={"colour": colour}))

    @rule(name=NAMES, colour=COLOURS, value=st.sampled_from("12"))
    def patch(self, name: str, colour: str, value: str) -> None:
        change = {"metadata": {"labels": {"colour": colour}}, "data": {"k": value}}
        self.api.whole("PATCH", f"{CONFIGMAPS}/{name}", change)

    @rule(name=NAMES, held=st.booleans())
    def hold(self, name: str, held: bool) -> None:
        finalizers = ["x/y"] if held else None
        change = {"metadata": {"finalizers": finalizers}}
        self.api.whole("PATCH", f"{CONFIGMAPS}/{name}", change)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.api.whole("DELETE", f"{CONFIGMAPS}/{name}")

    @rule(name=NAMES, owner=NAMES)
    def own(self, name: str, owner: str) -> None:
        status, body = self.api.whole("GET", f"{CONFIGMAPS}/{owner}")
        if status == 200:
            reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner}
            references = [{**reference, "uid": body["metadata"]["uid"]}]
            change = {"metadata": {"ownerReferences": references}}
            self.api.whole("PATCH", f"{CONFIGMAPS}/{name}", change)

    @rule(name=st.sampled_from(["", "red"]))
    def follow(self, name: str) -> None:
        """Take what a watcher has pending; it need not do so after every write."""
        watch, view = self.watches[name], self.views[name]
        for line in watch.take():
            event = json.loads(line)
            if event["type"] == "ERROR":
                assert event["object"]["code"] == 410
                self.list_again(name)
                return
            key = event["object"]["metadata"]["name"]
            assert (key in view) == (event["type"] != "ADDED")
            if event["type"] == "DELETED":
                del view[key]
            else:
                view[key] = event["object"]
        found = self.api.get(f"{CONFIGMAPS}?limit=500{self.queries[name]}")["items"]
        assert view == {one["metadata"]["name"]: one for one in found}

    @precondition(lambda self: self.versions)
    @rule(name=NAMES)
    def stale_writes_are_conflicts(self, name: str) -> None:
        status, body = self.api.whole("GET", f"{CONFIGMAPS}/{name}")
        if status == 200:
            body["metadata"]["resourceVersion"] = "1"
            assert self.api.whole("PUT", f"{CONFIGMAPS}/{name}", body)[0] == 409

    @invariant()
    def versions_only_grow(self) -> None:
        version = int(self.api.get(CONFIGMAPS)["metadata"]["resourceVersion"])
        assert not self.versions or version >= self.versions[-1]
        self.versions.append(version)

    @invariant()
    def nothing_that_is_to_go_stays_without_a_reason(self) -> None:
        for body in self.api.get(CONFIGMAPS)["items"]:
            metadata = body["metadata"]
            assert metadata.get("finalizers") or not metadata.get("deletionTimestamp")


TestWatchers = Watchers.TestCase
TestWatchers.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=40)


@given(labels=LABELS, key=st.sampled_from("xyz"), values=st.sets(st.sampled_from("12"), min_size=1))
def test_every_selector_and_its_negation_split_the_world(
    labels: dict[str, str], key: str, values: set[str]
) -> None:
    """An object matches exactly one of the two."""
    listed = ",".join(sorted(values))
    for positive, negative in (
        (f"{key} in ({listed})", f"{key} notin ({listed})"),
        (key, f"!{key}"),
        (f"{key}={min(values)}", f"{key}!={min(values)}"),
    ):
        matches = [
            Selector(parse_labels(text)).matches(labels, {}) for text in (positive, negative)
        ]
        assert sorted(matches) == [False, True]


@given(labels=LABELS, parts=st.lists(st.sampled_from(["x", "!y", "z=1", "x in (1,2)"]), max_size=4))
def test_comma_means_and(labels: dict[str, str], parts: list[str]) -> None:
    """A selector holds when each of its parts does."""
    whole = Selector(parse_labels(",".join(parts))).matches(labels, {})

    assert whole == all(Selector(parse_labels(part)).matches(labels, {}) for part in parts)


@given(text=st.text(alphabet="ab=!,() in\t'\"\\<>1", max_size=20))
def test_selector_of_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing else escapes."""
    assert refusal(lambda: parse_labels(text)) in {None, 400}


FIELDS = [
    *("a", "name", "env", "ports", "finalizers", "$patch", "$retainKeys"),
    *("$setElementOrder/env", "$deleteFromPrimitiveList/finalizers"),
]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "delete"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
ANYTHING = st.dictionaries(st.sampled_from(FIELDS), JSONS)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), JSONS)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


@given(target=OBJECTS, patch=OBJECTS)
def test_merge_patch_twice_is_as_once(target: Any, patch: Any) -> None:
    """Idempotent, and what it changed is what it says."""
    once = merge_patch(target, patch)

    assert merge_patch(once, patch) == once
    for name, value in patch.items():
        if value is None:
            assert name not in once
        elif not isinstance(value, dict):
            assert once[name] == value


@given(before=OBJECTS, after=OBJECTS)
def test_merge_patch_leads_anywhere(before: Any, after: Any) -> None:
    """Nulls for what must go, then the rest: any object without nulls can be reached."""
    after = without_nulls(after)
    patch = dict.fromkeys(before) | after
    emptied = merge_patch(before, dict.fromkeys(before))

    assert emptied == {}
    assert merge_patch(emptied, {key: patch[key] for key in after}) == after


NAMED = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from("12")}),
    unique_by=lambda item: str(item["name"]),
    max_size=3,
)


@given(target=NAMED, patch=NAMED, removed=st.sets(NAMES), order=st.permutations("abc"))
def test_strategic_merge_of_a_list_is_a_merge_by_its_key(
    target: list[Any], patch: list[Any], removed: set[str], order: list[str]
) -> None:
    """The same as merging two maps; deleted items are gone; the order asked for is kept."""
    deletions = [{"name": name, "$patch": "delete"} for name in sorted(removed)]
    change = {
        "env": patch + deletions,
        "$setElementOrder/env": [{"name": name} for name in order],
    }

    merged = merge({"env": target}, change)["env"]

    expected = {item["name"]: item for item in target}
    for item in patch:
        expected[item["name"]] = {**expected.get(item["name"], {}), **item}
    assert {item["name"]: item for item in merged} == {
        name: item for name, item in expected.items() if name not in removed
    }
    names = [item["name"] for item in merged]
    assert names == [name for name in order if name in names]


@given(target=ANYTHING, patch=ANYTHING)
def test_strategic_merge_of_anything_is_done_or_refused(target: Any, patch: Any) -> None:
    """Never another error, and the target is never changed."""
    before = as_seen(target)
    assert refusal(lambda: merge(target, patch)) in {None, 400}
    assert target == before


PLACES = {PODS: pod, CONFIGMAPS: config, NETWORKCHAOS: partition}
POINTERS = st.lists(st.sampled_from(["spec", "metadata", "containers", "0", "-", "labels", "env"]))


@settings(max_examples=2 * settings().max_examples)
@given(
    place=st.sampled_from(sorted(PLACES)),
    path=st.lists(st.sampled_from(["spec", "metadata", "data", "status", "selector", "labels"])),
    value=JSONS,
    content=st.sampled_from([MERGE_PATCH, STRATEGIC_PATCH]),
)
def test_write_of_anything_is_done_or_refused(
    place: str, path: list[str], value: Any, content: str
) -> None:
    """Whatever a client sends, the answer is a Status or the object, never an exception."""
    api = Api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    body: Any = PLACES[place]("x")
    api.create(place, body)
    change: Any = value
    for step in reversed(path):
        change = {step: change}

    for method, target, sent, kind in (
        ("POST", place, merge_patch(PLACES[place]("y"), change), "application/json"),
        ("PUT", f"{place}/x", merge_patch(body, change), "application/json"),
        ("PATCH", f"{place}/x", change, content),
        ("PATCH", f"{place}/x/status", change, content),
    ):
        answer = api.ask(method, target, sent, content=kind)
        assert isinstance(answer, Response)
        assert answer.status in {200, 201, 400, 403, 404, 409, 415, 422}


@settings(max_examples=2 * settings().max_examples)
@given(
    operation=st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
    path=POINTERS,
    source=POINTERS,
    value=JSONS,
)
def test_json_patch_of_anything_is_done_or_refused(
    operation: str, path: list[str], source: list[str], value: Any
) -> None:
    """The library's errors are all known."""
    api = Api()
    api.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    api.create(PODS, pod("x"))
    pointers = {"path": "".join(f"/{step}" for step in path)}
    pointers["from"] = "".join(f"/{step}" for step in source)
    patch = [{"op": operation, **pointers, "value": value}]

    answer = api.ask("PATCH", f"{PODS}/x", patch, content=JSON_PATCH)

    assert isinstance(answer, Response)
    assert answer.status in {200, 400, 409, 422}


@settings(max_examples=3 * settings().max_examples)
@given(raw=st.binary(max_size=60))
def test_protobuf_of_any_bytes_is_read_or_refused(raw: bytes) -> None:
    """Never another error."""
    assert refusal(lambda: decode(b"k8s\x00" + raw, kinds.CONFIGMAPS)) in {None, 400, 415}
