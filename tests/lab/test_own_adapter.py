"""An adapter of one's own, from outside the package, asks the router of a real experiment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS
from kvchaos.settings import Settings
from tests.chaosrun import Outcome, chaos_run, kvchaos
from tests.lab.test_pytest_plugin import played

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

OURS = """
import json
import os
import time
from collections import deque
from pathlib import Path

from kvchaos.index.routers.reference import ReferenceRouter

TOLD = Path(os.environ["TOLD"])


class Told(ReferenceRouter):
    def __init__(self, place):
        super().__init__(place.address)
        self.place = place

    def snapshot(self):
        self.tell("snapshot", engines=self.place.engines(), block_size=self.place.block_size)
        return super().snapshot()

    def match(self, tokens):
        self.tell("match", tokens=len(tokens), model=self.place.model)
        return super().match(tokens)

    def tell(self, asked, **fields):
        with TOLD.open("a") as file:
            file.write(json.dumps({"asked": asked, **fields}) + chr(10))


class Behind(ReferenceRouter):
    def __init__(self, place):
        super().__init__(place.address)
        self.seen = deque()

    def snapshot(self):
        now = time.monotonic()
        self.seen.append((now, super().snapshot()))
        while len(self.seen) > 1 and self.seen[1][0] <= now - 0.7:
            self.seen.popleft()
        return self.seen[0][1]


class Broken(Told):
    def snapshot(self):
        self.tell("snapshot")
        return {}["pods"]
"""
IN_PYTEST = """
def test_it(engines, router):
    engines.warm(prefixes=1, visible_within=15)
    assert router.agrees()
"""


def looked_in(folder: Path) -> str:
    return os.pathsep.join([str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A lab of this module's own, up; a folder with the adapter, that Python looks in."""
    ours = tmp_path_factory.mktemp("ours")
    (ours / "ours.py").write_text(OURS)
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_FAULT_SECONDS": "4",
        "PYTHONPATH": looked_in(ours),
    }
    up = kvchaos(environment, "lab", "up", "--engines", "2")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


def run(folder: Path, lab: dict[str, str], adapter: str) -> Outcome:
    named = {"KVCHAOS_ROUTER_ADAPTER": adapter, "TOLD": str(folder / "told.jsonl")}
    return chaos_run("network-partition", folder, lab | named)


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def engines(lab: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("KVCHAOS_LAB_DIR", lab["KVCHAOS_LAB_DIR"])
    settings = Settings()
    with Cluster.connect(settings.kubernetes_context) as cluster:
        found = cluster.list(PODS, namespace="kvchaos", labels=settings.engine_selector)
    return {pods.address(pod): pods.name(pod) for pod in found}


def test_an_experiment_passes_by_what_ones_own_adapter_says(
    lab: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone asks the router, and is told which engine is at which address."""
    outcome = run(tmp_path, lab, "ours:Told")

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said
    asked = told(tmp_path)
    snapshots = [each for each in asked if each["asked"] == "snapshot"]
    there = engines(lab, monkeypatch)
    known = {"asked": "snapshot", "engines": there, "block_size": 16}
    assert len(there) == 2
    assert snapshots[0] == snapshots[-1] == known
    assert len(snapshots) > 20
    assert {each["model"] for each in asked if each["asked"] == "match"} == {"kvchaos-demo"}


def test_an_adapter_that_breaks_is_unknown_and_says_where(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """A bug of it is neither a fail of the router nor a pass, and shows no traceback."""
    outcome = run(tmp_path, lab, "ours:Broken")

    assert (outcome.verdict, outcome.code) == ("unknown", 1), outcome.said
    checks = {each["name"]: each for each in outcome.journal["kvchaos"]["checks"]}
    line = OURS.splitlines().index('        return {}["pods"]') + 1
    asked = "router: snapshot() of the router adapter 'ours:Broken': saw"
    evidence = [f"{asked} KeyError: 'pods' (ours.py, line {line})"]
    assert checks["observer up and sampled"]["evidence"] == evidence
    assert checks["fault landed"]["why"] == "no fault was injected, so nothing was tested"
    assert "Traceback" not in outcome.said


def test_the_doctor_says_what_the_adapter_says(lab: dict[str, str], tmp_path: Path) -> None:
    """Of a router that answers, and of one that does not answer as it should."""
    named = lab | {"TOLD": str(tmp_path / "told.jsonl")}

    well = kvchaos(named | {"KVCHAOS_ROUTER_ADAPTER": "ours:Told"}, "doctor", cwd=tmp_path)
    ill = kvchaos(named | {"KVCHAOS_ROUTER_ADAPTER": "ours:Broken"}, "doctor", cwd=tmp_path)

    assert (well.returncode, ill.returncode) == (0, 1), well.stdout + ill.stdout
    assert " holds 2 engines" in well.stdout
    assert "snapshot() of the router adapter 'ours:Broken': saw KeyError: 'pods'" in ill.stdout
    assert "KVCHAOS_ROUTER_ADAPTER" in ill.stdout


def test_a_test_of_a_router_asks_it_by_the_adapter_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin's own option; a module beside the tests is found."""
    (tmp_path / "ours.py").write_text(OURS)
    monkeypatch.setenv("TOLD", str(tmp_path / "told.jsonl"))

    done = played(tmp_path, IN_PYTEST, "--kvchaos-router-adapter=ours:Told", "--kvchaos-engines=1")

    assert done.returncode == 0, done.stdout
    assert "snapshot" in {each["asked"] for each in told(tmp_path)}


def test_chaos_toolkit_does_not_begin_with_what_is_no_adapter(tmp_path: Path) -> None:
    """Whatever the module raises: one line, and no lab is begun for it."""
    (tmp_path / "broken.py").write_text("raise ValueError('no key')")
    environment = os.environ | {
        "PYTHONPATH": looked_in(tmp_path),
        "KVCHAOS_LAB_DIR": str(tmp_path / "lab"),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_ROUTER_ADAPTER": "broken:Ours",
    }

    outcome = chaos_run("network-partition", tmp_path, environment)

    assert outcome.code == 1
    assert "'broken:Ours': saw broken raised ValueError: no key (broken.py, line 1)" in outcome.said
    assert "Traceback" not in outcome.said
    assert not (tmp_path / "lab").exists()
    assert not (tmp_path / "kvchaos-runs").exists()


def test_a_router_that_is_always_behind_passes_and_is_told_as_that(
    tmp_path: Path, lab: dict[str, str]
) -> None:
    """Under traffic it never agrees, 0.7 s late; without traffic it does, and lost nothing."""
    outcome = run(tmp_path, lab, "ours:Behind")

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said
    recovery = outcome.journal["kvchaos"]["recovery"]
    assert recovery["quiet"] > recovery["timeline"]["healed"]
    assert "the router was behind the engines" in " ".join(outcome.said.split())
