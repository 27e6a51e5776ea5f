"""The three kinds of patch, through the API and on their own."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.apiserver.patching import merge_patch
from kvchaos.lab.apiserver.refusal import Refused
from kvchaos.lab.apiserver.strategic import merge
from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE_PATCH,
    NETWORKCHAOS,
    STRATEGIC_PATCH,
    Api,
    config,
    deployment,
    partition,
)


def test_json_patch_edits_by_path(api: Api) -> None:
    """RFC 6902."""
    api.create(CONFIGMAPS, config("a"))

    patched = api.patch(
        f"{CONFIGMAPS}/a",
        [
            {"op": "test", "path": "/data/k", "value": "v"},
            {"op": "add", "path": "/data/l", "value": "w"},
        ],
        content=JSON_PATCH,
    )

    assert patched["data"] == {"k": "v", "l": "w"}


@pytest.mark.parametrize(
    "patch",
    [
        [{"op": "test", "path": "/data/k", "value": "other"}],
        [{"op": "remove", "path": "/data/nope"}],
        [{"op": "replace", "path": "/a/b/c", "value": 1}],
    ],
)
def test_json_patch_that_cannot_be_done_is_invalid(api: Api, patch: Any) -> None:
    """422 and not 500: controllers that test a version must not retry blindly."""
    api.create(CONFIGMAPS, config("a"))

    assert api.refusal("PATCH", f"{CONFIGMAPS}/a", patch, content=JSON_PATCH)[:2] == (
        422,
        "Invalid",
    )


@pytest.mark.parametrize(
    ("patch", "content"),
    [
        (b"{", MERGE_PATCH),
        ([], MERGE_PATCH),
        ({}, JSON_PATCH),
        ([{"op": "dance", "path": "/data"}], JSON_PATCH),
        ([{"op": "remove", "path": "/metadata"}], JSON_PATCH),
        ([{"op": "replace", "path": "", "value": 1}], JSON_PATCH),
        ({"metadata": None}, MERGE_PATCH),
        ({"$patch": "dance"}, STRATEGIC_PATCH),
    ],
)
def test_patch_that_is_none_is_a_bad_request(api: Api, patch: Any, content: str) -> None:
    """Never a 500."""
    api.create(CONFIGMAPS, config("a"))

    assert api.refusal("PATCH", f"{CONFIGMAPS}/a", patch, content=content)[0] == 400


def test_patch_of_another_version_is_a_conflict(api: Api) -> None:
    """A resourceVersion in the patch is a precondition."""
    api.create(CONFIGMAPS, config("a"))

    refused = api.refusal("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"resourceVersion": "1"}})

    assert refused[:2] == (409, "Conflict")


def test_server_side_apply_is_unsupported_with_a_way_out(api: Api) -> None:
    """415, which makes kubectl say what the server said."""
    api.create(CONFIGMAPS, config("a"))

    code, reason, message = api.refusal(
        "PATCH", f"{CONFIGMAPS}/a", b"{}", content="application/apply-patch+yaml"
    )

    assert (code, reason) == (415, "UnsupportedMediaType")
    assert "without --server-side" in message


def test_custom_resources_take_no_strategic_patch(api: Api) -> None:
    """As in Kubernetes: nobody knows their merge keys."""
    api.create(NETWORKCHAOS, partition("p"))

    code, reason, message = api.refusal(
        "PATCH", f"{NETWORKCHAOS}/p", {"metadata": {"labels": {"a": "b"}}}, content=STRATEGIC_PATCH
    )

    assert (code, reason) == (415, "UnsupportedMediaType")
    assert "application/merge-patch+json" in message


def test_strategic_patch_changes_one_container_of_a_deployment(api: Api) -> None:
    """As kubectl set image and kubectl apply do."""
    body = deployment("d")
    body["spec"]["template"]["spec"]["containers"].append({"name": "d", "image": "img:1"})
    api.create(DEPLOYMENTS, body)

    containers = [{"name": "d", "image": "img:2", "env": [{"name": "A", "value": "1"}]}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = api.patch(f"{DEPLOYMENTS}/d", change, content=STRATEGIC_PATCH)

    found = patched["spec"]["template"]["spec"]["containers"]
    assert [(one["name"], one["image"], one.get("env")) for one in found] == [
        ("c", "img:1", None),
        ("d", "img:2", [{"name": "A", "value": "1"}]),
    ]


A, B, C = ({"name": name, "value": name} for name in "abc")


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 3, "y": 2}}),
        ({"a": {"x": 1}}, {"a": {"$patch": "replace", "y": 2}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ({"a": {"x": 1}}, {"a": {"$patch": "merge", "y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"args": [1, 2]}, {"args": [3]}, {"args": [3]}),
        (
            {"env": [A, B]},
            {"env": [{"name": "b", "value": "x"}]},
            {"env": [A, {**B, "value": "x"}]},
        ),
        ({"env": [A]}, {"env": [B]}, {"env": [A, B]}),
        ({}, {"env": [{**A, "value": None}]}, {"env": [{"name": "a"}]}),
        ({"env": [A, B]}, {"env": [{"name": "a", "$patch": "delete"}]}, {"env": [B]}),
        ({"env": [A, B]}, {"env": [C, {"$patch": "replace"}]}, {"env": [C]}),
        (
            {"env": [A, B]},
            {"env": [C], "$setElementOrder/env": [{"name": n} for n in "cba"]},
            {"env": [C, B, A]},
        ),
        (
            {"ports": [{"containerPort": 1}]},
            {"ports": [{"containerPort": 1, "name": "x"}, {"containerPort": 2}]},
            {"ports": [{"containerPort": 1, "name": "x"}, {"containerPort": 2}]},
        ),
        (
            {"ports": [{"port": 80, "name": "x"}]},
            {"ports": [{"port": 80, "name": "y"}]},
            {"ports": [{"port": 80, "name": "y"}]},
        ),
        ({"finalizers": ["a"]}, {"finalizers": ["b", "a"]}, {"finalizers": ["a", "b"]}),
        (
            {"finalizers": ["a", "b"]},
            {"$deleteFromPrimitiveList/finalizers": ["a"]},
            {"finalizers": ["b"]},
        ),
        (
            {"finalizers": ["a", "b"]},
            {"$setElementOrder/finalizers": ["b", "a"]},
            {"finalizers": ["b", "a"]},
        ),
        (
            {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}},
            {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}},
            {"strategy": {"type": "Recreate"}},
        ),
        (
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {}}]},
            {"volumes": [{"name": "v", "secret": {}}]},
        ),
        (
            {"conditions": [{"type": "Ready", "status": "False"}]},
            {"conditions": [{"type": "Ready", "status": "True"}]},
            {"conditions": [{"type": "Ready", "status": "True"}]},
        ),
        ({"a": 1}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        (
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b"}]},
            {"tolerations": [{"key": "b"}]},
        ),
    ],
)
def test_strategic_merge(target: Any, patch: Any, expected: Any) -> None:
    """Lists by their keys, and the directives that kubectl sends."""
    assert merge(target, patch) == expected


@pytest.mark.parametrize("item", ["a", {"value": "x"}])
def test_item_without_its_merge_key_is_refused(item: Any) -> None:
    """It could mean any item."""
    with pytest.raises(Refused, match="lacks its merge key"):
        merge({"env": [A]}, {"env": [item]})


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a"], {"a": "b"}, {"a": "b"}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_by_the_examples_of_its_standard(
    target: Any, patch: Any, expected: Any
) -> None:
    """RFC 7386, appendix A."""
    assert merge_patch(target, patch) == expected
