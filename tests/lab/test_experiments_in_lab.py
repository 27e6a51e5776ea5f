"""The shipped experiments in the embedded lab, as a user runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvchaos.verdict.events import many
from tests.chaosrun import EXPERIMENTS, chaos_run, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A lab of this module's own; faults are short, for the sake of the suite."""
    return os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_FAULT_SECONDS": "6",
        "COLUMNS": "100",
    }


@pytest.fixture(scope="module")
def lab(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The lab, up, with a router that recovers; for several runs."""
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@pytest.fixture
def forgetful_lab(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """A fresh lab whose router neither replays nor notices restarts."""
    own = environment | {"KVCHAOS_LAB_DIR": str(tmp_path / "lab"), "KVCHAOS_RECOVERY_BUDGET": "4"}
    up = kvchaos(own, "lab", "up", "--router-recovery", "none")
    assert up.returncode == 0, up.stderr
    yield own
    down = kvchaos(own, "lab", "down")
    assert down.returncode == 0, down.stderr


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_router_that_recovers_passes(lab: dict[str, str], tmp_path: Path, name: str) -> None:
    """The reference router gets over each of the shipped faults."""
    outcome = chaos_run(name, tmp_path, lab)

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said


@pytest.mark.parametrize("name", ["network-partition", "engine-restart", "router-restart"])
def test_a_router_that_never_replays_fails_and_is_told_where(
    forgetful_lab: dict[str, str], tmp_path: Path, name: str
) -> None:
    """The verdict is a fail; engine and number of wrong blocks are named."""
    outcome = chaos_run(name, tmp_path, forgetful_lab)

    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.said
    wrong = outcome.journal["kvchaos"]["left"]["engines"]
    assert wrong, outcome.said
    for engine, counts in wrong.items():
        assert counts["missing"] + counts["phantom"] > 0
        assert f"{engine}  {many(counts['missing'], 'block')} missing" in outcome.said


def test_a_run_starts_the_lab_it_names_and_stops_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """What the run started, the run ends."""
    alone = environment | {"KVCHAOS_LAB_DIR": str(tmp_path / "lab")}

    outcome = chaos_run("router-restart", tmp_path, alone)

    assert outcome.code == 0, outcome.said
    assert kvchaos(alone, "lab", "status").returncode != 0
