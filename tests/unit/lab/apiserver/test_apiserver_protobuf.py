"""The bodies that kubectl 1.32 and later send as protobuf."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.protobuf import MEDIA_TYPE, decode
from kvchaos.lab.apiserver.refusal import Refused
from tests.unit.lab.apiserver.speaking import CONFIGMAPS, DEPLOYMENTS, Api


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | int) -> bytes:
    """One field: a varint for a number, else bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def body(*fields: bytes) -> bytes:
    """As it is sent: magic, TypeMeta (not looked at), the object."""
    return b"k8s\x00" + field(1, field(1, b"v1")) + field(2, b"".join(fields))


def entry(key: bytes, value: bytes) -> bytes:
    return field(1, key) + field(2, value)


METADATA = field(
    1,
    field(1, b"a")
    + field(8, b"")
    + field(11, entry(b"l", b"1"))
    + field(12, entry(b"n", b"2"))
    + field(14, b"x/y"),
)
META = {"name": "a", "labels": {"l": "1"}, "annotations": {"n": "2"}, "finalizers": ["x/y"]}


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (kinds.NAMESPACES, body(METADATA, field(2, b""), field(3, b"")), {"spec": {}}),
        (
            kinds.CONFIGMAPS,
            body(
                METADATA,
                field(2, entry(b"k", "ü".encode() * 100)),
                field(2, entry(b"e", b"")),
                field(3, entry(b"b", b"\x00")),
                field(4, 1),
            ),
            {
                "data": {"k": "ü" * 100, "e": ""},
                "binaryData": {"b": base64.b64encode(b"\x00").decode()},
                "immutable": True,
            },
        ),
        (
            kinds.SECRETS,
            body(METADATA, field(2, entry(b"k", b"v")), field(3, b"Opaque")),
            {"data": {"k": "dg=="}, "type": "Opaque"},
        ),
        (
            kinds.SERVICEACCOUNTS,
            body(METADATA, field(3, field(1, b"pull"))),
            {"imagePullSecrets": [{"name": "pull"}]},
        ),
        (
            kinds.ACCESS_REVIEWS,
            body(METADATA, field(2, field(1, field(2, b"get") + field(5, b"pods")))),
            {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}},
        ),
    ],
)
def test_object_is_read_by_the_field_numbers_of_its_kind(
    kind: Kind, raw: bytes, expected: Any
) -> None:
    """What kubectl create ns, cm, secret, sa and auth can-i send."""
    assert decode(raw, kind) == {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "metadata": META,
        **expected,
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"",
        b"k8s\x00\x0a",
        b"k8s\x00\x12\x05ab",
        body(b"\x0f"),
        body(field(1, field(1, b"\xff"))),
        body(field(1, 7)),
        body(field(2, 7)),
    ],
)
def test_malformed_bytes_are_a_bad_request(raw: bytes) -> None:
    """Never a 500."""
    with pytest.raises(Refused) as caught:
        decode(raw, kinds.CONFIGMAPS)

    assert caught.value.code == 400


@pytest.mark.parametrize(
    "raw", [body(METADATA, field(9, b"x")), body(field(1, field(13, b"owner")))]
)
def test_field_that_no_table_knows_is_refused(raw: bytes) -> None:
    """415 rather than losing it silently."""
    with pytest.raises(Refused, match="does not know protobuf field") as caught:
        decode(raw, kinds.CONFIGMAPS)

    assert caught.value.code == 415


def test_fields_of_fixed_width_are_skipped_where_nobody_looks() -> None:
    """In what is ignored, anything goes."""
    fixed = varint(1 << 3 | 1) + bytes(8) + varint(2 << 3 | 5) + bytes(4)

    found = decode(body(field(1, field(1, b"a") + field(8, fixed))), kinds.CONFIGMAPS)

    assert found["metadata"] == {"name": "a"}


def test_configmap_is_created_from_protobuf(api: Api) -> None:
    """Through the API."""
    status, made = api.whole("POST", CONFIGMAPS, body(field(1, field(1, b"a"))), content=MEDIA_TYPE)

    assert (status, made["metadata"]["name"]) == (201, "a")


def test_kind_without_a_table_is_unsupported_with_a_way_out(api: Api) -> None:
    """kubectl create deployment of 1.32 and later."""
    code, reason, message = api.refusal("POST", DEPLOYMENTS, body(METADATA), content=MEDIA_TYPE)

    assert (code, reason) == (415, "UnsupportedMediaType")
    assert "kubectl create -f or apply" in message


def test_options_as_protobuf_are_unsupported(api: Api) -> None:
    """DeleteOptions are read as JSON."""
    api.whole("POST", CONFIGMAPS, body(field(1, field(1, b"a"))), content=MEDIA_TYPE)

    refused = api.refusal("DELETE", f"{CONFIGMAPS}/a", b"k8s\x00", content=MEDIA_TYPE)

    assert refused[:2] == (415, "UnsupportedMediaType")
