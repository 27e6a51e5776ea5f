"""Whole game days in the lab: interrupted, gone on with, held; their faults recovered each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODNETWORKCHAOS
from kvchaos.gameday.process import started_at
from tests.chaosrun import BIN, kvchaos
from tests.lab.small_lab import until
from tests.lab.stopped_runs import left

pytestmark = [pytest.mark.lab, pytest.mark.timeout(170)]

Json = dict[str, Any]
PLAN = """\
name: weekly
purpose: Does it go on after an interruption?
owner: us
approval: none
experiments: [network-partition, pod-kill]
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a lab that is up, for all of these game days."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


class GameDay:
    """A game day in a folder, played by as many processes as it takes."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.plan = folder / "plan.yaml"
        self.plan.write_text(PLAN)

    @property
    def day(self) -> Path:
        (only,) = (self.folder / "kvchaos-gamedays").iterdir()
        return only

    @property
    def state(self) -> Json:
        told: Json = json.loads((self.day / "gameday.json").read_text())
        return told

    def began(self, number: int) -> bool:
        """Whether so many runs were begun."""
        if not [*self.folder.glob("kvchaos-gamedays/*/gameday.json")]:
            return False
        return sum(len(step["attempts"]) for step in self.state["steps"]) == number

    def begin(self, *arguments: str, seconds: str) -> subprocess.Popen[bytes]:
        """Start it; each fault is held for so many seconds."""
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen(
                [BIN / "kvchaos", "gameday", *arguments],
                cwd=self.folder,
                env=self.environment | {"KVCHAOS_FAULT_SECONDS": seconds},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def end(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Its exit code, and what it said."""
        return process.wait(120), (self.folder / "said").read_text()

    def cut(self) -> None:
        """Wait until a link is cut."""
        kubeconfig = Path(self.environment["KVCHAOS_LAB_DIR"]) / "kubeconfig"
        with Cluster.connect("kvchaos-lab", kubeconfig=kubeconfig) as cluster:
            until(lambda: [*filter(_rules, cluster.list(PODNETWORKCHAOS))], timeout=60)


def _rules(body: Json) -> bool:
    return any(body.get("spec", {}).values())


@pytest.fixture
def gameday(tmp_path: Path, lab: dict[str, str]) -> GameDay:
    return GameDay(tmp_path, lab)


def test_a_day_that_is_stopped_recovers_its_fault_and_waits_for_a_release(
    gameday: GameDay, lab: dict[str, str]
) -> None:
    """SIGTERM in mid-fault; then the namespace is held, and nothing begins."""
    process = gameday.begin("plan.yaml", seconds="50")
    gameday.cut()
    process.send_signal(signal.SIGTERM)

    code, said = gameday.end(process)

    assert (code, left(lab)) == (3, []), said
    assert f"go on with: kvchaos gameday --resume kvchaos-gamedays/{gameday.day.name}" in said
    assert gameday.state["stopped"] == {
        "by": "signal",
        "why": "SIGTERM came while network-partition ran",
    }

    kvchaos(lab, "hold", "--reason", "a release")
    code, said = gameday.end(gameday.begin("--resume", str(gameday.day), seconds="2"))
    kvchaos(lab, "release")

    assert code == 3, said  # it is still what it was
    assert "ended early by hold: kvchaos in kvchaos-lab is held by" in said
    assert [len(step["attempts"]) for step in gameday.state["steps"]] == [1, 0]


def test_a_day_starts_the_lab_once_and_stops_it_when_it_is_interrupted(
    tmp_path: Path, lab: dict[str, str]
) -> None:
    """The second run is in the lab of the first; after a SIGTERM in it none is up."""
    environment = lab | {"KVCHAOS_LAB_DIR": str(tmp_path / "lab")}
    gameday = GameDay(tmp_path, environment)
    daemons: list[object] = []
    process = gameday.begin("plan.yaml", seconds="2")
    for number in (1, 2):
        until(partial(gameday.began, number), timeout=60)
        daemons.append(json.loads((tmp_path / "lab" / "state.json").read_text())["daemon"])
    process.send_signal(signal.SIGTERM)

    code, said = gameday.end(process)
    down = kvchaos(environment, "lab", "down").stdout

    assert (code, down) == (3, "the lab was not up\n"), said
    assert daemons[0] == daemons[1]
    assert gameday.state["stopped"]["by"] == "signal"
    assert gameday.state["steps"][0]["attempts"][0]["status"] == "pass"


def test_a_day_that_is_killed_with_its_run_is_cleared_and_gone_on_with(
    gameday: GameDay, lab: dict[str, str]
) -> None:
    """SIGKILL for both: the link stays cut until --resume ends the fault, and plays it again."""
    process = gameday.begin("plan.yaml", seconds="50")
    gameday.cut()
    run = gameday.state["steps"][0]["attempts"][0]["process"]
    process.kill()
    process.wait(20)
    refused = kvchaos(lab, "gameday", "--resume", str(gameday.day))
    os.kill(run, signal.SIGKILL)
    until(lambda: not started_at(run), timeout=20)

    code, said = gameday.end(gameday.begin("--resume", str(gameday.day), seconds="2"))

    assert (refused.returncode, f"by process {run}" in refused.stderr) == (4, True)
    assert (code, left(lab)) == (0, []), said
    first, second = gameday.state["steps"]
    assert [each["status"] for each in first["attempts"]] == ["aborted", "pass"]
    assert first["attempts"][0]["why"] == "it was broken off; nothing is left of it"
    assert [each["status"] for each in second["attempts"]] == ["pass"]
    report = json.loads((gameday.day / "report.json").read_text())
    assert [each["recovery"]["count"] for each in report["experiments"]] == [1, 1]
    assert (gameday.day / "report.html").exists()
    assert (gameday.day / "runs" / second["attempts"][0]["run"] / "report.html").exists()
