"""Preflights in a lab: the shipped experiments pass, what is played there refuses them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.node.meshdaemon import NAME, NAMESPACE
from kvchaos.lab.socketclient import SocketClient
from tests.chaosrun import EXPERIMENTS, chaos_run, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

Object = dict[str, Any]
CORE, MESH = "/api/v1", "/apis/chaos-mesh.org/v1alpha1"
WATCHED = (
    f"{CORE}/pods",
    f"{CORE}/configmaps",
    f"{CORE}/namespaces",
    f"{MESH}/networkchaos",
    f"{MESH}/podchaos",
    f"{MESH}/podnetworkchaos",
)
MERGE_PATCH = "application/merge-patch+json"


class Place:
    """A lab that is up, as its user and as its API see it."""

    def __init__(self, root: Path) -> None:
        self.environment = os.environ | {
            "KVCHAOS_LAB_DIR": str(root),
            "KUBERNETES_CONTEXT": "kvchaos-lab",
        }
        self.root = root

    def preflight(self, name: str, *options: str, **settings: str) -> tuple[int, str]:
        """Exit code, and all that was said."""
        path = asset("experiments", f"{name}.json")
        done = kvchaos(self.environment | settings, "preflight", *options, str(path))
        return done.returncode, done.stdout + done.stderr

    def request(self, method: str, path: str, body: Object | None = None) -> Object:
        client = SocketClient(LabDirectory(self.root).api_socket)
        kind = MERGE_PATCH if method == "PATCH" else ""
        return client.request(method, path, body=body, content_type=kind)

    def objects(self) -> list[tuple[str, str]]:
        """Every object that a run could touch, by uid, with its version."""
        return sorted(
            (each["metadata"]["uid"], each["metadata"]["resourceVersion"])
            for path in WATCHED
            for each in self.request("GET", path)["items"]
        )

    @contextmanager
    def holding(self, collection: str, body: Object) -> Iterator[None]:
        """An object that is there meanwhile."""
        self.request("POST", collection, body)
        try:
            yield
        finally:
            self.request("DELETE", f"{collection}/{body['metadata']['name']}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("lab"))
    up = kvchaos(place.environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield place
    down = kvchaos(place.environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_shipped_experiment_passes_in_the_lab(place: Place, name: str) -> None:
    """With nothing to be noted: the lab has all that a cluster with Chaos Mesh has."""
    code, said = place.preflight(name)

    assert code == 0, said
    assert said.splitlines()[-1] == "nothing speaks against it"
    assert "note:" not in said


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_dry_run_leaves_every_object_as_it_was(place: Place, name: str) -> None:
    """None more, none less, none changed."""
    before = place.objects()

    code, said = place.preflight(name, "--dry-run=server")

    assert code == 0, said
    assert "apiVersion: chaos-mesh.org/v1alpha1" in said
    assert place.objects() == before


def test_a_template_with_mode_all_is_refused(place: Place) -> None:
    """All engines are more than half of them; one of three is more than 30 %."""
    code, said = place.preflight("network-partition", KVCHAOS_MAX_PERCENT="30")

    assert code == 2, said
    assert "too_large_share" in said
    assert "saw up to 1 of 3, 33 %" in said


def test_all_that_is_played_in_the_lab_is_found_at_once(place: Place) -> None:
    """A hold, a fault that another run left, and an environment that is not this one."""
    held = {"metadata": {"name": "kvchaos-hold"}, "data": {"by": "ana", "reason": "demo"}}
    labels = {"kvchaos.io/run": "r0"}
    left = {
        "metadata": {"name": "kill-r0", "labels": labels},
        "spec": {
            "action": "pod-kill",
            "mode": "one",
            "selector": {"namespaces": ["kvchaos"], "labelSelectors": {"no": "pod"}},
        },
    }
    with (
        place.holding(f"{CORE}/namespaces/kvchaos/configmaps", held),
        place.holding(f"{MESH}/namespaces/kvchaos/podchaos", left),
    ):
        code, said = place.preflight("pod-kill", KVCHAOS_ENVIRONMENT="staging")

    assert code == 2, said
    found = [line.split(":")[0].strip(" -") for line in said.splitlines() if "; see:" in line]
    assert found == ["held", "wrong_environment", "leftovers"]
    assert "podchaos/kill-r0 of run r0 is in namespace kvchaos" in said
    assert place.preflight("pod-kill")[0] == 0


def test_a_lab_without_chaos_daemon_is_refused_where_one_is_needed(place: Place) -> None:
    """Its pod can be deleted as any other; lab status tells only of pods with processes."""
    path = f"{CORE}/namespaces/{NAMESPACE}/pods"
    daemon = place.request("GET", f"{path}/{NAME}")
    status = kvchaos(place.environment, "lab", "status").stdout
    place.request("DELETE", f"{path}/{NAME}")
    try:
        cut, kill = place.preflight("network-partition"), place.preflight("pod-kill")
    finally:
        own = {key: daemon["metadata"][key] for key in ("name", "labels", "annotations")}
        place.request("POST", path, {"metadata": own, "spec": daemon["spec"]})
        place.request("PATCH", f"{path}/{NAME}/status", {"status": daemon["status"]})

    assert (cut[0], kill[0]) == (2, 0), cut[1] + kill[1]
    assert "no_daemon_on_node: node kvchaos-lab: no chaos-daemon" in cut[1]
    assert (NAME in status, "kvchaos-engine" in status) == (False, True)
    assert place.preflight("network-partition")[0] == 0


def test_a_run_that_is_refused_touches_nothing(place: Place, tmp_path: Path) -> None:
    """The control looks first: no fault, no request, and the journal says why."""
    before = place.objects()

    outcome = chaos_run(
        "network-partition", tmp_path, place.environment | {"KVCHAOS_MAX_PERCENT": "10"}
    )

    assert outcome.code != 0, outcome.said
    assert (outcome.verdict, outcome.journal["status"]) == ("unknown", "interrupted")
    assert "too_large_share" in outcome.journal["kvchaos"]["why"]
    assert place.objects() == before
    history = next(tmp_path.glob("kvchaos-runs/*/history.jsonl")).read_text()
    assert '"event":"preflight"' in history.replace(" ", "")
    assert "fault_injected" not in history
