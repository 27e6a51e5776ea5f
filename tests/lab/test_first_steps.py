"""A newcomer's way in a lab: ``kvchaos init``, ``kvchaos doctor``, the workflow that init writes.

The lab is also known under the name ``prod`` here, as a cluster of somebody's own is.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvchaos.starter.starter import WORKFLOW
from tests.chaosrun import BIN, chaos_run, kvchaos
from tests.workflows.steps import Step, shell_steps

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

LINES = [
    *("programs", "run folders", "embedded lab", "experiments", "cluster", "namespace"),
    *("engines", "engines' HTTP", "engines' events", "router's index"),
    *("Chaos Mesh", "rights", "annotations", "targets", "chaos-daemon", "block size"),
    *("dry run", "hold", "left behind"),
]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody whose cluster ``prod`` is up, and is the lab."""
    root = tmp_path_factory.mktemp("lab")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KUBE")}
    environment = {**kept, "KVCHAOS_LAB_DIR": str(root), "KVCHAOS_FAULT_SECONDS": "3"}
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    known = root.with_name("kubeconfig")
    known.write_text((root / "kubeconfig").read_text().replace("kvchaos-lab", "prod"))
    yield {**environment, "KUBECONFIG": str(known)}
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


def doctor(user: dict[str, str], *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    return kvchaos(user | more, "doctor", *options)


def told(said: str, state: str) -> list[str]:
    """The names of the lines in that state."""
    lines = [line[11:] for line in said.splitlines() if line.startswith(f"  {state:<7}  ")]
    return [line.partition("  ")[0].strip() for line in lines]


def test_where_all_is_there_the_doctor_finds_all_of_it(user: dict[str, str]) -> None:
    """One screen, a line each, and exit code 0."""
    said = doctor(user, "--context", "prod")

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[0] == "context prod, namespace kvchaos"
    assert told(said.stdout, "ok") == LINES
    assert "3 of 3 publish on 5557 and replay on 5558" in said.stdout
    assert said.stdout.endswith("\nall that is needed is there\n")


def test_what_cannot_be_reached_is_missing_each_by_itself(user: dict[str, str]) -> None:
    """Ports on which nobody listens, one on which somebody speaks HTTP, and what to do."""
    ports = {
        "KVCHAOS_ENGINE_HTTP_PORT": "1",
        "KVCHAOS_EVENT_PORT": "8000",
        "KVCHAOS_ROUTER_HTTP_PORT": "2",
    }

    said = doctor(user, "pod-kill", **ports)

    assert said.returncode == 1
    assert told(said.stdout, "MISSING") == ["engines' HTTP", "engines' events", "router's index"]
    assert ": nobody listens there (and 2 more)\n" in said.stdout
    assert "does not answer GET /index on 2\n" in said.stdout
    assert '--kv-events-config \'{"enable_kv_cache_events": true' in said.stdout
    assert said.stdout.endswith("\n3 missing\n")


def test_labels_of_nobody_are_missing_and_so_is_a_namespace(user: dict[str, str]) -> None:
    """With the namespaces that there are."""
    selectors = {"KVCHAOS_ENGINE_SELECTOR": "a=b", "KVCHAOS_ROUTER_SELECTOR": "c=d"}

    nobody = doctor(user, "pod-kill", **selectors)
    nowhere = doctor(user, "pod-kill", "-n", "nope")

    assert told(nobody.stdout, "MISSING") == ["engines", "router's index", "targets"]
    assert told(nowhere.stdout, "MISSING") == ["namespace"]
    assert "no nope; there are chaos-mesh, default, " in nowhere.stdout


class Machine:
    """Runs a workflow's scripts as GitHub's runner does: what goes to GITHUB_ENV stays."""

    def __init__(self, folder: Path, home: Path, environment: dict[str, str]) -> None:
        home.mkdir()
        self.folder = folder
        self.kept = home / "env"
        self.summary = home / "summary"
        self.kept.touch()
        self.environment = environment | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(home),
            "GITHUB_ENV": str(self.kept),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }

    def run(self, step: Step, **given: str) -> str:
        """What the step said; fails when it does."""
        kept = dict(line.partition("=")[::2] for line in self.kept.read_text().splitlines())
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step.script],
            cwd=self.folder,
            env={**self.environment, **kept, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{step.label}\n{done.stdout}"
        return done.stdout


def test_the_workflow_that_init_writes_runs_on_the_cluster_that_was_named(
    user: dict[str, str], tmp_path: Path
) -> None:
    """Its job for the cluster, step by step but for the installation, with one experiment."""
    folder = tmp_path / "mine"
    begun = kvchaos(user, "init", str(folder), "--context", "prod")
    assert begun.returncode == 0, begun.stderr
    for path in (folder / "experiments").iterdir():
        if path.stem != "router-restart":
            path.unlink()
    bare = {key: value for key, value in user.items() if key != "KUBECONFIG"}
    machine = Machine(folder, tmp_path / "home", bare)
    content = Path(user["KUBECONFIG"]).read_text()

    steps = [each for each in shell_steps(folder / WORKFLOW) if each.job == "cluster"]
    said = {each.name: machine.run(each, CONTENT=content) for each in steps[1:]}

    assert steps[0].script == 'python -m pip install "$KVCHAOS_PACKAGE"'
    assert said["Say what is missing"].startswith("context prod, namespace kvchaos\n")
    assert "PASS" in said["Run the experiments"]
    assert said["End what is left, also of a run that was killed"].endswith("nothing is left\n")
    assert "pass" in machine.summary.read_text().lower()
    assert (folder / "junit.xml").read_text().startswith("<?xml")
    assert (tmp_path / "home" / "kubeconfig").stat().st_mode & 0o077 == 0


def test_what_init_wrote_is_played_from_elsewhere(user: dict[str, str], tmp_path: Path) -> None:
    """By either program: the folder's own templates are found from its experiments."""
    here, place = tmp_path / "here", tmp_path / "chaos"
    here.mkdir()
    assert kvchaos(user, "init", "../chaos", "--yes", cwd=here).returncode == 0
    cut = place / "templates" / "network-partition.yaml.j2"
    cut.rename(cut.with_name("ours.yaml.j2"))  # no shipped one is called that
    experiment = place / "experiments" / "network-partition.json"
    text = experiment.read_text()
    experiment.write_text(text.replace("templates/network-partition.", "templates/ours."))

    seen = kvchaos(user, "preflight", "../chaos/experiments/network-partition.json", cwd=here)
    outcome = chaos_run(experiment, here, user)

    assert (seen.returncode, seen.stderr) == (0, "")
    assert (outcome.code, outcome.verdict) == (0, "pass"), outcome.said
