"""Two experiments in one call of ``kvchaos run``, in a lab of its own: lines, table, folders."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chaosrun import BIN, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

FILES = {
    "experiment.json",
    "history.jsonl",
    "journal.json",
    "ledger.jsonl",
    "logs",
    "objects",
    "record.json",
    "report.html",
}


class Called:
    """What one call printed and left."""

    def __init__(self, done: subprocess.CompletedProcess[str], place: Path, left: str) -> None:
        self.left = left
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.place = place
        self.folders = sorted((place / "kvchaos-runs").iterdir())

    def events(self, number: int, name: str) -> list[dict[str, Any]]:
        lines = (self.folders[number] / "history.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == name]


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    place = tmp_path_factory.mktemp("many")
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(place / "lab"),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "KVCHAOS_FAULT_SECONDS": "3",
        "COLUMNS": "100",
        "FORCE_COLOR": "1",
    }
    work = place / "work"
    work.mkdir()
    done = subprocess.run(
        [BIN / "kvchaos", "run", "network-partition", "pod-kill"],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    left = kvchaos(environment, "lab", "down").stdout
    return Called(done, work, left)


def test_both_are_played_and_told_in_a_table(called: Called) -> None:
    """A line each, at the very end, with its folder."""
    table = called.out.split("EXPERIMENTS", 1)[1]

    assert called.code == 0, called.err
    assert [line.split()[-2:] for line in table.splitlines() if "kvchaos-runs" in line] == [
        [name, f"kvchaos-runs/{folder.name}"]
        for name, folder in zip(("network-partition", "pod-kill"), called.folders, strict=True)
    ]


def test_the_lab_is_started_and_stopped_for_both_together(called: Called) -> None:
    """Neither run did it: they found it up, with the same nodes and the router of the first."""
    first, second = (called.events(number, "environment")[0]["routers"] for number in (0, 1))

    assert first == second
    assert called.left == "the lab was not up\n"


def test_without_a_terminal_the_view_is_plain_lines(called: Called) -> None:
    """No sequence that moves a cursor, whatever is said of colours; the log is not beside it."""
    assert "\x1b[?25l" not in called.err
    assert "[1/2] network-partition: starting" in called.err
    assert called.err.count("FAULT ON: ") == 2
    assert "FAULT ON: pod-kill on kvchaos-engine" in called.err
    assert "the index agrees again, " in called.err
    assert "[INFO] Action:" not in called.err


def test_each_run_has_all_in_its_folder(called: Called) -> None:
    """And nothing is left beside the folders."""
    for folder in called.folders:
        assert {path.name for path in folder.iterdir()} == FILES
        journal = json.loads((folder / "journal.json").read_text())
        assert journal["kvchaos"]["folder"] == f"kvchaos-runs/{folder.name}"
        assert [path.name for path in (folder / "objects").iterdir()] == [
            f"{json.loads((folder / 'record.json').read_text())['faults'][0]['name']}.yaml"
        ]
    assert [path.name for path in called.place.iterdir()] == ["kvchaos-runs"]


def test_the_logs_are_those_of_engines_and_router(called: Called) -> None:
    """With what they wrote; of the pod that was killed that it is gone."""
    texts = [path.read_text() for path in (called.folders[1] / "logs").iterdir()]

    assert len(texts) == 5
    assert sum(" is gone, and its log with it " in text for text in texts) == 1
    assert sum(text.startswith("==> ") and len(text) > 60 for text in texts) == 5


def test_the_history_has_what_reports_draw(called: Called) -> None:
    """Where it ran, and each second what came of engines and requests."""
    (environment,) = called.events(0, "environment")
    seconds, (whole,) = called.events(0, "traffic_second"), called.events(0, "traffic")
    rates = called.events(0, "rates")

    assert (environment["nodes"], len(environment["engines"]), len(environment["routers"])) == (
        1,
        3,
        1,
    )
    for key in ("sent", "ok", "failed", "hit_tokens", "prompt_tokens"):
        assert sum(each[key] for each in seconds) == whole[key]
    last = rates[-1]["engines"].values()
    assert sum(each["batches"] for each in last) == called.events(0, "observer")[0]["batches"]
    assert len(rates) >= 3
