"""Kubernetes' protobuf, for the few kinds that kubectl 1.32 and later create in no other form.

A body is the magic ``k8s`` with a zero byte and an Unknown message: 1 TypeMeta, 2 raw bytes of the
object. The field numbers below are those of Kubernetes' generated.proto; a field that a table
lacks is refused, so that nothing is lost silently.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import Refused, bad_request, unsupported_media

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_LONGEST_VARINT = 10  # bytes of 64 bits


class Field(NamedTuple):
    """How one field is read: ``read`` turns its bytes (or number) into JSON."""

    name: str
    read: Callable[[Any], Any]
    many: bool = False
    map: bool = False


Message = Mapping[int, Field]


def _text(raw: Any) -> str:
    return str(raw, "utf-8")


def _base64(raw: Any) -> str:
    return base64.b64encode(raw).decode()


def _ignored(_raw: Any) -> None:
    return None


def _message(table: Message) -> Callable[[Any], Object]:
    return lambda raw: _decode(raw, table)


def _entry(read: Callable[[Any], Any]) -> Callable[[Any], tuple[str, Any]]:
    def pair(raw: Any) -> tuple[str, Any]:
        found = dict(_fields(raw))
        return _text(found.get(1, b"")), read(found.get(2, b""))

    return pair


_TEXT_MAP = _entry(_text)
_METADATA: Message = {
    1: Field("name", _text),
    2: Field("generateName", _text),
    3: Field("namespace", _text),
    4: Field("selfLink", _ignored),
    5: Field("uid", _text),
    6: Field("resourceVersion", _text),
    7: Field("generation", _ignored),
    8: Field("creationTimestamp", _ignored),
    11: Field("labels", _TEXT_MAP, map=True),
    12: Field("annotations", _TEXT_MAP, map=True),
    14: Field("finalizers", _text, many=True),
    17: Field("managedFields", _ignored),
}
_META = Field("metadata", _message(_METADATA))
_REFERENCE: Message = {
    1: Field("kind", _text),
    2: Field("namespace", _text),
    3: Field("name", _text),
}
_NAMED: Message = {1: Field("name", _text)}
_RESOURCE: Message = {
    1: Field("namespace", _text),
    2: Field("verb", _text),
    3: Field("group", _text),
    4: Field("version", _text),
    5: Field("resource", _text),
    6: Field("subresource", _text),
    7: Field("name", _text),
    8: Field("fieldSelector", _ignored),
    9: Field("labelSelector", _ignored),
}
_URL: Message = {1: Field("path", _text), 2: Field("verb", _text)}
_REVIEW: Message = {
    1: Field("resourceAttributes", _message(_RESOURCE)),
    2: Field("nonResourceAttributes", _message(_URL)),
}
_MESSAGES: Mapping[Kind, Message] = {
    kinds.NAMESPACES: {
        1: _META,
        2: Field("spec", _message({1: Field("finalizers", _text, many=True)})),
        3: Field("status", _ignored),
    },
    kinds.CONFIGMAPS: {
        1: _META,
        2: Field("data", _TEXT_MAP, map=True),
        3: Field("binaryData", _entry(_base64), map=True),
        4: Field("immutable", bool),
    },
    kinds.SECRETS: {
        1: _META,
        2: Field("data", _entry(_base64), map=True),
        3: Field("type", _text),
        4: Field("stringData", _TEXT_MAP, map=True),
        5: Field("immutable", bool),
    },
    kinds.SERVICEACCOUNTS: {
        1: _META,
        2: Field("secrets", _message(_REFERENCE), many=True),
        3: Field("imagePullSecrets", _message(_NAMED), many=True),
        4: Field("automountServiceAccountToken", bool),
    },
    kinds.ACCESS_REVIEWS: {
        1: _META,
        2: Field("spec", _message(_REVIEW)),
        3: Field("status", _ignored),
    },
}


def decode(body: bytes, kind: Kind) -> Object:
    """The object in a protobuf body; 415 with a way out for a kind that has no table."""
    if kind not in _MESSAGES:
        raise _unreadable(f"the lab reads {kind.resource} as JSON only, not as protobuf")
    if not body.startswith(_MAGIC):
        raise bad_request("a protobuf body begins with k8s and a zero byte")
    try:
        unknown = dict(_fields(body[len(_MAGIC) :]))
        found = _decode(unknown.get(2, b""), _MESSAGES[kind])
    except (IndexError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise bad_request(f"malformed protobuf of {kind.resource}: {error}") from error
    return {"apiVersion": kind.group_version, "kind": kind.kind, **found}


def _unreadable(why: str) -> Refused:
    return unsupported_media(
        f"{why}; write the object to a file and use kubectl create -f or apply"
    )


def _decode(raw: bytes, table: Message) -> Object:
    found: Object = {}
    for number, value in _fields(raw):
        if number not in table:
            raise _unreadable(f"the lab does not know protobuf field {number}")
        field = table[number]
        read = field.read(value)
        if field.map:
            found.setdefault(field.name, {}).update([read])
        elif field.many:
            found.setdefault(field.name, []).append(read)
        elif read not in (None, ""):
            found[field.name] = read
    return found


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field: an int for a varint, else bytes."""
    place = 0
    while place < len(raw):
        tag, place = _varint(raw, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(raw, place)
            yield number, value
            continue
        if wire == 2:
            length, place = _varint(raw, place)
        elif wire in {1, 5}:
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if place + length > len(raw):
            raise ValueError(f"field {number} is cut short")
        yield number, raw[place : place + length]
        place += length


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        byte = raw[place + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, place + count + 1
    raise ValueError(f"a number of more than {_LONGEST_VARINT} bytes")
