"""What an answer that is not a success means: from HTTP status and ``Status`` body to our errors.

Pure. The server's ``reason`` strings decide where the HTTP status alone does not: a 409 is either
AlreadyExists or Conflict. A 404 without a ``Status`` object is an unknown kind, not a missing
object.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Object
from kvchaos.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
)
from kvchaos.untrusted import Unreadable, json_object

ERRORS: dict[int, type[ClusterError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    415: Invalid,
    422: Invalid,
}
LONGEST = 600  # characters of a server's message that are worth showing
LONGEST_REASON = 80


@dataclass(frozen=True, slots=True)
class Refusal:
    """The two parts of a ``Status`` answer that matter, or the beginning of any other answer."""

    reason: str
    message: str


def read_refusal(body: bytes) -> Refusal:
    """The reason and message in ``body``; no reason when it is no ``Status`` object."""
    try:
        content = json_object(body)
    except Unreadable:
        content = {}
    if content.get("kind") == "Status":
        reason, message = content.get("reason") or "", content.get("message") or ""
        return Refusal(str(reason)[:LONGEST_REASON], str(message))
    return Refusal("", body[:LONGEST].decode("utf-8", "replace").strip())


def refused(call: Call, status: int, body: bytes) -> ClusterError:
    """The error for an answer of ``status`` (not 2xx) to ``call``."""
    refusal = read_refusal(body)
    saw = " ".join(
        part for part in (f"HTTP {status}", refusal.reason, refusal.message[:LONGEST]) if part
    )
    if status in (401, 403):
        return _forbidden(call, status, saw)
    if status == 404 and _no_such_kind(call, refusal):
        return NotFound(
            f"{call.resource}: no such kind on this cluster", saw=saw, look=_kind_hint(call)
        )
    error = AlreadyExists if refusal.reason == "AlreadyExists" else ERRORS.get(status, ClusterError)
    return error(str(call), saw=saw)


def refused_in_stream(call: Call, status: Object) -> ClusterError:
    """The error for a watch's ``ERROR`` event, whose object is a ``Status``."""
    code = status.get("code")
    return refused(call, code if isinstance(code, int) else 500, msgspec.json.encode(status))


def _forbidden(call: Call, status: int, saw: str) -> ClusterError:
    what = "the credentials were not accepted" if status == 401 else "not allowed"
    namespace = f" -n {call.namespace}" if call.namespace else ""
    return Forbidden(
        f"{what}: {call.verb} {call.resource}{call.where}",
        saw=saw,
        look=f"kubectl auth can-i {call.verb} {call.resource}{namespace}",
    )


def _no_such_kind(call: Call, refusal: Refusal) -> bool:
    unknown = "the server could not find the requested resource"
    return call.kind is not None and (not refusal.reason or refusal.message.startswith(unknown))


def _kind_hint(call: Call) -> str:
    if call.kind is not None and call.kind.group == "chaos-mesh.org":
        return "is Chaos Mesh installed? kubectl api-resources --api-group=chaos-mesh.org"
    return "kubectl api-resources"
