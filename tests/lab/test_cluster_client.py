"""The client against a server that misbehaves by script."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import CONFIGMAPS, DEPLOYMENTS, PODS, Object
from kvchaos.cluster.transport import OutcomeUnknown
from kvchaos.errors import AlreadyExists, ClusterError, ClusterUnreachable, NotFound
from tests.lab.scripted_api import (
    FakeClock,
    ScriptedApi,
    access_to,
    answer,
    cut,
    hang,
    refuse,
    scripted,
)

pytestmark = pytest.mark.lab

SENT: Object = {"metadata": {"name": "c", "namespace": "n"}, "data": {"k": "v"}}
STORED: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "n", "uid": "u", "resourceVersion": "7"},
    "data": {"k": "v"},
}
COLLECTION = "/api/v1/namespaces/n/configmaps"


def connect(api: ScriptedApi, clock: FakeClock, *, timeout: float = 10.0) -> Cluster:
    return Cluster(api.access(), timeout=timeout, clock=clock)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_request_carries_identity_and_asks_for_json(clock: FakeClock) -> None:
    """Token, form of the answer."""
    with scripted(answer(STORED)) as api:
        got = connect(api, clock).get(CONFIGMAPS, "c", namespace="n")

    assert got == STORED
    assert api.summary() == [f"GET {COLLECTION}/c"]
    assert api.asked[0].headers["authorization"] == "Bearer secret"
    assert api.asked[0].headers["accept"] == "application/json"


def test_writes_are_strict_and_signed(clock: FakeClock) -> None:
    """Unknown fields are errors, and the server knows who wrote."""
    with scripted(answer(STORED), answer(STORED), answer(STORED)) as api:
        cluster = connect(api, clock)
        cluster.create(CONFIGMAPS, SENT)
        cluster.create(CONFIGMAPS, SENT, dry_run=True)
        cluster.merge_patch(DEPLOYMENTS, "d", {"spec": None}, namespace="n", subresource="scale")

    strict = {"fieldManager": "kvchaos", "fieldValidation": "Strict"}
    assert [each.query for each in api.asked] == [strict, {**strict, "dryRun": "All"}, strict]
    assert api.asked[0].body == {"apiVersion": "v1", "kind": "ConfigMap", **SENT}
    assert api.asked[2].headers["content-type"] == "application/merge-patch+json"
    assert api.asked[2].path == "/apis/apps/v1/namespaces/n/deployments/d/scale"
    assert api.asked[2].body == {"spec": None}


def test_delete_says_grace_uid_and_propagation(clock: FakeClock) -> None:
    """As preconditions and options in the body."""
    with scripted(answer({}), answer({})) as api:
        cluster = connect(api, clock)
        cluster.delete(PODS, "p", namespace="n", grace=0, uid="u")
        cluster.delete(PODS, "p", namespace="n")

    assert [each.body for each in api.asked] == [
        {
            "propagationPolicy": "Background",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": "u"},
        },
        {"propagationPolicy": "Background"},
    ]


def test_logs_are_text(clock: FakeClock) -> None:
    """With container, tail and the container before."""
    with scripted(answer(b"one\ntwo\xff\n")) as api:
        text = connect(api, clock).logs("p", namespace="n", container="c", tail=2, previous=True)

    assert text == "one\ntwo\ufffd\n"
    assert api.asked[0].query == {"container": "c", "tailLines": "2", "previous": "true"}


def test_server_in_trouble_is_asked_again(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """5xx and lost connections, with growing waits, told as warnings."""
    with scripted(refuse(503), cut, refuse(500), answer(STORED)) as api:
        got = connect(api, clock).get(CONFIGMAPS, "c", namespace="n")

    assert got == STORED
    assert clock.sleeps == [0.1, 0.2, 0.4]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    assert "get configmaps c in namespace n: HTTP 503; trying again in 0.1 s" in caplog.text


def test_throttled_request_waits_as_told(clock: FakeClock) -> None:
    """429 with Retry-After; also for a create, since nothing was done."""
    with scripted(refuse(429, Retry_After="3"), answer(STORED)) as api:
        connect(api, clock).create(CONFIGMAPS, SENT)

    assert clock.sleeps == [3.0]


def test_trouble_that_lasts_is_an_error_within_the_timeout(clock: FakeClock) -> None:
    """Attempts and time are named; the bound holds."""
    with scripted(*[refuse(503, "", "etcd is away")] * 20) as api:
        cluster = connect(api, clock, timeout=3.0)
        with pytest.raises(ClusterError) as caught:
            cluster.get(CONFIGMAPS, "c", namespace="n")

    assert type(caught.value) is ClusterError
    assert "HTTP 503 etcd is away, tried 5 times in 1.5 s" in str(caught.value)
    assert clock.at <= 3.0


def test_nobody_listening_is_unreachable(clock: FakeClock) -> None:
    """Which server, which context, how often and how long."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    cluster = Cluster(access_to(url), timeout=2.0, clock=clock)

    with pytest.raises(ClusterUnreachable) as caught:
        cluster.version()

    assert str(caught.value) == (
        f"get /version: no answer from {url} (context scripted): saw Failed to establish a new "
        "connection: [Errno 111] Connection refused, tried 5 times in 1.5 s; see: the script"
    )


