"""The pod status, compared whole with what kubelet writes."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.node.status import ContainerRecord, phase, pod_status, qos_class

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:01Z"}}
WAITING = {"waiting": {"reason": "ContainerCreating"}}


def ended(code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": code}}


def record(state: dict[str, Any], *, restarts: int = 0, ready: bool = False) -> ContainerRecord:
    return ContainerRecord("engine", "image:1", state=state, restarts=restarts, ready=ready)


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "engine"}], **spec}}


@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        ("Always", [WAITING], "Pending"),
        ("Always", [RUNNING], "Running"),
        ("Always", [RUNNING, WAITING], "Running"),
        ("Always", [ended(0)], "Running"),
        ("Never", [ended(0)], "Succeeded"),
        ("Never", [ended(0), ended(1)], "Failed"),
        ("Never", [ended(1), RUNNING], "Running"),
        ("OnFailure", [ended(0)], "Succeeded"),
        ("OnFailure", [ended(1)], "Running"),
    ],
)
def test_phase_follows_the_restart_policy(
    policy: str, states: list[dict[str, Any]], expected: str
) -> None:
    """Only what will not be started again makes a pod end."""
    assert phase(policy, [record(state) for state in states], placed=True) == expected


def test_pod_that_waits_between_lives_is_running() -> None:
    """CrashLoopBackOff is a Running pod that is not ready."""
    assert phase("Always", [record(WAITING, restarts=1)], placed=True) == "Running"


def test_pod_without_network_is_pending() -> None:
    """Nothing runs before the pod has its namespace."""
    assert phase("Always", [record(RUNNING)], placed=False) == "Pending"


def test_ready_pod_says_so_in_every_condition() -> None:
    """The whole status of a pod with one ready container."""
    status = pod_status(
        pod(), [record(RUNNING, ready=True)], address="10.244.0.2", started=0.0, now=5.0
    )

    def condition(kind: str) -> dict[str, Any]:
        now = "1970-01-01T00:00:05Z"
        return {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": now}

    kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
    assert status == {
        "phase": "Running",
        "conditions": [condition(kind) for kind in kinds],
        "containerStatuses": [
            {
                "name": "engine",
                "image": "image:1",
                "imageID": "",
                "containerID": "",
                "restartCount": 0,
                "started": False,
                "ready": True,
                "state": RUNNING,
                "lastState": {},
            }
        ],
        "hostIP": "10.244.0.1",
        "hostIPs": [{"ip": "10.244.0.1"}],
        "startTime": "1970-01-01T00:00:00Z",
        "qosClass": "BestEffort",
        "podIP": "10.244.0.2",
        "podIPs": [{"ip": "10.244.0.2"}],
    }


def test_unready_containers_are_named_and_the_transition_is_dated() -> None:
    """A condition keeps its time until its status changes."""
    before = pod()
    before["status"] = pod_status(
        before, [record(RUNNING, ready=True)], address="10.244.0.2", started=0.0, now=5.0
    )

    after = pod_status(before, [record(RUNNING)], address="10.244.0.2", started=0.0, now=9.0)

    conditions = {each["type"]: each for each in after["conditions"]}
    assert conditions["Ready"] == {
        "type": "Ready",
        "status": "False",
        "reason": "ContainersNotReady",
        "message": "containers with unready status: [engine]",
        "lastProbeTime": None,
        "lastTransitionTime": "1970-01-01T00:00:09Z",
    }
    assert conditions["Initialized"]["lastTransitionTime"] == "1970-01-01T00:00:05Z"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}, "Burstable"),
    ],
)
def test_quality_of_service_follows_requests_and_limits(
    resources: dict[str, Any], expected: str
) -> None:
    """The three classes of Kubernetes."""
    assert qos_class(pod(containers=[{"name": "engine", "resources": resources}])) == expected
