"""A hold and stop conditions in the embedded lab: runs that are ended in mid-partition."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.clock import SystemClock, poll
from kvchaos.cluster.client import Cluster
from kvchaos.mesh.residue import residue
from kvchaos.verdict.history import read
from tests.chaosrun import BIN, chaos_run, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

Json = dict[str, Any]

WITHIN = 2.0  # seconds from a hold to the stop
HANGS = """
import os, threading
def answers():
    if os.path.exists("breach"):
        threading.Event().wait()
    return True
"""
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A lab of this module's own; a cut would stand far longer than a test does."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_FAULT_SECONDS": "50",
        "COLUMNS": "100",
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@dataclass
class Running:
    """A run under way in ``folder``, and what it leaves."""

    folder: Path
    process: subprocess.Popen[bytes]

    def history(self) -> list[Json]:
        return [event for path in self.folder.glob("*/*/history.jsonl") for event in read(path)]

    def event(self, name: str) -> Json:
        """The first event of that name; waited for while the run goes on."""
        seen, _ = poll(
            lambda: (self.process.poll(), [e for e in self.history() if e["event"] == name]),
            lambda pair: pair[0] is not None or bool(pair[1]),
            timeout=60,
            every=0.05,
            clock=SystemClock(),
        )
        assert seen[1], self.said()
        return seen[1][0]

    def end(self) -> int:
        """Its exit code."""
        return self.process.wait(60)

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def journal(self) -> Json:
        journal: Json = json.loads((self.folder / "journal.json").read_text())
        return journal


@contextmanager
def running(
    command: list[str | Path], folder: Path, environment: dict[str, str]
) -> Iterator[Running]:
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(folder, process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def chaos(experiment: Path, folder: Path) -> list[str | Path]:
    journal = folder / "journal.json"
    return [BIN / "chaos", "--no-version-check", "run", "--journal-path", journal, experiment]


def kvchaos_run(experiment: Path, folder: Path) -> list[str | Path]:
    return [BIN / "kvchaos", "run", "--journal-path", folder / "journal.json", experiment]


def cut_link() -> Path:
    return asset("experiments", "network-partition.json")


def with_condition(folder: Path, **condition: Any) -> Path:
    """The shipped experiment with one stop condition: that there is no file ``breach``."""
    provider = {
        "type": "python",
        "module": "os.path",
        "func": "exists",
        "arguments": {"path": str(folder / "breach")},
    }
    plain = {"name": "no breach", "every": 0.2, "tolerance": False, "provider": provider}
    experiment = json.loads(cut_link().read_text())
    experiment["extensions"] = [{"name": "kvchaos", "stop_conditions": [plain | condition]}]
    path = folder / "experiment.json"
    path.write_text(json.dumps(experiment))
    return path


def left_in(lab: dict[str, str], run: str) -> list[str]:
    """What is left of a run's faults in the cluster."""
    kubeconfig = Path(lab["KVCHAOS_LAB_DIR"]) / "kubeconfig"
    with Cluster.connect("kvchaos-lab", kubeconfig=kubeconfig) as cluster:
        return [each.label for each in residue(cluster, run=run)]