def test_server_that_never_answers_is_unreachable(clock: FakeClock) -> None:
    """A hung server does not hang the caller."""
    end = threading.Event()
    with scripted(*[hang(end)] * 20) as api:
        with pytest.raises(ClusterUnreachable, match="Read timed out"):
            connect(api, clock, timeout=0.15).get(CONFIGMAPS, "c", namespace="n")
        end.set()


def test_answer_that_is_no_json_is_told(clock: FakeClock) -> None:
    """Something else listens there."""
    with scripted(answer(b"<html>hello")) as api:
        cluster = connect(api, clock)
        with pytest.raises(ClusterError, match=r"no JSON came back.*is this a Kubernetes API"):
            cluster.get(CONFIGMAPS, "c", namespace="n")


def test_refusal_is_not_asked_again(clock: FakeClock) -> None:
    """4xx means no."""
    with scripted(refuse(404, "NotFound")) as api, pytest.raises(NotFound):
        connect(api, clock).get(CONFIGMAPS, "c", namespace="n")

    assert len(api.asked) == 1
    assert clock.sleeps == []


def test_create_whose_answer_was_lost_is_looked_for(clock: FakeClock) -> None:
    """It was carried out: no second object is made."""
    with scripted(cut, answer(STORED)) as api:
        got = connect(api, clock).create(CONFIGMAPS, SENT)

    assert got == STORED
    assert api.summary() == [f"POST {COLLECTION}", f"GET {COLLECTION}/c"]


def test_create_that_was_not_carried_out_is_sent_again(clock: FakeClock) -> None:
    """It is not there, so once more."""
    with scripted(cut, refuse(404, "NotFound"), answer(STORED)) as api:
        got = connect(api, clock).create(CONFIGMAPS, SENT)

    assert got == STORED
    assert api.summary() == [f"POST {COLLECTION}", f"GET {COLLECTION}/c", f"POST {COLLECTION}"]


def test_create_that_landed_late_is_recognised(clock: FakeClock) -> None:
    """Sent again it already exists, and it is ours."""
    missing = refuse(404, "NotFound")
    with scripted(cut, missing, refuse(409, "AlreadyExists"), answer(STORED)) as api:
        got = connect(api, clock).create(CONFIGMAPS, SENT)

    assert got == STORED


def test_another_object_found_after_a_lost_answer_already_exists(clock: FakeClock) -> None:
    """Something else under the name is not ours."""
    with scripted(cut, answer({**STORED, "data": {"k": "other"}})) as api:
        cluster = connect(api, clock)
        with pytest.raises(AlreadyExists, match="a different one"):
            cluster.create(CONFIGMAPS, SENT)


def test_duplicate_is_an_error_at_once(clock: FakeClock) -> None:
    """Without a lost answer nobody looks who made it."""
    with scripted(refuse(409, "AlreadyExists")) as api, pytest.raises(AlreadyExists):
        connect(api, clock).create(CONFIGMAPS, SENT)

    assert len(api.asked) == 1


def test_create_with_a_generated_name_is_never_repeated(clock: FakeClock) -> None:
    """It cannot be looked for, so nobody knows."""
    with scripted(cut) as api, pytest.raises(OutcomeUnknown):
        connect(api, clock).create(
            CONFIGMAPS, {"metadata": {"generateName": "c-", "namespace": "n"}}
        )

    assert len(api.asked) == 1


def test_dry_run_is_repeated(clock: FakeClock) -> None:
    """It changes nothing."""
    with scripted(cut, answer(STORED)) as api:
        connect(api, clock).create(CONFIGMAPS, SENT, dry_run=True)

    assert api.summary() == [f"POST {COLLECTION}"] * 2


