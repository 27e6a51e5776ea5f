"""``kvchaos reap`` against the lab: what runs left there ends, by ledger, by label, by force."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kvchaos.mesh.fault import Fault
from kvchaos.mesh.ledger import Ledger
from tests.chaosrun import BIN
from tests.lab.small_lab import Lab, deployment, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

CHAOS = "/apis/chaos-mesh.org/v1alpha1/namespaces/kvchaos"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two kinds of pods that answer."""
    lab = Lab(tmp_path_factory.mktemp("reap"))
    try:
        lab.up(
            deployment("web", replicas=1, marker=lab.marker),
            deployment("cli", replicas=1, marker=lab.marker),
        )
        yield lab
    finally:
        lab.down()


def selector(app: str) -> dict[str, Any]:
    return {
        "namespaces": ["kvchaos"],
        "labelSelectors": {"app": app},
        "podPhaseSelectors": ["Running"],
    }


def left_by(lab: Lab, run: str, *, kind: str = "NetworkChaos", **spec: Any) -> dict[str, Any]:
    """A fault as a run that was killed leaves it."""
    body = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": f"left-{run}",
            "namespace": "kvchaos",
            "labels": {"kvchaos.io/run": run},
        },
        "spec": {"mode": "all", "duration": "300s", "selector": selector("cli"), **spec},
    }
    lab.request("POST", f"{CHAOS}/{kind.lower()}", body)
    return body


def partition(lab: Lab, run: str) -> dict[str, Any]:
    target = {"mode": "all", "selector": selector("web")}
    body = left_by(lab, run, action="partition", direction="both", target=target)
    until(lambda: injected(lab, f"left-{run}"))
    return body


def injected(lab: Lab, name: str) -> bool:
    status = (lab.chaos("networkchaos", name) or {}).get("status", {})
    return {"type": "AllInjected", "status": "True"} in [
        {key: each[key] for key in ("type", "status")} for each in status.get("conditions", [])
    ]


def sources(lab: Lab) -> set[str]:
    found = lab.chaos("podnetworkchaos")
    assert found is not None
    return {
        entry["source"]
        for rules in found["items"]
        for entries in rules["spec"].values()
        for entry in entries or ()
    }


def reap(lab: Lab, folder: Path, *arguments: str) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    done = subprocess.run(
        [BIN / "kvchaos", "reap", *arguments],
        cwd=folder,
        env=os.environ | {"KVCHAOS_LAB_DIR": str(lab.directory.root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_fault_is_reaped_by_its_ledger_and_others_stay(lab: Lab, tmp_path: Path) -> None:
    """The folder of runs is the one below; another run's fault is another's."""
    body = partition(lab, "one")
    left_by(lab, "two", action="partition", target={"mode": "all", "selector": selector("web")})
    Ledger(tmp_path / "kvchaos-runs" / "one" / "ledger.jsonl").record(
        {"event": "inject", "wall": "2026-08-01T00:00:00Z", "fault": Fault.of(body).to_json()}
    )

    assert reap(lab, tmp_path, "--run", "one") == (
        0,
        "networkchaos/left-one in kvchaos (run one, partition): deleted\nnothing is left\n",
    )

    assert lab.chaos("networkchaos", "left-one") is None
    assert lab.chaos("networkchaos", "left-two") is not None
    assert reap(lab, tmp_path, "--all")[0] == 0
    assert (lab.chaos("networkchaos", "left-two"), sources(lab)) == (None, set())
    assert reap(lab, tmp_path, "--run", "one") == (
        0,
        "networkchaos/left-one in kvchaos (run one, partition): already gone\nnothing is left\n",
    )


def test_a_fault_that_never_landed_is_forced_and_stands_in_nobodys_way(
    lab: Lab, tmp_path: Path
) -> None:
    """Seen first by a dry run, which changes nothing; a partition of the same pods lands then."""
    left_by(lab, "late", action="delay", delay={"latency": "10ms"})
    until(lambda: "kvchaos/left-late" in sources(lab))

    seen = reap(lab, tmp_path, "--run", "late", "--dry-run")
    code, said = reap(lab, tmp_path, "--run", "late")

    assert seen[0] == 5
    assert "there: networkchaos/left-late in kvchaos" in seen[1]
    assert (code, said.splitlines()[-1]) == (0, "nothing is left"), said
    assert "dropped the rules of kvchaos/left-late (1 tcs) from podnetworkchaos/cli-" in said
    partition(lab, "after")
    assert reap(lab, tmp_path, "--run", "after")[0] == 0


def test_only_old_faults_are_reaped_when_told(lab: Lab, tmp_path: Path) -> None:
    """A live run's are young."""
    partition(lab, "young")

    note = "networkchaos/left-young in kvchaos of run young is there, but younger: left alone"
    told = f"note: {note}\nnothing older than 1h is left\n"
    assert reap(lab, tmp_path, "--older-than", "1h") == (0, told)
    assert lab.chaos("networkchaos", "left-young") is not None
    assert reap(lab, tmp_path, "--older-than", "0s", "--namespace", "kvchaos")[0] == 0
    assert lab.chaos("networkchaos", "left-young") is None


def test_rules_that_outlived_their_fault_are_taken_away(lab: Lab, tmp_path: Path) -> None:
    """As when somebody dropped the finalizer by hand."""
    run = "20260801-100000-aaaaaa"
    left_by(lab, run, action="delay", delay={"latency": "10ms"})
    until(lambda: f"kvchaos/left-{run}" in sources(lab))
    path = f"{CHAOS}/networkchaos/left-{run}"
    lab.request("DELETE", path)
    lab.request("PATCH", path, {"metadata": {"finalizers": None}})
    until(lambda: lab.chaos("networkchaos", f"left-{run}") is None)

    code, said = reap(lab, tmp_path, "--older-than", "1h")

    assert (code, sources(lab)) == (0, set()), said
    assert f"networkchaos/left-{run} in kvchaos (run {run}): forced" in said


def test_no_lab_is_no_cluster(tmp_path: Path) -> None:
    """Exit 2: there was nobody to ask."""
    code, said = reap(Lab(tmp_path), tmp_path, "--all")

    assert code == 2
    assert "the embedded lab is not up" in said
