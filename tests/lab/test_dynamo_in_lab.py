"""Whole experiments with Dynamo's indexer as the router: what docs/guides/dynamo.md has one do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kvchaos.clock import poll
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.config import LAB_CONTEXT
from kvchaos.cluster.kinds import DEPLOYMENTS, PODS
from tests.chaosrun import Outcome, chaos_run, kvchaos
from tests.lab.dynamo_process import PYTHON, needs_dynamo
from tests.lab.sim_processes import CLOCK

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240), needs_dynamo]

DYNAMO = Path(__file__).parents[2] / "examples" / "dynamo"
LABELS = "app.kubernetes.io/name=dynamo-indexer"
COUNTS = re.compile(r"\b[1-9]\d*(?= missing| phantom)")
NAMES = re.compile(r"^.*: ")
Lab = dict[str, str]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of two engines, in which the indexer is the router."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": LAB_CONTEXT,
        "KVCHAOS_ROUTER_ADAPTER": "dynamo",
        "KVCHAOS_ROUTER_SELECTOR": LABELS,
        "KVCHAOS_ROUTER_HTTP_PORT": "8090",
        "KVCHAOS_FAULT_SECONDS": "4",
        "KVCHAOS_RECOVERY_BUDGET": "5",
    }
    up = kvchaos(environment, "lab", "up", "--engines", "2")
    assert up.returncode == 0, up.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KVCHAOS_LAB_DIR", environment["KVCHAOS_LAB_DIR"])
        deploy_indexer()
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


def deploy_indexer() -> None:
    """The manifest of the examples, with a Python of this machine for that of an image."""
    body = yaml.safe_load((DYNAMO / "indexer.yaml").read_text(encoding="utf-8"))
    body["spec"]["template"]["spec"]["containers"][0]["command"][0] = PYTHON
    with Cluster.connect(LAB_CONTEXT) as cluster:
        cluster.create(DEPLOYMENTS, body)

        def ready() -> list[str]:
            found = cluster.list(PODS, namespace="kvchaos", labels=LABELS)
            return [pods.name(pod) for pod in found if pods.is_ready(pod)]

        up, _ = poll(ready, bool, timeout=30, every=0.2, clock=CLOCK)
        assert len(up) == 1


def example(lab: Lab, script: str, *words: Path | str) -> str:
    """What a script of the examples prints."""
    done = subprocess.run(
        [sys.executable, DYNAMO / script, *words],
        env=lab,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(lab: Lab, folder: Path, name: str) -> Outcome:
    """A shipped experiment without what needs a gateway, with all engines registered anew."""
    assert example(lab, "register.py").count("registered ") == 2
    shipped = DYNAMO.parents[1] / "experiments" / f"{name}.json"
    experiment = folder / f"{name}.json"
    experiment.write_text(example(lab, "index_only.py", shipped), encoding="utf-8")
    return chaos_run(experiment, folder, lab)


def left(outcome: Outcome) -> list[str]:
    """What stayed wrong, without the names of pods and without the numbers."""
    checks = {each["name"]: each for each in outcome.journal["kvchaos"]["checks"]}
    found = checks["recovered within budget"]
    assert found["verdict"] == "fail"
    return [NAMES.sub("", COUNTS.sub("some", each)) for each in found["evidence"]]


def test_dynamos_index_recovers_from_a_cut_link(lab: Lab, tmp_path: Path) -> None:
    """TCP holds what was published meanwhile, and it arrives."""
    outcome = run(lab, tmp_path, "network-partition")

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("engine-restart", ["some missing, some phantom"]),
        ("pod-kill", ["some missing, 0 phantom", "ghost (not alive)"]),
        ("router-restart", ["some missing, 0 phantom"] * 2),
    ],
)
def test_dynamos_index_stays_wrong_after_a_restart(
    lab: Lab, tmp_path: Path, name: str, wrong: list[str]
) -> None:
    """Nothing tells the indexer of another life, of an engine or of its own."""
    outcome = run(lab, tmp_path, name)

    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.said
    assert left(outcome) == wrong
