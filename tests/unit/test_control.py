"""What the control makes of runs that cannot start, and of journals that lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaoslib.experiment import run_experiment

from kvchaos import actions, probes
from kvchaos.assets import asset
from kvchaos.control import after_experiment_control
from kvchaos.errors import ClusterError, RunMissing
from kvchaos.experiment import activities, load
from kvchaos.run import current
from tests.chaosrun import EXPERIMENTS

Json = dict[str, Any]
SKIPPED = current.NOTHING_TO_UNDO


@pytest.fixture(autouse=True)
def _no_run() -> Iterator[None]:
    current.end()
    yield
    current.end()


def experiment(name: str = "network-partition") -> Json:
    return load(asset("experiments", f"{name}.json"))


def test_a_run_that_cannot_start_is_unknown_and_has_nothing_to_undo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The journal says why; the rollbacks do not cover the reason with errors of their own."""
    found = experiment()
    found["configuration"]["namespace"] = "${nowhere}"
    monkeypatch.setenv("KUBERNETES_CONTEXT", "nobody-has-this")

    journal = run_experiment(found, settings={"runtime": found["runtime"]})

    assert journal["status"] == "interrupted"
    assert journal["kvchaos"]["verdict"] == "unknown"
    assert "${nowhere} is not in the configuration" in journal["kvchaos"]["why"]
    assert journal["run"] == []
    assert [rollback["output"] for rollback in journal["rollbacks"]] == [SKIPPED] * 3


def test_a_context_that_nobody_has_ends_the_run_before_anything_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cluster is named, never guessed."""
    (tmp_path / "config").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    found = experiment()
    monkeypatch.setenv("KUBERNETES_CONTEXT", "nobody-has-this")

    journal = run_experiment(found)

    assert "no context nobody-has-this" in journal["kvchaos"]["why"]
    assert journal["status"] == "interrupted"


def test_without_the_control_every_action_and_probe_says_what_is_missing() -> None:
    """An experiment that does not declare it cannot pass by accident."""
    with pytest.raises(RunMissing, match=r"kvchaos\.control"):
        actions.warm_engines()
    with pytest.raises(RunMissing):
        probes.index_difference()
    with pytest.raises(RunMissing):
        actions.recover_fault()


def test_a_journal_that_says_completed_without_a_run_is_made_to_fail() -> None:
    """Chaos Toolkit's completed is not a pass."""
    journal: Json = {"status": "completed", "deviated": False}

    after_experiment_control({}, journal)

    assert journal["status"] == "failed"
    assert journal["kvchaos"]["verdict"] == "unknown"


def test_rollbacks_are_quiet_only_when_the_start_itself_failed() -> None:
    """The reason of the failed start is what is to be read."""
    current.end(because=ClusterError("no such cluster"))

    assert actions.stop_traffic() == SKIPPED
    assert actions.recover_fault() == SKIPPED
    assert probes.no_residue() == SKIPPED
    assert current.not_started()["why"] == "no such cluster"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_shipped_experiment_goes_through_the_same_steps(name: str) -> None:
    """Warm, fault, effect, heal, flush, recovery; and the rollbacks undo what there may be."""
    found = experiment(name)
    method = [each["provider"]["func"] for each in found["method"]]

    assert [step for step in method if not step.endswith("_traffic")] == [
        "warm_engines",
        "inject_fault",
        *(["warm_engines"] if name == "network-partition" else []),
        "fault_in_effect",
        "recover_fault",
        "flush_engines",
        "index_recovered",
    ]
    assert [each["provider"]["func"] for each in found["rollbacks"]] == [
        "stop_traffic",
        "recover_fault",
        "no_residue",
    ]
    assert {each["provider"]["module"].split(".")[0] for each in activities(found)} == {
        "chaosk8s",
        "kvchaos",
    }
