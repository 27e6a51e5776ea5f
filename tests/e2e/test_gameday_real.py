"""A game day played by a CronJob in a real cluster, with its own account; and tests of a router.

As ``test_nothing_left_real.py`` in what it needs. Its volume is an empty one here, for a test
cluster may have no storage.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chaosrun import kvchaos
from tests.e2e.real_place import CONTEXT, Place, kubectl, listed, placed, until
from tests.workflows.steps import TOP

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CONTEXT, reason="KVCHAOS_E2E_CONTEXT names no context"),
    pytest.mark.timeout(300),
]
PLAN = {
    "name": "e2e",
    "purpose": "Does it work from inside the cluster?",
    "owner": "the tests",
    "approval": "none",
    "schedule": "0 10 * * 2",
}
NAME = "kvchaos-gameday-e2e"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("place")) as place:
        yield place


def install(place: Place, folder: Path, *, fault_seconds: int) -> None:
    """The game day with a partition that long."""
    environment = {"KVCHAOS_FAULT_SECONDS": fault_seconds}
    plan = {**PLAN, "environment": environment, "experiments": ["network-partition"]}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan))
    words = ("gameday", "install", "plan.yaml", "--image", "localhost/kvchaos:dev")
    done = kvchaos(place.environment(), *words, cwd=folder)
    assert done.returncode == 0, done.stderr


def begin(place: Place, name: str) -> None:
    """What the CronJob would do at its time, with an empty volume."""
    (cron,) = listed("cronjobs", place.namespace)
    spec: dict[str, Any] = cron["spec"]["jobTemplate"]["spec"]
    for volume in spec["template"]["spec"]["volumes"]:
        if volume.pop("persistentVolumeClaim", None):
            volume["emptyDir"] = {}
    owner = {key: cron[key] for key in ("apiVersion", "kind")}
    owner |= {key: cron["metadata"][key] for key in ("name", "uid")}
    labels = cron["spec"]["jobTemplate"]["metadata"]["labels"]
    metadata = {"name": name, "labels": labels, "ownerReferences": [{**owner, "controller": True}]}
    place.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {**metadata, "namespace": place.namespace},
            "spec": spec,
        }
    )


def ended(place: Place, name: str) -> list[str]:
    """The conditions of a job, once it has any that is its last."""
    job = json.loads(kubectl("get", "job", name, "-n", place.namespace, "-o", "json"))
    told = [each["type"] for each in job["status"].get("conditions", [])]
    return told if {"Complete", "Failed"} & set(told) else []


def test_a_game_day_is_played_from_inside_the_cluster(place: Place, tmp_path: Path) -> None:
    """With no rights but its own account's; its log has the table, status tells how it came out."""
    install(place, tmp_path, fault_seconds=5)

    begin(place, f"{NAME}-now")
    until(lambda: ended(place, f"{NAME}-now"), timeout=120)

    said = kubectl("logs", f"job/{NAME}-now", "-n", place.namespace)
    assert "game day e2e: PASS, 1 of 1 played" in said, said
    status = kvchaos(place.environment(), "gameday", "status", "e2e")
    assert ("pass" in status.stdout, status.returncode) == (True, 0), status.stdout


def test_a_game_day_that_is_uninstalled_in_mid_fault_recovers_first(
    place: Place, tmp_path: Path
) -> None:
    """The run is stopped while its account still may end the fault; then the rights go."""
    install(place, tmp_path, fault_seconds=40)
    begin(place, f"{NAME}-cut")
    until(place.is_cut, timeout=90)

    done = kvchaos(place.environment(), "gameday", "uninstall", "e2e")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (place.faults(), place.sources(), place.is_cut()) == ([], set(), False)
    left = [listed(kind, place.namespace) for kind in ("cronjobs", "jobs")]
    assert left == [[], []]
    accounts = [each["metadata"]["name"] for each in listed("serviceaccounts", place.namespace)]
    assert NAME not in accounts


def test_the_example_suite_passes_on_a_real_cluster(place: Place, tmp_path: Path) -> None:
    """The same tests of a router as in the lab."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            f"--kvchaos-context={CONTEXT}",
            f"--kvchaos-namespace={place.namespace}",
            "examples/router-tests",
        ],
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert (place.faults(), place.sources()) == ([], set())