def test_create_that_stays_lost_is_unknown(clock: FakeClock) -> None:
    """Bounded, and told as what it is."""
    missing = refuse(404, "NotFound")
    with scripted(*[cut, missing] * 3) as api, pytest.raises(OutcomeUnknown):
        connect(api, clock).create(CONFIGMAPS, SENT)

    assert len(api.asked) == 6


def test_delete_whose_answer_was_lost_is_done_when_the_object_is_gone(clock: FakeClock) -> None:
    """A 404 afterwards means that the first one worked."""
    with scripted(cut, refuse(404, "NotFound")) as api:
        connect(api, clock).delete(CONFIGMAPS, "c", namespace="n")

    assert len(api.asked) == 2


def test_delete_of_what_is_not_there_is_not_found(clock: FakeClock) -> None:
    """Without a lost answer it is an error."""
    with scripted(refuse(404, "NotFound")) as api, pytest.raises(NotFound):
        connect(api, clock).delete(CONFIGMAPS, "c", namespace="n")


def test_delete_that_stays_lost_is_unknown(clock: FakeClock) -> None:
    """Bounded."""
    with scripted(cut, cut, cut) as api, pytest.raises(OutcomeUnknown):
        connect(api, clock).delete(CONFIGMAPS, "c", namespace="n")


def page(*names: str, more: str = "") -> Object:
    items = [{"metadata": {"name": name}} for name in names]
    return {"metadata": {"resourceVersion": "9", "continue": more}, "items": items}


def item(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_list_follows_its_pages(clock: FakeClock) -> None:
    """Items get their kind back."""
    with scripted(answer(page("a", more="next")), answer(page("b"))) as api:
        found = connect(api, clock).list(CONFIGMAPS, namespace="n", labels="x=y")

    assert found == [item("a"), item("b")]
    assert [each.query for each in api.asked] == [
        {"labelSelector": "x=y", "limit": "500"},
        {"labelSelector": "x=y", "limit": "500", "continue": "next"},
    ]


def test_list_whose_pages_expire_begins_anew(clock: FakeClock) -> None:
    """410 midway: no page of the old list is kept."""
    with scripted(
        answer(page("old", more="next")), refuse(410, "Expired"), answer(page("new"))
    ) as api:
        found = connect(api, clock).list(CONFIGMAPS, namespace="n")

    assert found == [item("new")]


def test_access_review_names_verb_group_resource_and_namespace(clock: FakeClock) -> None:
    """And is repeated when lost, since it changes nothing."""
    with scripted(answer({"status": {"allowed": True}}), cut, answer({"status": {}})) as api:
        cluster = connect(api, clock)
        allowed = [
            cluster.can("create", DEPLOYMENTS, namespace="n"),
            cluster.can("get", PODS, namespace=None, subresource="log", name="a"),
        ]

    assert allowed == [True, False]
    first, lost, second = (each.body["spec"]["resourceAttributes"] for each in api.asked)
    assert lost == second
    assert [first, second] == [
        {
            "verb": "create",
            "group": "apps",
            "resource": "deployments",
            "subresource": "",
            "namespace": "n",
            "name": "",
        },
        {
            "verb": "get",
            "group": "",
            "resource": "pods",
            "subresource": "log",
            "namespace": "",
            "name": "a",
        },
    ]


def test_kind_is_served_when_discovery_lists_it(clock: FakeClock) -> None:
    """No group and no resource both mean no."""
    with scripted(
        answer({"resources": [{"name": "configmaps"}]}), answer({}), refuse(404, "NotFound")
    ) as api:
        cluster = connect(api, clock)
        served = [cluster.has_kind(CONFIGMAPS) for _ in range(3)]

    assert served == [True, False, False]


def test_who_asks_again_by_himself_gets_one_attempt(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is repeated and nothing is warned of; the caller's next asking is the repetition."""
    with scripted(refuse(503, "", "etcd is away"), answer(STORED)) as api:
        cluster = connect(api, clock).once(timeout=1.0)
        with pytest.raises(ClusterError, match=r"HTTP 503 etcd is away, tried once in 0.0 s"):
            cluster.get(CONFIGMAPS, "c", namespace="n")
        assert cluster.get(CONFIGMAPS, "c", namespace="n") == STORED

    assert (cluster.timeout, clock.sleeps, caplog.records) == (1.0, [], [])
