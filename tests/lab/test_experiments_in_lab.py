"""The shipped experiments in the embedded lab, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

BIN = Path(sys.executable).parent
Environment = dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``chaos run`` left: its exit code, what it printed, its journal."""

    code: int
    said: str
    journal: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.journal["kvchaos"]["verdict"])


def kvchaos(environment: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "kvchaos", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A lab of this module's own; faults are short, for the sake of the suite."""
    return os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_FAULT_SECONDS": "6",
        "KVCHAOS_RECOVERY_BUDGET": "30",
        "COLUMNS": "100",
    }


Run = Callable[..., Outcome]


@pytest.fixture
def run(environment: Environment, tmp_path: Path) -> Run:
    """Runs one shipped experiment by its name."""

    def run_experiment(name: str, **more: str) -> Outcome:
        done = subprocess.run(
            [
                *(BIN / "chaos", "--no-version-check", "run"),
                *("--journal-path", tmp_path / "journal.json"),
                asset("experiments", f"{name}.json"),
            ],
            cwd=tmp_path,
            env=environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        journal = json.loads((tmp_path / "journal.json").read_text())
        return Outcome(done.returncode, done.stdout, journal)

    return run_experiment


@pytest.fixture
def lab(environment: Environment, request: pytest.FixtureRequest) -> Iterator[str]:
    """The lab, up, with the router's recovery as the test's parameter says."""
    recovery = request.param
    up = kvchaos(environment, "lab", "up", "--router-recovery", recovery)
    assert up.returncode == 0, up.stderr
    yield recovery
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


EXPERIMENTS = ["network-partition", "pod-kill", "engine-restart", "router-restart"]


@pytest.mark.parametrize("lab", ["replay"], indirect=True)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_router_that_recovers_passes(lab: str, run: Run, name: str) -> None:
    """The reference router gets over each of the shipped faults."""
    outcome = run(name)

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said


@pytest.mark.parametrize("lab", ["none"], indirect=True)
@pytest.mark.parametrize("name", ["network-partition", "engine-restart", "router-restart"])
def test_a_router_that_never_replays_fails_and_is_told_where(lab: str, run: Run, name: str) -> None:
    """The verdict is a fail, and names engines and numbers of blocks."""
    outcome = run(name)

    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.said
    assert "missing" in outcome.said or "phantom" in outcome.said
    assert "kvchaos-engine" in outcome.said


def test_a_run_starts_the_lab_it_names_and_stops_it(
    environment: Environment, run: Run, tmp_path: Path
) -> None:
    """What the run started, the run ends."""
    alone = {"KVCHAOS_LAB_DIR": str(tmp_path / "lab")}

    outcome = run("router-restart", **alone)

    assert outcome.code == 0, outcome.said
    assert kvchaos(environment | alone, "lab", "status").returncode != 0