def seconds(earlier: str, later: str) -> float:
    """Between two times in RFC 3339 of the same machine."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


@contextmanager
def held(lab: dict[str, str], *, reason: str) -> Iterator[str]:
    """The namespace held, and since when."""
    done = kvchaos(lab, "hold", "--reason", reason)
    assert done.returncode == 0, done.stderr
    try:
        yield done.stdout.partition(" since ")[2].partition(": ")[0]
    finally:
        assert kvchaos(lab, "release").returncode == 0


def assert_aborted(run: Running, lab: dict[str, str], *, by: str, reason: str) -> None:
    """Ended early, its fault gone, and said so everywhere."""
    (stop,) = [event for event in run.history() if event["event"] == "stop"]
    assert stop["by"] == by
    assert reason in stop["reason"]
    recovered = run.event("fault_recovered")
    assert recovered["residue"] == []
    record = run.journal()["kvchaos"]
    assert (record["status"], record["verdict"]) == ("aborted", "unknown"), run.said()
    assert reason in run.said()
    assert left_in(lab, run.event("run_started")["run"]) == []


@pytest.mark.parametrize(("command", "code"), [(chaos, 1), (kvchaos_run, 3)])
def test_a_hold_ends_a_run_in_mid_partition(
    lab: dict[str, str], tmp_path: Path, command: Any, code: int
) -> None:
    """Within two seconds, by the times that the hold and the history themselves bear."""
    with running(command(cut_link(), tmp_path), tmp_path, lab) as run:
        run.event("fault_injected")
        with held(lab, reason="the pager rang") as since:
            stop = run.event("stop")
            ended = run.end()

    assert ended == code, run.said()
    assert_aborted(run, lab, by="hold", reason="the pager rang")
    assert 0 <= seconds(since, stop["wall"]) <= WITHIN


def test_a_run_is_refused_while_held_and_let_in_again_after_release(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """It names the hold and how to end it; nothing was injected."""
    with held(lab, reason="the pager rang"):
        before = kvchaos(lab, "preflight", str(cut_link()))
        outcome = chaos_run(cut_link(), tmp_path, lab)
    after = kvchaos(lab, "preflight", str(cut_link()))

    assert outcome.code != 0
    assert outcome.journal["kvchaos"]["verdict"] == "unknown"
    for said in (outcome.said, before.stdout + before.stderr):
        assert "held by " in said
        assert "the pager rang" in said
        assert "kvchaos release --context kvchaos-lab --namespace kvchaos" in said
    histories = [event for path in tmp_path.glob("*/*/history.jsonl") for event in read(path)]
    assert not [event for event in histories if event["event"] == "fault_injected"]
    assert (before.returncode, after.returncode) == (2, 0), after.stdout + after.stderr


def test_a_breached_stop_condition_ends_a_run_in_mid_partition(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """It is reported by its name, with value and tolerance."""
    with running(chaos(with_condition(tmp_path), tmp_path), tmp_path, lab) as run:
        run.event("fault_injected")
        (tmp_path / "breach").touch()
        ended = run.end()

    assert ended == 1
    reason = "'no breach' was breached: value true, tolerance false"
    assert_aborted(run, lab, by="stop condition", reason=reason)
    breach = run.event("stop_condition")
    assert (breach["name"], breach["met"], breach["value"]) == ("no breach", False, "true")
    names = [event["event"] for event in run.history()]
    assert names.index("stop_condition") < names.index("stop")


def test_a_stop_condition_that_hangs_ends_a_run_and_keeps_no_process(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """Its thread never comes back; fault and process end all the same."""
    (tmp_path / "own_probes.py").write_text(HANGS)
    provider = {"type": "python", "module": "own_probes", "func": "answers"}
    path = with_condition(tmp_path, provider=provider, deadline=1, tolerance=True)
    environment = lab | {"PYTHONPATH": str(tmp_path)}

    with running(chaos(path, tmp_path), tmp_path, environment) as run:
        run.event("fault_injected")
        (tmp_path / "breach").touch()
        ended = run.end()

    assert ended == 1
    reason = "'no breach' could not be told: no answer within 1 s, 3 times in a row"
    assert_aborted(run, lab, by="stop condition", reason=reason)


def test_a_run_does_not_begin_with_a_breached_stop_condition(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """Nothing was injected, and the reason is told."""
    (tmp_path / "breach").touch()

    outcome = chaos_run(with_condition(tmp_path), tmp_path, lab)

    assert outcome.code == 1
    assert "'no breach' was breached: value true, tolerance false" in outcome.said
    record = outcome.journal["kvchaos"]
    assert (record["status"], record["checks"]) == ("unknown", [])
    assert "no breach" in record["why"]


def test_conditions_that_are_met_do_not_disturb_a_run(lab: dict[str, str], tmp_path: Path) -> None:
    """The documented example: two conditions, watched to the end, and a pass."""
    short = lab | {"KVCHAOS_FAULT_SECONDS": "3"}

    outcome = chaos_run(DATA / "stop-conditions.json", tmp_path, short)

    assert (outcome.verdict, outcome.code) == ("pass", 0), outcome.said
    (path,) = tmp_path.glob("*/*/history.jsonl")
    events = read(path)
    accounts = [event for event in events if event["event"] == "stop_conditions"]
    assert [each["when"] for each in accounts] == ["before", "after"]
    for condition in accounts[-1]["conditions"]:
        assert condition["met"] is True
        assert (condition["unmet"], condition["unanswered"]) == (0, 0)
        assert condition["asked"] > 2
    (watched,) = [event for event in events if event["event"] == "hold_watch"]
    assert watched["looks"] > 4
