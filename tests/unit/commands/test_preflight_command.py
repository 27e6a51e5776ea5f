"""``kvchaos preflight``: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from click.testing import CliRunner, Result

from kvchaos.assets import asset
from kvchaos.cli import main
from kvchaos.cluster.kinds import Object
from kvchaos.commands import preflight as command
from tests.preflight_world import AskedCluster, daemon, namespace, only
from tests.run_world import engine_pod, router_pod

Json = dict[str, Any]


class Connecting(AskedCluster):
    """A cluster in place of the client's class; remembers what it was connected to."""

    def connect(self, context: str) -> Self:
        self.calls.append(f"connect {context}")
        return self

    def version(self) -> str:
        return "v1.34.0"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append("closed")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Connecting:
    """Three engines, a router, and Chaos Mesh."""
    cluster = Connecting()
    engines = [engine_pod(name) for name in ("e1", "e2", "e3")]
    cluster.objects = only(*engines, router_pod("r"), daemon(), namespace()).objects
    monkeypatch.setattr(command, "Cluster", cluster)
    monkeypatch.setattr("secrets.token_hex", lambda _: "abc123")
    return cluster


def run(*arguments: object, **environment: str) -> Result:
    cleared = dict.fromkeys(("KUBERNETES_CONTEXT", "KVCHAOS_NAMESPACE"), None)
    return CliRunner().invoke(
        main, ["preflight", *map(str, arguments)], env={**cleared, **environment}
    )


def shipped(name: str) -> Path:
    return asset("experiments", f"{name}.json")


@pytest.fixture
def altered(tmp_path: Path) -> Callable[[Callable[[Json], object]], Path]:
    """The shipped partition with a change to it."""

    def make(change: Callable[[Json], object]) -> Path:
        experiment = json.loads(shipped("network-partition").read_text())
        change(experiment)
        path = tmp_path / "experiment.json"
        path.write_text(json.dumps(experiment))
        return path

    return make


def test_the_pods_that_would_be_hit_are_printed(there: Connecting) -> None:
    """By fault and role, with the node of each; nothing speaks against it: 0."""
    done = run(shipped("network-partition"))

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        (
            "cut one engine off from the router: NetworkChaos partition for at most 60 s"
            " (networkchaos/network-partition-preflight-abc123 in kvchaos)"
        ),
        "  selected: one of 3",
        "    kvchaos/e1 on node1, an engine",
        "    kvchaos/e2 on node1, an engine",
        "    kvchaos/e3 on node1, an engine",
        "  at the other end: all 1",
        "    kvchaos/r on node1",
        "nothing speaks against it",
    ]
    assert (there.calls[0], there.calls[-1]) == ("connect kvchaos-lab", "closed")


def test_findings_and_notes_are_printed_and_end_it_with_2(there: Connecting) -> None:
    """The pods are told all the same."""
    there.hidden = {"list pods chaos-mesh"}

    bounds = {"KVCHAOS_MAX_PERCENT": "30", "KVCHAOS_REQUIRE_OPT_IN": "true"}

    done = run(shipped("network-partition"), **bounds)

    assert done.exit_code == 2
    assert "  selected: one of 3" in done.stdout
    assert "note: whether chaos-daemon runs on the targets' nodes cannot be told" in done.stdout
    assert "nothing speaks against it" not in done.stdout
    refusal = done.stderr.splitlines()
    assert refusal[0] == "kvchaos: the preflight refuses the run:"
    assert [line.split(":")[0].strip() for line in refusal[1:]] == [
        "- not_opted_in",
        "- too_large_share",
    ]


def test_the_context_may_be_another_than_the_experiments(there: Connecting) -> None:
    """It is said in the hints too."""
    done = run(shipped("pod-kill"), "--context", "other", KUBERNETES_CONTEXT="mine")
    assert (done.exit_code, there.calls[0]) == (0, "connect other")

    there.calls.clear()
    run(shipped("pod-kill"), KUBERNETES_CONTEXT="mine")
    assert there.calls[0] == "connect mine"


def test_a_dry_run_prints_the_faults_and_leaves_the_cluster_as_it_was(there: Connecting) -> None:
    """The server was asked to take them, and has the same objects as before."""
    before: dict[Any, Object] = dict(there.objects)

    done = run(shipped("network-partition"), "--dry-run=server")

    _, _, printed = done.stdout.partition("\n---\n")
    [body] = yaml.safe_load_all(printed)
    assert (done.exit_code, body["kind"]) == (0, "NetworkChaos")
    assert body["metadata"]["name"] == "network-partition-preflight-abc123"
    assert body["spec"]["duration"] == "60s"
    assert there.objects == before
    assert there.verbs("create", "patch", "delete") == []
    assert len(there.verbs("try")) == 1


def test_a_dry_run_prints_no_secret(
    there: Connecting, altered: Callable[[Callable[[Json], object]], Path]
) -> None:
    """Wherever an experiment has put one."""

    def hide(experiment: Json) -> None:
        experiment["configuration"]["router_selector"] = "app=b,token=hunter2hunter2"
        experiment["secrets"] = {"router": {"token": "hunter2hunter2"}}

    done = run(altered(hide), "--dry-run=server")

    _, _, printed = done.stdout.partition("\n---\n")
    assert "app: b" in printed
    assert "hunter2" not in printed


def test_only_the_server_makes_dry_runs() -> None:
    """There is no other kind of it, so that nobody takes it for one."""
    assert run(shipped("pod-kill"), "--dry-run=client").exit_code == 4


def test_an_experiment_without_a_fault_is_told(
    there: Connecting, altered: Callable[[Callable[[Json], object]], Path]
) -> None:
    """Nothing would be hit."""
    done = run(altered(lambda experiment: experiment.update(method=[], rollbacks=[])))

    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "the experiment injects no fault"


def test_a_lab_that_is_not_up_is_not_started(tmp_path: Path) -> None:
    """It is said how to."""
    done = run(shipped("pod-kill"), KVCHAOS_LAB_DIR=str(tmp_path))

    assert (done.exit_code, done.stdout) == (2, "")
    assert "the embedded lab is not up" in done.stderr
    assert "see: kvchaos lab up" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_usable_ends_it_with_4(
    there: Connecting,
    tmp_path: Path,
    altered: Callable[[Callable[[Json], object]], Path],
) -> None:
    """As ``kvchaos validate`` does, and before any cluster is asked."""
    assert run(tmp_path / "none.json").exit_code == 4
    assert run(altered(lambda experiment: experiment.pop("controls"))).exit_code == 4
    too_long = run(shipped("network-partition"), KVCHAOS_FAULT_DURATION="2h")
    assert too_long.exit_code == 4
    assert "wanted more than 0 and at most 3600s, saw '2h'" in too_long.stderr
    assert there.calls == []
