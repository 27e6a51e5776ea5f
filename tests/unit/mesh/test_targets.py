"""Targets: the pods that a fault's selectors name, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.errors import FaultRefused
from kvchaos.mesh.fault import Target
from kvchaos.mesh.records import Record
from kvchaos.mesh.targets import field_query, hit, label_query, resolve, select
from tests.scripted import ScriptedCluster, partition, pod, pod_fault, selector


def test_both_ends_of_a_partition_are_resolved() -> None:
    """Each with its role, uid, restarts and running containers."""
    cluster = ScriptedCluster.of(pod("a", restarts=2), pod("b"), pod("c"))

    assert resolve(cluster, partition()) == [
        Target("a", "a-uid", "kvchaos", ".", restarts=2, running=("a-p2",)),
        Target("b", "b-uid", "kvchaos", ".Target", running=("b-p0",)),
    ]


def test_container_kill_resolves_to_containers() -> None:
    """Only those named, in the pods that have them."""
    cluster = ScriptedCluster.of(
        pod("a", containers=[{"name": "main"}, {"name": "side"}, {"name": "log"}])
    )

    found = resolve(cluster, pod_fault("container-kill", containerNames=["side", "main"]))

    assert [each.label for each in found] == ["kvchaos/a/main", "kvchaos/a/side"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            partition(selector=selector(app="nobody", tier="x")),
            (
                "networkchaos/cut-r1: spec.selector names no target: wanted a pod with labels "
                "app=nobody,tier=x, phase Running, namespace kvchaos, saw none"
            ),
        ),
        (
            partition(target={"mode": "all", "selector": selector(app="nobody")}),
            "spec.target.selector names no target",
        ),
        (
            pod_fault("container-kill", containerNames=["side"]),
            (
                "wanted a container side in a pod with labels app=a, phase Running, "
                "namespace kvchaos, saw 1 pods, without those containers"
            ),
        ),
        (
            pod_fault("pod-kill", selector={"pods": {"kvchaos": ["z"]}}),
            "wanted a pod with a name of {'kvchaos': ['z']}, saw none",
        ),
    ],
)
def test_zero_targets_refuse_the_fault(body: Any, said: str) -> None:
    """Chaos Mesh would idle in silence; the error names selector and namespace."""
    cluster = ScriptedCluster.of(pod("a"), pod("b"))

    with pytest.raises(FaultRefused) as caught:
        resolve(cluster, body)

    assert said in str(caught.value)
    assert "see: kubectl get pods -n kvchaos --show-labels" in str(caught.value)


def test_pods_in_the_hosts_network_refuse_a_network_fault() -> None:
    """Chaos Mesh can neither inject it there nor delete it then; a pod fault is possible."""
    cluster = ScriptedCluster.of(pod("a", hostNetwork=True), pod("b"))

    with pytest.raises(FaultRefused, match=r"host's network.*saw hostNetwork in a"):
        resolve(cluster, partition())

    assert [each.pod for each in resolve(cluster, pod_fault("pod-kill"))] == ["a"]


def names(cluster: ScriptedCluster, wanted: dict[str, Any]) -> list[str]:
    return [each["metadata"]["name"] for each in select(cluster, wanted, namespace="kvchaos")]


def test_a_selector_is_read_as_chaos_mesh_reads_it() -> None:
    """All its keys narrow; namespaces default to the fault's own."""
    pending = pod("pending", labels={"app": "x"})
    pending["status"]["phase"] = "Pending"
    noted = pod("noted", labels={"app": "x"}, nodeName="node2")
    noted["metadata"]["annotations"] = {"chaos": "yes", "more": "1"}
    away = pod("away", labels={"app": "x"}, namespace="other")
    cluster = ScriptedCluster.of(pending, noted, away, pod("plain", labels={"app": "x"}))

    assert names(cluster, {"labelSelectors": {"app": "x"}}) == ["pending", "noted", "plain"]
    assert names(cluster, {"podPhaseSelectors": ["Running"]}) == ["noted", "plain"]
    assert names(cluster, {"nodes": ["node2"]}) == ["noted"]
    assert names(cluster, {"annotationSelectors": {"chaos": "yes"}}) == ["noted"]
    assert names(cluster, {"namespaces": ["other"]}) == ["away"]
    assert names(cluster, {"pods": {"other": ["away", "gone"]}, "nodes": ["node2"]}) == ["away"]


def test_labels_expressions_and_fields_are_asked_of_the_api() -> None:
    """In the API's own syntax."""
    wanted = {
        "labelSelectors": {"app": "x"},
        "expressionSelectors": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "gpu", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
        "fieldSelectors": {"spec.nodeName": "node1", "metadata.name": "a"},
    }

    assert label_query(wanted) == "app=x,tier in (a,b),zone notin (c),gpu,!old"
    assert field_query(wanted) == "spec.nodeName=node1,metadata.name=a"


def test_the_target_hit_is_the_one_known_before() -> None:
    """Its uid is that of before the fault, whatever runs under the name now."""
    before = Target("a", "old-uid", "kvchaos")
    cluster = ScriptedCluster.of(pod("a", uid="new-uid"))

    assert hit(cluster, Record("kvchaos/a", ".", "Injected", 1, 0), [before]) is before


def test_a_target_that_was_not_a_candidate_is_looked_up() -> None:
    """It came up after the candidates were read; gone again, its uid is unknown."""
    cluster = ScriptedCluster.of(pod("late", restarts=1))

    late = hit(cluster, Record("kvchaos/late/main", ".", "Injected", 1, 0), [])
    gone = hit(cluster, Record("kvchaos/gone", ".Target", "Injected", 1, 0), [])

    assert late == Target("late", "late-uid", "kvchaos", ".", "main", 1, ("late-p1",))
    assert gone == Target("gone", "", "kvchaos", ".Target")
