"""Nothing is left behind on a real Kubernetes with the real Chaos Mesh, or it is said what is.

``KVCHAOS_E2E_CONTEXT`` names the context (of KUBECONFIG); the node has the image
``localhost/kvchaos:dev``; kubectl is on the PATH; the context may administer the cluster, and its
kernel has no netem for the tests of a delay.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kvchaos.assets import asset
from tests.chaosrun import BIN, chaos_run
from tests.e2e.real_place import (
    CONTEXT,
    MESH,
    Place,
    bring_daemon_back,
    kubectl,
    placed,
    until,
    without_daemon,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CONTEXT, reason="KVCHAOS_E2E_CONTEXT names no context"),
    pytest.mark.timeout(300),
]
DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "100ms", "jitter": "0ms", "correlation": "0"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    bring_daemon_back()  # whatever an earlier test that was killed has left
    with placed(tmp_path_factory.mktemp("place"), "reaper") as place:
        yield place


@pytest.fixture
def place(home: Place, tmp_path: Path) -> Iterator[Place]:
    """Engines and router with all links open, and no fault, before and after."""
    until(lambda: home.links() == ["open"] * 3, timeout=60)
    yield home
    home.reap("--all", cwd=tmp_path)


def new_run() -> str:
    return f"r{uuid.uuid4().hex[:8]}"


@contextmanager
def cutting(place: Place, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """``chaos run`` of the shipped partition, which stands now and would for a while."""
    process = subprocess.Popen(
        [
            *(BIN / "chaos", "--no-version-check", "run", "--journal-path", "journal.json"),
            asset("experiments", "network-partition.json"),
        ],
        cwd=folder,
        env=place.environment(KVCHAOS_FAULT_SECONDS="100", KVCHAOS_FAULT_DURATION="120s"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: place.faults() or process.poll() is not None, timeout=90)
        assert process.poll() is None, process.communicate()[0]
        until(place.is_cut)
        yield process
    finally:
        process.kill()
        process.communicate()


def clean(place: Place) -> bool:
    """No fault, no rule of one in a pod, and traffic flows."""
    return (place.faults(), place.sources(), place.links()) == ([], set(), ["open"] * 3)


def test_a_run_that_is_told_to_end_in_mid_partition_leaves_nothing(
    place: Place, tmp_path: Path
) -> None:
    """SIGTERM: recovered, written down, and not a pass."""
    with cutting(place, tmp_path) as process:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)

    assert process.returncode != 0, said
    assert clean(place), said
    record = json.loads((tmp_path / "journal.json").read_text())["kvchaos"]
    assert record["status"] == "aborted", said


def test_a_run_that_was_killed_in_mid_partition_is_reaped_by_its_ledger(
    place: Place, tmp_path: Path
) -> None:
    """SIGKILL leaves the cut; ``kvchaos reap --run`` ends it."""
    with cutting(place, tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        left = place.links()
    (run,) = (path.name for path in (tmp_path / "kvchaos-runs").iterdir())

    fault = f"networkchaos/network-partition-{run}"

    done = place.reap("--run", run, cwd=tmp_path)

    assert "cut" in left
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            f"{fault} in {place.namespace} (run {run}, partition): deleted",
            "nothing is left",
        ],
    )
    assert clean(place)


def test_a_delay_that_never_lands_is_no_pass_and_leaves_nothing(
    place: Place, tmp_path: Path
) -> None:
    """Not in effect; and a partition of the same pods works afterwards."""
    experiment = json.loads(asset("experiments", "network-partition.json").read_text())
    (arguments,) = (
        each["provider"]["arguments"]
        for each in experiment["method"]
        if each["provider"]["func"] == "inject_fault"
    )
    arguments["template"], arguments["timeout"] = "network-delay", 5
    arguments["values"] |= {"latency": "100ms", "jitter": "0ms", "correlation": "0"}
    path = tmp_path / "delay.json"
    path.write_text(json.dumps(experiment))

    outcome = chaos_run(path, tmp_path, place.environment())

    if "unable to set tcs" not in outcome.said:
        pytest.skip("this cluster's kernel has netem")
    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.said
    checks = {each["name"]: each["why"] for each in outcome.journal["kvchaos"]["checks"]}
    assert "was not effective: it could not be injected" in checks["effect observed"]
    assert clean(place), outcome.said
    (tmp_path / "again").mkdir()
    again = chaos_run("network-partition", tmp_path / "again", place.environment())
    assert (again.verdict, again.code) == ("pass", 0), again.said


def test_a_stuck_delay_is_reaped_by_its_label_alone(place: Place, tmp_path: Path) -> None:
    """No ledger: the object cannot be deleted, and is forced; what was forced is told."""
    run = new_run()
    place.apply(place.fault(run, **DELAY))
    source = f"{place.namespace}/by-hand-{run}"
    until(lambda: source in place.sources())

    seen = place.reap("--run", run, "--dry-run", cwd=tmp_path)
    still = place.sources()
    done = place.reap("--run", run, cwd=tmp_path)

    assert (seen.returncode, still) == (5, {source})
    assert done.returncode == 0, done.stdout
    if "forced" not in done.stdout:
        pytest.skip("this cluster's kernel has netem")
    assert f"dropped the finalizer chaos-mesh/records of networkchaos/by-hand-{run}" in done.stdout
    assert re.search(rf"dropped the rules of {source} \(.*1 tcs\) from podnetwork", done.stdout)
    assert clean(place)


def cut(place: Place) -> str:
    """The run whose partition is in effect now."""
    run = new_run()
    place.apply(place.fault(run, action="partition"))
    until(place.is_cut)
    return run


def test_without_its_daemon_a_fault_is_left_and_said_and_ends_once_it_is_back(
    place: Place, tmp_path: Path
) -> None:
    """Nothing is forced, for the rules would stay in the pods; exit 5 says so."""
    run = cut(place)

    with without_daemon():
        away = place.reap("--run", run, cwd=tmp_path)
        links = place.links()
        (fault,) = place.faults()
    back = until(lambda: not place.faults() and place.reap("--run", run, cwd=tmp_path), timeout=60)

    assert away.returncode == 5, away.stdout
    assert "not forced, no chaos-daemon was reached" in away.stdout
    assert "bring chaos-daemon back on that node" in away.stdout
    assert "cut" in links
    assert fault["metadata"]["finalizers"] == ["chaos-mesh/records"]
    assert (back.returncode, back.stdout.splitlines()[-1]) == (0, "nothing is left")
    assert clean(place)


def test_without_its_daemon_a_fault_ends_with_its_pods_when_told(
    place: Place, tmp_path: Path
) -> None:
    """The last resort: new pods, which Deployments make, have no rules."""
    run = cut(place)

    with without_daemon():
        done = place.reap("--run", run, "--restart-pods", cwd=tmp_path)
        for name in ("kvchaos-engine", "kvchaos-router"):
            kubectl("rollout", "status", f"deployment/{name}", "-n", place.namespace)
        open_without_it = place.links()

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("deleted pod") == 2
    assert open_without_it == ["open"] * 3
    assert clean(place)


@pytest.fixture
def daemons_seen(place: Place) -> Iterator[None]:
    """What ``deploy/daemons`` grants, to the runner of this namespace."""
    role, binding = yaml.safe_load_all(kubectl("kustomize", str(asset("deploy", "daemons"))))
    name = f"{place.namespace}-daemons"
    role["metadata"]["name"] = binding["metadata"]["name"] = binding["roleRef"]["name"] = name
    binding["subjects"][0]["namespace"] = place.namespace
    place.apply(role, binding)
    yield
    kubectl("delete", "role,rolebinding", name, "-n", MESH)


def test_a_run_passes_with_the_runners_rights_alone(
    place: Place, daemons_seen: None, tmp_path: Path
) -> None:
    """Its service account's token, nothing else."""
    config = place.kubeconfig("kvchaos-runner", tmp_path / "runner.json")

    outcome = chaos_run("network-partition", tmp_path, place.environment(KUBECONFIG=str(config)))

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said


