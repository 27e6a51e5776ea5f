"""Requests for logs and ports, up to where the node takes over."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.apiserver.backend import LogQuery, PodRef
from kvchaos.lab.apiserver.core import Answer
from kvchaos.lab.apiserver.message import Request
from kvchaos.lab.apiserver.podaccess import PROTOCOL, ForwardPorts, ReadLog
from tests.unit.lab.apiserver.speaking import PODS, Api, pod


def running(api: Api, *containers: str, **annotations: str) -> PodRef:
    """A running pod named ``a`` with these containers."""
    body = pod("a", containers=[{"name": name, "image": "i:1"} for name in containers or "c"])
    body["metadata"]["annotations"] = annotations
    made = api.create(PODS, body)
    api.patch(f"{PODS}/a/status", {"status": {"phase": "Running"}})
    return PodRef("ns", "a", made["metadata"]["uid"])


def test_log_of_the_only_container(api: Api) -> None:
    """It needs no name."""
    reference = running(api)

    assert api.ask("GET", f"{PODS}/a/log") == ReadLog(reference, LogQuery("c"))


def test_log_request_carries_all_that_kubectl_can_ask(api: Api) -> None:
    """Tail, follow, previous, since, limit, timestamps."""
    reference = running(api, "c", "d")
    query = (
        "container=d&tailLines=5&follow=true&previous=true&sinceSeconds=9&limitBytes=7&timestamps=1"
    )

    assert api.ask("GET", f"{PODS}/a/log?{query}") == ReadLog(
        reference,
        LogQuery("d", tail=5, follow=True, previous=True, since=9, limit_bytes=7, timestamps=True),
    )


def test_container_must_be_named_where_there_are_several(api: Api) -> None:
    """The message lists them."""
    running(api, "c", "d")

    assert api.refusal("GET", f"{PODS}/a/log") == (
        400,
        "BadRequest",
        "a container name must be specified for pod a, choose one of: [c d]",
    )


def test_annotation_may_name_the_container(api: Api) -> None:
    """As kubectl's default-container."""
    reference = running(api, "c", "d", **{"kubectl.kubernetes.io/default-container": "d"})

    assert api.ask("GET", f"{PODS}/a/log") == ReadLog(reference, LogQuery("d"))


@pytest.mark.parametrize("query", ["container=x", "tailLines=many", "sinceSeconds=-1"])
def test_log_request_that_makes_no_sense_is_a_bad_request(api: Api, query: str) -> None:
    """An unknown container, a number that is none."""
    running(api)

    assert api.refusal("GET", f"{PODS}/a/log?{query}")[:2] == (400, "BadRequest")


def test_container_that_waits_for_its_first_start_has_no_log(api: Api) -> None:
    """The reason is in the message; after a restart there is one."""
    reference = running(api)

    def waiting(restarts: int) -> Answer:
        state = {"waiting": {"reason": "ErrImagePull"}}
        one = {"name": "c", "restartCount": restarts, "state": state}
        api.patch(f"{PODS}/a/status", {"status": {"containerStatuses": [one]}})
        return api.ask("GET", f"{PODS}/a/log")

    waiting(0)
    told = api.refusal("GET", f"{PODS}/a/log")[2]

    assert told == 'container "c" in pod "a" is waiting to start: ErrImagePull'
    assert waiting(1) == ReadLog(reference, LogQuery("c"))


def test_log_of_a_missing_pod_is_not_found(api: Api) -> None:
    """Before anything else."""
    assert api.refusal("GET", f"{PODS}/a/log")[:2] == (404, "NotFound")


UPGRADE = {"upgrade": "websocket", "sec-websocket-protocol": f"v5.channel.k8s.io, {PROTOCOL}"}


def forward(api: Api, ports: list[str], headers: dict[str, str] | None = None) -> Any:
    path, query = f"{PODS}/a/portforward", {"ports": ports}
    return api.core.handle(Request("GET", path, query, UPGRADE if headers is None else headers))


@pytest.mark.parametrize("ports", [["80", "90"], ["80,90"]])
def test_ports_are_forwarded_over_a_websocket(api: Api, ports: list[str]) -> None:
    """In the order asked, once or joined by commas."""
    reference = running(api)

    assert forward(api, ports) == ForwardPorts(reference, (80, 90))


@pytest.mark.parametrize("ports", [[], ["http"], ["0"], ["65536"], ["80", "x"]])
def test_ports_that_are_none_are_a_bad_request(api: Api, ports: list[str]) -> None:
    """Each must be a port number."""
    running(api)

    assert forward(api, ports).status == 400


def test_spdy_is_told_what_to_use_instead(api: Api) -> None:
    """kubectl port-forward prints it."""
    running(api)

    code, reason, message = api.refusal("POST", f"{PODS}/a/portforward?ports=80")

    assert (code, reason) == (405, "MethodNotAllowed")
    assert "kubernetes.stream.portforward" in message


def test_other_subprotocols_are_a_bad_request(api: Api) -> None:
    """kubectl's tunnel of SPDY in a WebSocket, too."""
    running(api)
    headers = {"upgrade": "websocket", "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io"}

    assert forward(api, ["80"], headers).status == 400


def test_pod_that_does_not_run_has_no_ports(api: Api) -> None:
    """In the words of the real server."""
    api.create(PODS, pod("a"))

    answer = forward(api, ["80"])

    assert answer.status == 400
    assert b"pod is not running. Current status=Pending" in answer.body
