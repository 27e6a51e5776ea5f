"""The shipped experiments on a real Kubernetes with the real Chaos Mesh, files unchanged.

``KVCHAOS_E2E_CONTEXT`` names the context (of KUBECONFIG); the node has the image
``localhost/kvchaos:dev``; kubectl is on the PATH.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvchaos.assets import asset
from tests.chaosrun import EXPERIMENTS, chaos_run, kvchaos

CONTEXT = os.environ.get("KVCHAOS_E2E_CONTEXT", "")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CONTEXT, reason="KVCHAOS_E2E_CONTEXT names no context"),
    pytest.mark.timeout(240),
]


def kubectl(*arguments: str, timeout: float = 120) -> str:
    """What kubectl said; fails with its complaint."""
    done = subprocess.run(
        ["kubectl", "--context", CONTEXT, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Engines and router deployed from deploy/, ready; gone again afterwards."""
    overlay = str(asset("deploy", "overlays", "test"))
    kubectl("apply", "-k", overlay)
    try:
        for name in ("kvchaos-engine", "kvchaos-router"):
            kubectl("rollout", "status", f"deployment/{name}", "-n", "kvchaos", "--timeout=90s")
        yield os.environ | {"KUBERNETES_CONTEXT": CONTEXT, "COLUMNS": "100"}
    finally:
        kubectl("delete", "-k", overlay, "--wait=true", "--timeout=90s")


def test_the_doctor_finds_all_that_is_needed(environment: dict[str, str]) -> None:
    """Ports, event streams, index, rights and Chaos Mesh of a real cluster, as of the lab."""
    said = kvchaos(environment, "doctor")

    assert said.returncode == 0, said.stdout
    assert "3 of 3 publish on 5557 and replay on 5558" in said.stdout


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_same_file_passes_on_a_real_cluster(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    """Faults by the real Chaos Mesh, engines and router as deployed, the file as it is."""
    outcome = chaos_run(name, tmp_path, environment)

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said


def test_a_router_that_never_replays_fails_on_a_real_cluster_too(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The lab's fail is not an artefact of the lab."""
    patch = (
        '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--recovery=none"}]'
    )
    kubectl("patch", "deployment/kvchaos-router", "-n", "kvchaos", "--type=json", "-p", patch)
    kubectl("rollout", "status", "deployment/kvchaos-router", "-n", "kvchaos", "--timeout=90s")
    # engines with no past: what such a router does not know from before would be wrong already
    kubectl("rollout", "restart", "deployment/kvchaos-engine", "-n", "kvchaos")
    kubectl("rollout", "status", "deployment/kvchaos-engine", "-n", "kvchaos", "--timeout=90s")

    outcome = chaos_run(
        "network-partition", tmp_path, environment | {"KVCHAOS_RECOVERY_BUDGET": "5"}
    )

    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.said
    assert outcome.journal["kvchaos"]["left"]["engines"], outcome.said
