"""What the API answers instead of doing as asked: a Status whose reason clients match on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kvchaos.errors import LabError
from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.message import Object


class Cause(NamedTuple):
    """One field that is wrong, in the words of Kubernetes' own validation."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


class Refused(LabError):
    """An HTTP error to send; ``reason`` is one of Kubernetes' StatusReasons."""

    def __init__(
        self, code: int, reason: str, message: str, *, details: Object | None = None
    ) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}
        super().__init__(message)

    def status(self) -> Object:
        """The body: a Status object."""
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        }
        if self.details:
            body["details"] = self.details
        return {**body, "code": self.code}


def success(details: Mapping[str, str]) -> Object:
    """The Status that answers a deletion which is done."""
    done: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**done, "details": dict(details)}


def subject(kind: Kind, name: str) -> Object:
    """``details`` naming an object by its resource, as most refusals do."""
    details = {"name": name, "group": kind.group, "kind": kind.plural}
    return {key: value for key, value in details.items() if value}


def not_found(kind: Kind, name: str) -> Refused:
    """404 for a name that nothing has."""
    return Refused(
        404, "NotFound", f'{kind.resource} "{name}" not found', details=subject(kind, name)
    )


def already_exists(kind: Kind, name: str) -> Refused:
    """409 for a name that something has."""
    message = f'{kind.resource} "{name}" already exists'
    return Refused(409, "AlreadyExists", message, details=subject(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> Refused:
    """409 for an object that is not as the client thought."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refused(409, "Conflict", message, details=subject(kind, name))


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> Refused:
    """422 with every finding at once."""
    found = [f"{cause.field}: {cause.message}" for cause in causes]
    text = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = {
        **subject(kind, name),
        "kind": kind.kind,
        "causes": [
            {"reason": cause.reason, "message": cause.message, "field": cause.field}
            for cause in causes
        ],
    }
    return Refused(422, "Invalid", f'{qualified} "{name}" is invalid: {text}', details=details)


def forbidden(kind: Kind, name: str, why: str, causes: Sequence[Cause] = ()) -> Refused:
    """403 for what the server itself does not let happen."""
    details = subject(kind, name)
    if causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field}
            for cause in causes
        ]
    message = f'{kind.resource} "{name}" is forbidden: {why}'
    return Refused(403, "Forbidden", message, details=details)


def denied(webhook: str, why: str) -> Refused:
    """What the API server says when an admission webhook objects."""
    return Refused(403, "Forbidden", f'admission webhook "{webhook}" denied the request: {why}')


def bad_request(message: str) -> Refused:
    """400."""
    return Refused(400, "BadRequest", message)


def expired(message: str) -> Refused:
    """410: list again."""
    return Refused(410, "Expired", message)


def unauthorized() -> Refused:
    """401 for a missing or wrong token."""
    return Refused(401, "Unauthorized", "Unauthorized")


def unsupported_media(message: str) -> Refused:
    """415: a body that cannot be read."""
    return Refused(415, "UnsupportedMediaType", message)


def not_acceptable(message: str) -> Refused:
    """406: nothing that the client takes."""
    return Refused(406, "NotAcceptable", message)


def not_allowed(message: str) -> Refused:
    """For what a real cluster can do and the lab cannot; not a 5xx, which clients retry."""
    return Refused(405, "MethodNotAllowed", message)


def too_large(limit: int) -> Refused:
    """413: a body of more than ``limit`` bytes."""
    message = f"Request entity too large: limit is {limit}"
    return Refused(413, "RequestEntityTooLarge", message)


def no_such_resource(what: str) -> Refused:
    """404 for a path outside the table of kinds; says that it is the lab's table."""
    message = f"the server could not find the requested resource (the lab does not serve {what})"
    return Refused(404, "NotFound", message)
