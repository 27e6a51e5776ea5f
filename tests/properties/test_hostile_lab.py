"""Whatever is sent to the lab's API: an answer, within bounds; never an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.core import Core
from kvchaos.lab.apiserver.message import Request, Response
from kvchaos.lab.apiserver.podaccess import ForwardPorts, ReadLog
from kvchaos.lab.apiserver.protobuf import MEDIA_TYPE, decode
from kvchaos.lab.apiserver.refusal import Refused
from kvchaos.lab.apiserver.watching import Watch
from tests.hostile import bounded, damaged, damaged_json, grafted, outcome
from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE_PATCH,
    NETWORKCHAOS,
    PODS,
    STRATEGIC_PATCH,
    TABLE,
    Api,
    config,
    partition,
    pod,
)

DEEP = (48 * 2**20, 600)  # a thousand frames are in memory when nesting is too deep
PATCHES = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH]
BODIES = [config("a"), pod("a"), partition("a")]
STEPS: list[Any] = [
    {"op": "replace", "path": "/data/a", "value": "b"},
    {"op": "copy", "from": "/data", "path": "/data/x"},
    {"op": "test", "path": "/metadata/name", "value": "a"},
    {"op": "remove", "path": "/spec"},
]
OPERATIONS = [
    STEPS[:2],
    STEPS[2:],
    {"metadata": {"labels": {"a": None, "b": "c"}}, "spec": {"containers": [{"name": "c"}]}},
]  # fmt: skip


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


NAMED = _field(1, b"a") + _field(11, _field(1, b"k") + _field(2, b"v"))
PROTOBUF = [
    b"k8s\0" + _field(1, _field(1, b"v1")) + _field(2, _field(1, NAMED) + _field(2, NAMED)),
    b"k8s\0" + _field(2, _field(1, NAMED) + b"\x20\x01"),
]  # fmt: skip
READ = [
    kinds.NAMESPACES,
    kinds.CONFIGMAPS,
    kinds.SECRETS,
    kinds.SERVICEACCOUNTS,
    kinds.ACCESS_REVIEWS,
]


def api() -> Core:
    found = Api()
    found.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})
    for path, body in zip((CONFIGMAPS, PODS, NETWORKCHAOS), BODIES, strict=True):
        found.create(path, body)
    return found.core


def answered(core: Core, request: Request) -> None:
    """It answers, and goes on answering."""
    with bounded(len(request.body) + len(request.path), memory=DEEP):
        answer = core.handle(request)
    if isinstance(answer, Response):
        assert 200 <= answer.status < 600
        if answer.content_type.startswith("application/json"):
            json.loads(answer.body)
    else:
        assert isinstance(answer, Watch | ReadLog | ForwardPorts)
    listed = core.handle(Request("GET", CONFIGMAPS, {}, {}, b""))
    assert isinstance(listed, Response)
    assert listed.status == 200


@given(damaged(PROTOBUF) | st.binary(max_size=60), st.sampled_from(READ))
def test_protobuf_is_an_object_or_refused(body: bytes, kind: Any) -> None:
    """Numbers, lengths and texts that are none; fields that are not in the table."""
    with bounded(len(body)):
        found = outcome(lambda: decode(body, kind), Refused)
    if isinstance(found, Refused):
        assert found.code in (400, 415)
    else:
        json.dumps(found)


def test_a_number_without_end_is_refused_at_its_eleventh_byte() -> None:
    """Else it would be a number of three million digits."""
    body = PROTOBUF[0][:4] + b"\x12" + b"\xff" * 10**6

    with bounded(0, memory=(2**22, 0)):
        found = outcome(lambda: decode(body, kinds.CONFIGMAPS), Refused)
    assert isinstance(found, Refused)
    assert "more than 10 bytes" in found.message


@given(damaged_json(*BODIES), st.sampled_from([CONFIGMAPS, PODS, DEPLOYMENTS, NETWORKCHAOS]))
def test_any_object_is_created_or_refused(body: bytes, path: str) -> None:
    """JSON of any shape."""
    answered(api(), Request("POST", path, {}, {"content-type": "application/json"}, body))


@given(damaged([json.dumps(each).encode() for each in BODIES] + [b"a: &x [1]\nb: *x", b"- a: 1"]))
def test_any_yaml_is_created_or_refused(body: bytes) -> None:
    """Likewise; what refers to itself is refused."""
    answered(api(), Request("POST", CONFIGMAPS, {}, {"content-type": "application/yaml"}, body))


@given(
    damaged_json(*OPERATIONS),
    st.sampled_from(PATCHES),
    st.sampled_from([f"{CONFIGMAPS}/a", f"{PODS}/a", f"{NETWORKCHAOS}/a", f"{PODS}/a/status"]),
)
def test_any_patch_is_applied_or_refused(body: bytes, media_type: str, path: str) -> None:
    """Of every kind of patch, on every kind of object."""
    answered(api(), Request("PATCH", path, {}, {"content-type": media_type}, body))


@given(st.lists(st.sampled_from(STEPS).flatmap(grafted), max_size=4))
def test_any_operations_are_applied_or_refused(operations: list[Any]) -> None:
    """Each of a shape of its own."""
    body = json.dumps(operations).encode()
    answered(api(), Request("PATCH", f"{CONFIGMAPS}/a", {}, {"content-type": JSON_PATCH}, body))


OPTIONS = {
    "kind": "DeleteOptions",
    "gracePeriodSeconds": 1,
    "propagationPolicy": "Background",
    "preconditions": {"uid": "u", "resourceVersion": "1"},
    "dryRun": ["All"],
}


@given(damaged_json(OPTIONS), st.sampled_from([f"{PODS}/a", PODS, f"{CONFIGMAPS}/a", NETWORKCHAOS]))
def test_any_deletion_is_done_or_refused(body: bytes, path: str) -> None:
    """Of one object and of a collection."""
    answered(api(), Request("DELETE", path, {}, {"content-type": "application/json"}, body))


@pytest.mark.parametrize("count", [25, 9_000])
def test_copies_of_copies_are_refused(count: int) -> None:
    """Each operation could double the object."""
    operations = [{"op": "add", "path": "/data", "value": {"0": "x" * 1000}}]
    operations += [{"op": "copy", "from": "/data", "path": f"/data/{n}"} for n in range(count)]
    body = json.dumps(operations).encode()
    core = api()
    with bounded(len(body), memory=(64 * 2**20, 600)):
        answer = core.handle(
            Request("PATCH", f"{CONFIGMAPS}/a", {}, {"content-type": JSON_PATCH}, body)
        )

    assert isinstance(answer, Response)
    assert answer.status == 413


SEGMENTS = st.sampled_from(
    ["api", "apis", "v1", "namespaces", "ns", "pods", "a", "log", "status", "portforward", "", "..",
     "configmaps", "apps", "scale", "openapi", "v3", "version", "healthz", "%00", "chaos-mesh.org"]
) | st.text(max_size=5)  # fmt: skip
NAMES = st.sampled_from(
    ["labelSelector", "fieldSelector", "watch", "limit", "continue", "resourceVersion", "ports",
     "timeoutSeconds", "tailLines", "dryRun", "fieldValidation", "propagationPolicy", "container",
     "gracePeriodSeconds", "allowWatchBookmarks", "resourceVersionMatch", "sendInitialEvents"]
)  # fmt: skip
VALUES = st.text(max_size=12) | st.sampled_from(
    ["a=b", "a!=b", "a in (b,c)", "!a", "a in (", "true", "-1", "9" * 5000, "x" * 5000, "²", "e30=",
     "metadata.name=a", "metadata.name!=a,status.phase=Running", "All", "None", "0", "1"]
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["accept", "content-type", "upgrade", "sec-websocket-protocol"]),
    st.sampled_from(
        [TABLE, "application/json", MEDIA_TYPE, "application/yaml", "*/*", ";;;=,=;", "websocket",
         "application/json;v=v2;as=APIGroupDiscoveryList", "v4.channel.k8s.io"]
    ) | st.text(max_size=20),
)  # fmt: skip


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "X"]),
    st.lists(SEGMENTS, max_size=8).map(lambda parts: "/" + "/".join(parts))
    | st.sampled_from([PODS, f"{PODS}/a/log", f"{PODS}/a/portforward", CONFIGMAPS, NETWORKCHAOS]),
    st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=2), max_size=3),
    HEADERS,
    damaged_json(*BODIES) | st.just(b""),
)
def test_any_request_is_answered(
    method: str, path: str, query: dict[str, list[str]], headers: dict[str, str], body: bytes
) -> None:
    """Whatever the method, the path, the query, what is accepted and what is sent."""
    answered(api(), Request(method, path, query, headers, body))
