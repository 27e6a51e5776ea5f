"""Faults that the contract suite cannot ask of every cluster: what goes wrong, as it does with
the real Chaos Mesh, and what the lab's own network does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from kvchaos.lab.apiserver.backend import PodRef
from kvchaos.lab.node_backend import LocalNode
from tests.lab.small_lab import Lab, deployment, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

WEB = {"labelSelectors": {"app": "web"}}
CLI = {"labelSelectors": {"app": "cli"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two pods that answer, one that dials them."""
    lab = Lab(tmp_path_factory.mktemp("faults"))
    try:
        lab.up(
            deployment("web", replicas=2, marker=lab.marker),
            deployment("cli", replicas=1, marker=lab.marker),
        )
        yield lab
    finally:
        lab.down()


def addresses(lab: Lab, app: str) -> dict[str, str]:
    """Pod name → address, of pods that are ready."""
    return {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in lab.pods(app)
        if all(each["ready"] for each in pod["status"].get("containerStatuses") or [{"ready": 0}])
    }


def reaches(lab: Lab, address: str) -> bool:
    """Whether the dialling pod gets an answer from there."""
    return asyncio.run(_asked(lab, address)) == b"yes\n"


async def _asked(lab: Lab, address: str) -> bytes:
    pod = lab.pods("cli")[0]["metadata"]
    backend = LocalNode(lab.directory)
    reader, writer = await backend.open_port(PodRef("kvchaos", pod["name"], pod["uid"]), 7001)
    writer.write(address.encode() + b"\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


def condition(lab: Lab, kind: str, name: str, wanted: str) -> bool:
    body = lab.chaos(kind, name) or {}
    return any(
        each["type"] == wanted and each["status"] == "True"
        for each in body.get("status", {}).get("conditions", [])
    )


def end(lab: Lab, kind: str, name: str) -> None:
    path = f"/apis/chaos-mesh.org/v1alpha1/namespaces/kvchaos/{kind}/{name}"
    lab.request("DELETE", path)
    until(lambda: lab.chaos(kind, name) is None)


def partition(lab: Lab, name: str, **spec: Any) -> None:
    whole = {"action": "partition", "mode": "all", "selector": CLI, "duration": "60s", **spec}
    lab.fault("networkchaos", name, **whole)


def test_pod_that_replaces_a_cut_one_is_not_cut(lab: Lab) -> None:
    """Addresses are frozen when a fault is applied; the object goes on saying AllInjected."""
    partition(lab, "frozen", direction="both", target={"mode": "all", "selector": WEB})
    until(lambda: condition(lab, "networkchaos", "frozen", "AllInjected"))
    before = addresses(lab, "web")
    cut = [reaches(lab, address) for address in before.values()]
    gone = min(before)

    lab.request("DELETE", f"/api/v1/namespaces/kvchaos/pods/{gone}?gracePeriodSeconds=0")
    now = until(
        lambda: (seen := addresses(lab, "web")).keys() - before.keys() and len(seen) == 2 and seen
    )

    (new,) = now.keys() - before.keys()
    assert cut == [False, False]
    assert now[new] not in before.values()
    assert reaches(lab, now[new])
    assert condition(lab, "networkchaos", "frozen", "AllInjected")
    end(lab, "networkchaos", "frozen")
    assert all(reaches(lab, address) for address in now.values())


def test_partition_without_target_cuts_a_pod_from_everything(lab: Lab) -> None:
    """Also from the node's probes: it is not ready any more. Only port-forward still gets in."""
    partition(lab, "alone", selector=WEB, mode="one", direction="both", target=None)

    isolated = until(lambda: len(addresses(lab, "web")) == 1)

    assert isolated
    end(lab, "networkchaos", "alone")
    until(lambda: len(addresses(lab, "web")) == 2)


def test_delay_never_lands_and_stands_in_the_way_until_its_entries_are_gone(lab: Lab) -> None:
    """The order that frees a pod: finalizer, then the entries in its PodNetworkChaos."""
    pod = next(iter(addresses(lab, "cli")))
    lab.fault(
        "networkchaos",
        "late",
        action="delay",
        mode="all",
        selector=CLI,
        delay={"latency": "10ms"},
        duration="60s",
    )
    record = until(lambda: failed_record(lab, "late"))
    partition(lab, "behind", direction="to", target={"mode": "all", "selector": WEB})
    until(lambda: failed_record(lab, "behind"))

    path = "/apis/chaos-mesh.org/v1alpha1/namespaces/kvchaos"
    lab.request("DELETE", f"{path}/networkchaos/late")
    stuck = lab.chaos("networkchaos", "late")
    lab.request("PATCH", f"{path}/networkchaos/late", {"metadata": {"finalizers": None}})
    until(lambda: lab.chaos("networkchaos", "late") is None)
    still = not condition(lab, "networkchaos", "behind", "AllInjected")
    lab.request("PATCH", f"{path}/podnetworkchaos/{pod}", {"spec": {"tcs": None}})
    until(lambda: condition(lab, "networkchaos", "behind", "AllInjected"))

    assert (record["phase"], record["injectedCount"]) == ("Not Injected/Wait", 0)
    assert f"unable to set tcs for pod {pod}" in record["events"][-1]["message"]
    assert stuck is not None
    assert still
    end(lab, "networkchaos", "behind")
    left = lab.chaos("podnetworkchaos", pod)
    assert left is not None
    assert left["spec"] == {}


def failed_record(lab: Lab, name: str) -> dict[str, Any] | None:
    """The first record of a fault that has a failed event."""
    body = lab.chaos("networkchaos", name) or {}
    records = body.get("status", {}).get("experiment", {}).get("containerRecords", [])
    return next(
        (
            record
            for record in records
            if any(event["type"] == "Failed" for event in record.get("events", []))
        ),
        None,
    )


def test_failed_pod_comes_back_with_its_own_image(lab: Lab) -> None:
    """A command that the pause image does not have ends in CrashLoopBackOff, as in real life."""
    lab.fault("podchaos", "failure", action="pod-failure", mode="one", selector=WEB, duration="60s")
    (record,) = until(lambda: records_of(lab, "failure"))
    name = record["id"].split("/")[1]
    waiting = until(lambda: reason(lab, name) == "CrashLoopBackOff")

    end(lab, "podchaos", "failure")

    assert waiting
    until(lambda: name in addresses(lab, "web"))
    pod = next(pod for pod in lab.pods("web") if pod["metadata"]["name"] == name)
    assert pod["spec"]["containers"][0]["image"] == "any:dev"
    assert not pod["metadata"].get("annotations")


def records_of(lab: Lab, name: str) -> list[dict[str, Any]]:
    body = lab.chaos("podchaos", name) or {}
    found: list[dict[str, Any]] = (
        body.get("status", {}).get("experiment", {}).get("containerRecords", [])
    )
    return found if all(record["phase"] == "Injected" for record in found) else []


def reason(lab: Lab, name: str) -> str:
    """What the pod's container waits for."""
    pod = next(pod for pod in lab.pods("web") if pod["metadata"]["name"] == name)
    state = pod["status"]["containerStatuses"][0]["state"]
    return str(state.get("waiting", {}).get("reason", ""))
