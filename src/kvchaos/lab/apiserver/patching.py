"""The three kinds of patch, chosen by media type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jsonpatch
import msgspec

from kvchaos.lab.apiserver import strategic
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.refusal import Refused, bad_request, too_large, unsupported_media
from kvchaos.untrusted import Unreadable, json_value

_JSON = "application/json-patch+json"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_MOST_OPERATIONS = 10_000
_LARGEST_COPY = 3 * 1024 * 1024  # bytes of what copies may grow an object to, as the real server
_ODD = (TypeError, ValueError, KeyError, AttributeError)  # what the library lets through
_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")


def apply(kind: Kind, media_type: str, body: bytes, target: Object) -> Object:
    """``target`` (not changed) as the patch wants it; 400, 415 or 422 when it cannot be."""
    if media_type in _APPLY:
        raise unsupported_media(
            "the lab has no server-side apply; use `kubectl apply` without --server-side, or a "
            f"merge patch ({_MERGE})"
        )
    patchers = {_JSON: _json_patch, _MERGE: merge_patch}
    if not kind.custom:
        patchers[_STRATEGIC] = strategic.merge
    if media_type not in patchers:
        raise unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: "
            + ", ".join(patchers)
        )
    try:
        patch = json_value(body)
    except Unreadable as error:
        raise bad_request(f"error decoding patch: {error}") from error
    return _object(patchers, media_type, target, patch)


def _object(
    patchers: Mapping[str, Callable[[Any, Any], Any]], media_type: str, target: Object, patch: Any
) -> Object:
    wanted = list if media_type == _JSON else dict
    if not isinstance(patch, wanted):
        raise bad_request(f"a {media_type} is a JSON {'array' if wanted is list else 'object'}")
    patched = patchers[media_type](target, patch)
    if not isinstance(patched, dict) or not isinstance(patched.get("metadata"), dict):
        raise bad_request("the patched object is no object with metadata")
    return patched


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _json_patch(target: Object, patch: Any) -> Any:
    """RFC 6902; an operation that cannot be done is 422, as the real server answers."""
    if len(patch) > _MOST_OPERATIONS:
        raise too_large(_MOST_OPERATIONS)
    try:
        return _applied(target, patch)
    except jsonpatch.InvalidJsonPatch as error:
        raise bad_request(f"invalid JSON patch: {error}") from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, *_ODD) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise Refused(422, "Invalid", message) from error


def _applied(target: Object, patch: list[Any]) -> Any:
    """One operation after the other, where one copies: each could double what there is."""
    if not any(isinstance(each, dict) and each.get("op") == "copy" for each in patch):
        return jsonpatch.apply_patch(target, patch)
    for operation in patch:
        target = jsonpatch.apply_patch(target, [operation])
        if operation["op"] == "copy" and len(msgspec.json.encode(target)) > _LARGEST_COPY:
            raise too_large(_LARGEST_COPY)
    return target
