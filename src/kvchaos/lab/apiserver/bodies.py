"""The body of a write as an object: JSON, YAML, or the little protobuf that kubectl sends."""

from __future__ import annotations

from typing import Any

from kvchaos.lab.apiserver import protobuf
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object, Request
from kvchaos.lab.apiserver.refusal import bad_request, unsupported_media
from kvchaos.untrusted import Unreadable, json_value

_JSON = frozenset({"", "application/json", "*/*"})


def parse_body(request: Request, kind: Kind) -> Any:
    """The decoded body; 400 when it is not what it says it is, 415 when we cannot read that."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(request.body, kind)
    if media_type == "application/yaml":
        return _yaml(request.body)
    if media_type not in _JSON:
        raise unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml"
        )
    try:
        return json_value(request.body)
    except Unreadable as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def parse_options(request: Request) -> Object:
    """The DeleteOptions of a DELETE; empty when there is no body."""
    if not request.body:
        return {}
    if "protobuf" in request.headers.get("content-type", ""):
        raise unsupported_media("the lab reads DeleteOptions as JSON, not as protobuf")
    try:
        options = json_value(request.body)
    except Unreadable as error:
        raise bad_request(f"DeleteOptions: {error}") from error
    if not isinstance(options, dict):
        raise bad_request("DeleteOptions is no JSON object")
    return options


def _yaml(body: bytes) -> Any:
    from kvchaos.plain_yaml import document  # noqa: PLC0415 - 30 ms that few requests need

    try:
        return document(body)
    except Unreadable as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error
