"""Deployments and ReplicaSets: what is created, scaled and given up."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.deployments import deployment_status, plan, set_of, template_hash
from kvchaos.lab.replicasets import active, owned, pod_of, surplus

NOW = "2026-01-01T00:00:00Z"


def deployment(replicas: int = 3, **spec: Any) -> dict[str, Any]:
    labels = {"app": "engine"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    return {
        "metadata": {"name": "engine", "namespace": "ns", "uid": "d", "generation": 2},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template,
            **spec,
        },
    }


def replica_set(name: str, replicas: int, ready: int) -> dict[str, Any]:
    status = {"replicas": replicas, "readyReplicas": ready}
    return {"metadata": {"name": name}, "spec": {"replicas": replicas}, "status": status}


def pod(name: str, *, ready: bool = True, created: int = 0, **status: Any) -> dict[str, Any]:
    meta = {"name": name, "uid": name, "creationTimestamp": f"2026-01-01T00:00:0{created}Z"}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": meta, "status": {"conditions": conditions, **status}}


def test_replica_set_and_pods_carry_the_template_and_their_owner() -> None:
    """Names and labels as Kubernetes makes them, so that selectors tell revisions apart."""
    body = deployment()
    digest = template_hash(body)

    made = set_of(body, f"engine-{digest}", 4)
    made["metadata"]["uid"] = "r"
    new_pod = pod_of(made)

    labels = {"app": "engine", "pod-template-hash": digest}
    assert made["metadata"]["annotations"] == {"deployment.kubernetes.io/revision": "4"}
    assert made["spec"]["selector"] == {"matchLabels": labels}
    assert new_pod["metadata"] == {
        "generateName": f"engine-{digest}-",
        "labels": labels,
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": f"engine-{digest}",
                "uid": "r",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    assert owned([new_pod, pod("foreign")], made) == [new_pod]


def test_template_alone_decides_the_hash() -> None:
    """Scaling is no roll-out; a changed template is."""
    changed = deployment()
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "new"

    assert template_hash(deployment(1)) == template_hash(deployment(9))
    assert template_hash(changed) != template_hash(deployment())


def steps(body: dict[str, Any], new: Any, old: list[Any]) -> dict[str, int]:
    return {each["metadata"]["name"]: count for each, count in plan(body, new, old)}


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (replica_set("new", 0, 0), [], {"new": 3}),
        (replica_set("new", 3, 3), [], {}),
        (replica_set("new", 5, 5), [], {"new": 3}),
        (replica_set("new", 0, 0), [replica_set("old", 3, 3)], {"new": 1}),
        (replica_set("new", 1, 0), [replica_set("old", 3, 3)], {}),
        (replica_set("new", 1, 1), [replica_set("old", 3, 3)], {"old": 2}),
        (replica_set("new", 1, 1), [replica_set("old", 2, 2)], {"new": 2}),
        (replica_set("new", 3, 3), [replica_set("old", 1, 1)], {"old": 0}),
        (replica_set("new", 0, 0), [replica_set("old", 3, 1)], {"new": 1, "old": 1}),
    ],
)
def test_roll_out_keeps_within_surge_and_availability(
    new: dict[str, Any], old: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    """25 % of 3: one more at most, none less; what is not ready goes first."""
    assert steps(deployment(), new, old) == expected


def test_recreate_lets_the_old_go_before_the_new_come() -> None:
    """And a paused deployment does nothing."""
    recreate = deployment(strategy={"type": "Recreate"})

    assert steps(recreate, replica_set("new", 0, 0), [replica_set("old", 3, 3)]) == {"old": 0}
    gone = {**replica_set("old", 0, 0), "status": {"replicas": 1}}
    assert steps(recreate, replica_set("new", 0, 0), [gone]) == {}
    assert steps(recreate, replica_set("new", 0, 0), [replica_set("old", 0, 0)]) == {"new": 3}
    assert steps(deployment(paused=True), replica_set("new", 0, 0), []) == {}


def test_status_says_how_far_the_roll_out_is() -> None:
    """The counts that ``kubectl rollout status`` and chaosk8s read, none left out."""
    new, old = replica_set("new", 1, 1), replica_set("old", 2, 2)

    status = deployment_status(deployment(), [new, old], new, NOW)

    conditions = {each["type"]: each for each in status.pop("conditions")}
    assert status == {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 1,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 0,
    }
    assert conditions["Available"]["status"] == "True"
    assert conditions["Progressing"]["reason"] == "ReplicaSetUpdated"


def test_surplus_takes_unready_pods_then_the_youngest() -> None:
    """As ReplicaSets rank their victims."""
    pods = [pod("old"), pod("young", created=5), pod("sick", ready=False)]

    chosen = [each["metadata"]["name"] for each in surplus(pods, 2)]

    assert chosen == ["sick", "young"]
    assert surplus(pods, -1) == []


def test_pods_that_ended_or_are_going_do_not_count() -> None:
    """They are replaced."""
    going = pod("going")
    going["metadata"]["deletionTimestamp"] = NOW

    assert [active(each) for each in (pod("a"), pod("b", phase="Failed"), going)] == [
        True,
        False,
        False,
    ]
