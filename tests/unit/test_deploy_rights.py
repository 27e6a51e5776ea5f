"""The rights in ``deploy/``: what each verb of kvchaos needs, and no more; the reaper's CronJob."""

from __future__ import annotations

from typing import Any

import click
import pytest

from kvchaos.assets import asset
from kvchaos.commands.reap import reap
from kvchaos.lab.kustomize import build
from kvchaos.mesh.hold import NAME as HOLD
from kvchaos.preflight.needs import needs
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings
from tests.scripted import partition, pod_fault

FAULTS = ["networkchaos", "podchaos"]


def built(*parts: str) -> list[dict[str, Any]]:
    return build(asset("deploy", *parts))


def of_kind(kind: str, *parts: str) -> dict[str, Any]:
    (only,) = (each for each in built(*parts) if each["kind"] == kind)
    return only


def rights(role: str, *parts: str) -> set[tuple[str, str, str]]:
    """(verb, resource, name) of all rules of a Role; no name: any."""
    (rules,) = (
        each["rules"]
        for each in built(*parts)
        if each["kind"] == "Role" and each["metadata"]["name"] == role
    )
    return {
        (verb, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


def test_the_runner_may_do_what_a_run_needs_and_nothing_more() -> None:
    """What preflight asks for, its own namespace's annotations, and what a changed fault takes.

    And the pods' logs, without which a run does as well.
    """
    plan = [Planned("x", body) for body in (partition(), pod_fault("pod-kill"))]
    wanted = {
        (
            need.verb,
            f"{need.kind.plural}/{need.subresource}" if need.subresource else need.kind.plural,
            need.name,
        )
        for need in needs(plan, Settings())
    }

    beside = {("get", "namespaces", ""), ("get", "pods/log", "")}
    more = {*beside, *(("update", kind, "") for kind in FAULTS)}
    assert rights("kvchaos-runner", "runner") == wanted | more


def test_an_operator_may_hold_and_release() -> None:
    """Get and delete of the hold alone; create knows no names."""
    assert rights("kvchaos-operator", "runner") == {
        ("get", "configmaps", HOLD),
        ("delete", "configmaps", HOLD),
        ("create", "configmaps", ""),
    }


def test_the_reaper_ends_faults_and_deletes_no_pod() -> None:
    """``--restart-pods`` is for people."""
    verbs = ("get", "list", "create", "update", "patch", "delete")
    faults = {(verb, kind, "") for kind in FAULTS for verb in verbs}
    rules = {(verb, "podnetworkchaos", "") for verb in ("get", "list", "patch")}

    assert rights("kvchaos-reaper", "reaper") == faults | rules | {("get", "pods", "")}


def test_daemons_are_seen_in_chaos_meshs_namespace_by_the_runner_of_another() -> None:
    """Two namespaces, so no transformer may put both into one."""
    role, binding = built("daemons")

    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "chaos-mesh"
    assert binding["subjects"][0]["namespace"] == "kvchaos"
    assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]


@pytest.mark.parametrize("parts", [("runner",), ("reaper",), ("overlays", "real")])
def test_no_role_reaches_beyond_its_namespace(parts: tuple[str, ...]) -> None:
    """No ClusterRole anywhere."""
    kinds = {each["kind"] for each in built(*parts)}

    assert kinds.isdisjoint({"ClusterRole", "ClusterRoleBinding"})


def test_the_reapers_command_is_one_that_kvchaos_understands() -> None:
    """Old faults only, of its own namespace, through its own service account."""
    job = of_kind("CronJob", "reaper")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]

    context: click.Context = reap.make_context("reap", list(container["args"]))

    assert container["command"][-1] == "reap"
    assert context.params["older_than"] == "1h"
    assert context.params["context"] == "in-cluster"
    assert context.params["namespaces"] == (job["metadata"]["namespace"],)


def test_the_reapers_job_is_bounded_and_restricted() -> None:
    """In time, in number, and in what its container may do."""
    spec = of_kind("CronJob", "reaper")["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]

    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < 600  # before the next one is due
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
