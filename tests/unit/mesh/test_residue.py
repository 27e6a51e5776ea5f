"""Residue: what faults left, found by label, by source, or by being nobody's."""

from __future__ import annotations

from typing import Any

from kvchaos.errors import NotFound
from kvchaos.mesh.residue import Residue, names_run, residue
from tests.scripted import INJECTED, ScriptedCluster, partition, pod_fault, rules

HERE = ["kvchaos"]


def named(body: dict[str, Any], run: str, **metadata: Any) -> dict[str, Any]:
    """The fault of another run."""
    name = body["metadata"]["name"].replace("r1", run)
    labels = {"kvchaos.io/run": run}
    return {**body, "metadata": {**body["metadata"], "name": name, "labels": labels, **metadata}}


def test_a_clean_namespace_has_none() -> None:
    """Rules of others with their fault still there are not ours."""
    foreign = {**partition(), "metadata": {"name": "other", "namespace": "kvchaos"}}
    cluster = ScriptedCluster.of(foreign, rules("a", "kvchaos/other"))

    assert residue(cluster, run="r1", namespaces=HERE) == []
    assert residue(cluster, namespaces=HERE) == []


def test_a_runs_faults_are_found_by_its_label() -> None:
    """Of both kinds, and only this run's."""
    cluster = ScriptedCluster.of(
        {**partition(), "status": INJECTED}, pod_fault("pod-kill"), named(partition(), "r2")
    )

    assert residue(cluster, run="r1", namespaces=HERE) == [
        Residue(
            "networkchaos", "kvchaos", "cut-r1", "not deleted: desiredPhase Run, AllInjected True"
        ),
        Residue(
            "podchaos",
            "kvchaos",
            "pod-kill-r1",
            "not deleted: desiredPhase unset, AllInjected unset",
        ),
    ]


def test_a_fault_whose_deletion_hangs_says_on_what() -> None:
    """Even with no failure reported."""
    body = named(partition(), "r1", deletionTimestamp="x", finalizers=["chaos-mesh/records"])

    (found,) = residue(ScriptedCluster.of(body), run="r1", namespaces=HERE)

    assert found.why == "deletion held by chaos-mesh/records: no failure reported"


def test_rules_of_a_run_are_found_without_their_fault() -> None:
    """The run's id is in the fault's name, and so in the source."""
    cluster = ScriptedCluster.of(
        rules("a", "kvchaos/cut-r1", "kvchaos/cut-r2"), rules("b", "kvchaos/cut-r1", failed="oh")
    )

    assert residue(cluster, run="r1", namespaces=HERE) == [
        Residue("podnetworkchaos", "kvchaos", "a", "rules of kvchaos/cut-r1 in the pod"),
        Residue("podnetworkchaos", "kvchaos", "b", "rules of kvchaos/cut-r1 in the pod (oh)"),
    ]


def test_any_runs_residue_is_what_is_labelled_or_nobodys() -> None:
    """Without a run: every fault of kvchaos, its rules, and rules whose fault is gone."""
    foreign = {**partition(), "metadata": {"name": "other", "namespace": "kvchaos"}}
    cluster = ScriptedCluster.of(
        named(partition(), "r2"),
        foreign,
        rules("a", "kvchaos/cut-r2", "kvchaos/gone", "kvchaos/other"),
    )

    found = residue(cluster, namespaces=HERE)

    assert [(each.kind, each.name, each.why.partition(" in ")[0]) for each in found] == [
        ("networkchaos", "cut-r2", "not deleted: desiredPhase unset, AllInjected unset"),
        ("podnetworkchaos", "a", "rules of kvchaos/cut-r2"),
        ("podnetworkchaos", "a", "rules of kvchaos/gone"),
    ]


def test_without_namespaces_all_are_searched() -> None:
    """As a reaper does."""
    away = named(partition(), "r1", namespace="elsewhere")

    found = residue(ScriptedCluster.of(away), run="r1")

    assert [each.label for each in found] == [
        "networkchaos/cut-r1 in elsewhere: not deleted: desiredPhase unset, AllInjected unset"
    ]
    assert found[0].to_json() == {
        "kind": "networkchaos",
        "namespace": "elsewhere",
        "name": "cut-r1",
        "why": "not deleted: desiredPhase unset, AllInjected unset",
    }


def test_a_cluster_without_chaos_mesh_has_no_residue() -> None:
    """Its kinds are not there at all."""
    cluster = ScriptedCluster(fails={"list": [NotFound("no such kind") for _ in range(3)]})

    assert residue(cluster, run="r1", namespaces=HERE) == []


def test_rules_that_are_not_applied_are_left_though_nobody_lists_them() -> None:
    """Without its daemon nothing leaves the pod; Chaos Mesh's list is empty all the same."""
    cluster = ScriptedCluster.of(rules("a", failed="cannot find daemonIP on node n1"))

    assert residue(cluster, run="r1", namespaces=HERE) == [
        Residue(
            "podnetworkchaos",
            "kvchaos",
            "a",
            "not applied, rules may be in the pod: cannot find daemonIP on node n1",
        )
    ]


def test_a_run_is_told_from_one_whose_id_begins_the_same() -> None:
    """``r1`` is not in ``cut-r10``; a whole id is known wherever it stands."""
    whole = "20260801-100000-aaaaaa"

    assert names_run("cut-r1", "r1")
    assert names_run("cut-r1-2", "r1")
    assert not names_run("cut-r10", "r1")
    assert not names_run("cur1", "r1")
    assert names_run(f"cut{whole}", whole)