def test_a_stuck_fault_is_reaped_with_the_reapers_rights_alone(
    place: Place, tmp_path: Path
) -> None:
    """Also what has to be forced; other namespaces may not even be looked at."""
    config = place.kubeconfig("kvchaos-reaper", tmp_path / "reaper.json")
    run = new_run()
    place.apply(place.fault(run, **DELAY))
    until(lambda: f"{place.namespace}/by-hand-{run}" in place.sources())

    done = place.reap("--all", cwd=tmp_path, KUBECONFIG=str(config))

    assert done.returncode == 0, done.stdout + done.stderr
    assert clean(place)
    elsewhere = place.reap("-n", "default", "--all", cwd=tmp_path, KUBECONFIG=str(config))
    assert elsewhere.returncode == 5
    assert "not allowed" in elsewhere.stdout


def test_the_reapers_cronjob_runs_in_the_cluster(place: Place) -> None:
    """As it stands, but for its namespace; young faults are not its business."""
    run = new_run()
    place.apply(place.fault(run, action="partition"))
    where = ("-n", place.namespace)
    own = {"op": "replace", "path": _ARGS, "value": f"--namespace={place.namespace}"}
    kubectl("patch", "cronjob/kvchaos-reaper", *where, "--type=json", "-p", json.dumps([own]))

    kubectl("create", "job", "now", "--from=cronjob/kvchaos-reaper", *where)
    kubectl("wait", "--for=condition=Complete", "job/now", *where, "--timeout=90s")

    last = kubectl("logs", "job/now", *where).splitlines()[-1]
    assert last.startswith("nothing")
    assert len(place.faults()) == 1


_ARGS = "/spec/jobTemplate/spec/template/spec/containers/0/args/2"
