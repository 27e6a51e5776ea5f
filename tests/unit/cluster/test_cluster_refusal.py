from __future__ import annotations

import json

import pytest

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import NETWORKCHAOS, PODS
from kvchaos.cluster.refusal import refused, refused_in_stream
from kvchaos.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
)

CREATE = Call(verb="create", kind=NETWORKCHAOS, namespace="n", body={"metadata": {"name": "cut"}})
GET = Call(verb="get", kind=PODS, namespace="n", name="p")


def status(reason: str, message: str = "words") -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "reason", "error"),
    [
        (400, "BadRequest", Invalid),
        (404, "NotFound", NotFound),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (410, "Expired", Gone),
        (415, "UnsupportedMediaType", Invalid),
        (422, "Invalid", Invalid),
        (500, "InternalError", ClusterError),
        (418, "", ClusterError),
    ],
)
def test_answer_becomes_the_error_it_means(
    code: int, reason: str, error: type[ClusterError]
) -> None:
    """By status, and by reason where a status has two meanings."""
    assert type(refused(GET, code, status(reason))) is error


def test_text_has_the_request_and_the_servers_words() -> None:
    """What was asked, and what came back."""
    error = refused(GET, 404, status("NotFound", 'pods "p" not found'))

    assert str(error) == ('get pods p in namespace n: saw HTTP 404 NotFound pods "p" not found')


def test_forbidden_says_verb_resource_and_namespace() -> None:
    """So that whoever grants rights knows which."""
    error = refused(CREATE, 403, status("Forbidden", "no"))

    assert type(error) is Forbidden
    assert str(error) == (
        "not allowed: create networkchaos.chaos-mesh.org in namespace n: saw HTTP 403 Forbidden no"
        "; see: kubectl auth can-i create networkchaos.chaos-mesh.org -n n"
    )


def test_unauthorized_blames_the_credentials() -> None:
    """401 is not about rights."""
    error = refused(CREATE, 401, status("Unauthorized", "Unauthorized"))

    assert type(error) is Forbidden
    assert "the credentials were not accepted" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b"404 page not found\n",
        status("NotFound", "the server could not find the requested resource"),
    ],
)
def test_missing_kind_is_told_from_missing_object(body: bytes) -> None:
    """No CRD: the hint is to install Chaos Mesh."""
    text = str(refused(CREATE, 404, body))

    assert text.startswith("networkchaos.chaos-mesh.org: no such kind on this cluster")
    assert "is Chaos Mesh installed?" in text


def test_answer_that_is_no_status_is_quoted() -> None:
    """A proxy's page shows its beginning, bounded."""
    text = str(refused(GET, 502, b"<html>" + b"x" * 10_000))

    assert "HTTP 502 <html>xxx" in text
    assert len(text) < 800


def test_error_event_of_a_watch_is_read_the_same_way() -> None:
    """Its object is a Status with a code."""
    gone = refused_in_stream(GET, {"kind": "Status", "code": 410, "reason": "Expired"})
    odd = refused_in_stream(GET, {"kind": "Status"})

    assert (type(gone), type(odd)) == (Gone, ClusterError)
