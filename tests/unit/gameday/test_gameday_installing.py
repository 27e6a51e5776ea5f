"""A game day in a cluster: what is made, what is left alone, in which order it goes."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kvchaos.assets import asset
from kvchaos.cluster.kinds import CRONJOBS, PERSISTENTVOLUMECLAIMS, Kind, Object
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.gameday.installing import apply, ensure_served, installed, remove
from kvchaos.gameday.objects import Place, deadline, objects
from kvchaos.gameday.plan import Budget, Plan, Play
from kvchaos.gameday.windows import Window, Windows
from kvchaos.lab.kustomize import build
from tests.scripted import FakeClock, ScriptedCluster

PLAN = Plan(
    "weekly",
    "to know",
    "us",
    (Play("a", Path("a.json")),),
    windows=Windows(ZoneInfo("Europe/Berlin"), (Window(540, 960),)),
)
PLACE = Place(
    "inference",
    "registry.example.com/kvchaos:1",
    "0 10 * * 2",
    "plans/plan.yaml",
    {"plans/plan.yaml": "name: weekly", "experiments/a.json": "{}"},
    secret="hooks",
)
NAME = "kvchaos-gameday-weekly"
LABELS = {"app.kubernetes.io/name": "kvchaos-gameday", "kvchaos.io/gameday": "weekly"}


@dataclass
class Api(ScriptedCluster):
    """A cluster that merges patches of any object, and serves all kinds but ``lacks``."""

    lacks: tuple[Kind, ...] = ()
    patches: list[Object] = field(default_factory=list)

    def has_kind(self, kind: Kind) -> bool:
        return kind not in self.lacks

    def merge_patch(
        self, kind: Kind, name: str, patch: Object, *, namespace: str | None = None
    ) -> Object:
        self._call("patch", kind, name)
        self.patches.append(copy.deepcopy(patch))
        return patch

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> None:
        self._call("delete", kind, name)
        del self.objects[kind.plural, namespace or "", name]


def made(place: Place = PLACE, plan: Plan = PLAN) -> dict[str, Any]:
    return {each["kind"]: each for each in objects(plan, place)}


def texts(api: Api, place: Place = PLACE, *, dry_run: bool = False) -> list[str]:
    return [done.text for done in apply(api, objects(PLAN, place), dry_run=dry_run)]


def test_objects_are_those_of_deploy_under_the_plans_name() -> None:
    """All in the namespace, all labelled, rights before what uses them."""
    found = objects(PLAN, PLACE)

    assert [each["kind"] for each in found] == [
        *("ServiceAccount", "Role", "RoleBinding", "ConfigMap"),
        *("PersistentVolumeClaim", "CronJob"),
    ]
    assert {each["metadata"]["name"] for each in found} == {NAME}
    assert {each["metadata"]["namespace"] for each in found} == {"inference"}
    assert [each["metadata"]["labels"] for each in found] == [LABELS] * 6


def test_rights_are_those_of_the_runner_bound_to_an_account_of_its_own() -> None:
    """What a run may do in deploy/runner, and nothing more."""
    runner = {each["kind"]: each for each in build(asset("deploy", "runner"))[:2]}
    kinds = made()

    assert kinds["Role"]["rules"] == runner["Role"]["rules"]
    assert kinds["RoleBinding"]["roleRef"]["name"] == NAME
    assert kinds["RoleBinding"]["subjects"] == [
        {"kind": "ServiceAccount", "name": NAME, "namespace": "inference"}
    ]


def test_the_cronjob_plays_the_plan_as_it_stood_in_its_folder() -> None:
    """At its time in its zone, files by their path, secrets as variables."""
    spec = made()["CronJob"]["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert (spec["schedule"], spec["timeZone"]) == ("0 10 * * 2", "Europe/Berlin")
    assert container["args"] == [
        *("plans/plan.yaml", "--yes", "--context=in-cluster", "--days=/runs/gamedays")
    ]
    assert (container["image"], container["workingDir"]) == (PLACE.image, "/plan")
    assert container["envFrom"] == [{"secretRef": {"name": "hooks"}}]
    assert pod["serviceAccountName"] == NAME
    assert [volume for volume in pod["volumes"] if volume["name"] != "tmp"] == [
        {
            "name": "plan",
            "configMap": {
                "name": NAME,
                "items": [
                    {"key": "0-experiments-a.json", "path": "experiments/a.json"},
                    {"key": "1-plans-plan.yaml", "path": "plans/plan.yaml"},
                ],
            },
        },
        {"name": "runs", "persistentVolumeClaim": {"claimName": NAME}},
    ]
    assert made()["ConfigMap"]["data"] == {
        "0-experiments-a.json": "{}",
        "1-plans-plan.yaml": "name: weekly",
    }


def test_the_job_may_take_as_long_as_the_plan_says() -> None:
    """Its waits and pauses included, and time to recover."""
    waits = replace(
        PLAN, budget=Budget(time=600.0), outside="wait", wait=60.0, hold="wait", hold_wait=30.0
    )

    assert (deadline(PLAN), deadline(waits)) == (4 * 3600 + 900, 600 + 60 + 30 + 900)


def test_files_that_no_configmap_takes_are_refused() -> None:
    """Before the server does."""
    with pytest.raises(UsageError, match="921600 bytes"):
        objects(PLAN, replace(PLACE, files={"a": "x" * 1_000_000}))


def test_installing_makes_and_installing_again_changes() -> None:
    """A file of an earlier plan is gone; the volume stays as it is."""
    api = Api()

    assert texts(api) == [
        f"{kind} {NAME}: made"
        for kind in (
            *("ServiceAccount", "Role", "RoleBinding", "ConfigMap"),
            *("PersistentVolumeClaim", "CronJob"),
        )
    ]
    again = texts(api, replace(PLACE, files={"plan.yaml": "x"}))

    assert again[3:] == [
        f"ConfigMap {NAME}: changed",
        f"PersistentVolumeClaim {NAME}: kept as it is",
        f"CronJob {NAME}: changed",
    ]
    assert api.patches[3]["data"] == {
        "0-experiments-a.json": None,
        "1-plans-plan.yaml": None,
        "0-plan.yaml": "x",
    }


def test_a_dry_run_changes_nothing() -> None:
    """The server checks each object."""
    api = Api()

    assert texts(api, dry_run=True)[-1] == f"CronJob {NAME}: would be made"
    assert (api.objects, len(api.verbs("try")), api.verbs("create")) == ({}, 6, [])


def test_somebody_elses_object_of_that_name_is_not_touched() -> None:
    """Found before anything is made."""
    foreign = made()["ConfigMap"] | {"metadata": {"name": NAME, "namespace": "inference"}}
    api = Api.of(foreign)

    with pytest.raises(UsageError, match=f"ConfigMap {NAME} in inference is not kvchaos' own"):
        texts(api)
    assert len(api.objects) == 1


def test_a_cluster_without_cronjobs_or_volumes_says_what_can_be_done() -> None:
    """The embedded lab."""
    api = Api(lacks=(CRONJOBS, PERSISTENTVOLUMECLAIMS))

    with pytest.raises(KVChaosError, match="saw none of CronJob, PersistentVolumeClaim"):
        ensure_served(api, "kvchaos-lab")
    ensure_served(Api(), "staging")


def removal(api: Api, *, volume: bool = False) -> list[str]:
    clock = FakeClock()
    gone = remove(api, "inference", "weekly", patience=60, volume=volume, clock=clock)
    return [done.text for done in gone]


def test_uninstalling_takes_the_cronjob_first_and_keeps_the_reports() -> None:
    """Rights last; a second time nothing is there."""
    api = Api()
    texts(api)

    assert removal(api) == [
        f"CronJob {NAME}: removed",
        *(
            f"{kind} {NAME}: removed"
            for kind in ("ConfigMap", "RoleBinding", "Role", "ServiceAccount")
        ),
        f"PersistentVolumeClaim {NAME}: kept, with the reports in it",
    ]
    assert [key[0] for key in api.objects] == ["persistentvolumeclaims"]
    assert removal(api, volume=True)[-1] == f"PersistentVolumeClaim {NAME}: removed"
    assert set(removal(api)[:-1]) == {
        f"{kind} {NAME}: was not there"
        for kind in ("CronJob", "ConfigMap", "RoleBinding", "Role", "ServiceAccount")
    }


@pytest.mark.parametrize(
    ("kind", "version", "status"),
    [("Pod", "v1", {"phase": "Running"}), ("Job", "batch/v1", {"active": 1})],
    ids=["pod", "job"],
)
def test_a_run_under_way_keeps_its_rights(kind: str, version: str, status: Object) -> None:
    """It has a fault to recover."""
    api = Api()
    texts(api)
    running = {"name": "run", "namespace": "inference", "labels": LABELS}
    api.add({"apiVersion": version, "kind": kind, "metadata": running, "status": status})

    with pytest.raises(KVChaosError, match="run still run after 60 s, and keep their rights"):
        removal(api)
    assert installed(api, "inference") == []
    assert ("roles", "inference", NAME) in api.objects


def test_what_is_over_is_not_waited_for() -> None:
    """A pod that succeeded, a Job that failed."""
    api = Api()
    texts(api)
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    for kind, version, status in (
        ("Pod", "v1", {"phase": "Succeeded"}),
        ("Job", "batch/v1", failed),
    ):
        metadata = {"name": "run", "namespace": "inference", "labels": LABELS}
        api.add({"apiVersion": version, "kind": kind, "metadata": metadata, "status": status})

    assert removal(api)[0] == f"CronJob {NAME}: removed"


def test_what_deploy_ships_plays_its_own_plan() -> None:
    """kubectl apply -k deploy/gameday: its parts fit each other."""
    found = {
        (each["kind"], each["metadata"]["name"]): each for each in build(asset("deploy", "gameday"))
    }
    cronjob = found["CronJob", "kvchaos-gameday"]["spec"]
    pod = cronjob["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert ("Role", found["RoleBinding", "kvchaos-gameday"]["roleRef"]["name"]) in found
    assert list(found["ConfigMap", "kvchaos-gameday"]["data"]) == [container["args"][0]]
    assert cronjob["concurrencyPolicy"] == "Forbid"
    assert cronjob["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert pod["terminationGracePeriodSeconds"] > 300  # what a run has to end after a signal
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {kind for kind, _ in found}.isdisjoint({"ClusterRole", "ClusterRoleBinding"})
