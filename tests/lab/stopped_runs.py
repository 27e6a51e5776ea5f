"""Small experiments that can be stopped anywhere, and what a stopped run has left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvchaos.assets import asset
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NETWORKCHAOS, PODNETWORKCHAOS
from tests.chaosrun import BIN
from tests.lab.small_lab import until

Json = dict[str, Any]

PLACES = '''
"""What the experiments of these tests call; ``reached`` tells the test that it is there."""

import threading
from pathlib import Path

from kvchaos.run import current


def reached():
    Path("reached").touch()


def wait():
    reached()
    threading.Event().wait(30)
    return True


def wait_a_little():
    reached()
    threading.Event().wait(1.5)


def wait_after():
    return wait() if current.current().phase == "after" else True


def hang():
    """No exception ends it."""
    reached()
    while True:
        try:
            threading.Event().wait(60)
        except BaseException:
            pass


def hang_in_method():
    return hang() if current.current().phase == "method" else True


def nothing_after():
    return 1 if current.current().phase == "before" else None
'''


def called(name: str, *, kind: str = "action", **more: Any) -> Json:
    """An activity that calls a function of ``PLACES``."""
    provider = {"type": "python", "module": "places", "func": name}
    return {"type": kind, "name": name, "provider": provider, **more}


def probe(name: str, *, tolerance: Any) -> Json:
    return called(name, kind="probe", tolerance=tolerance)


PROCESS: Json = {
    "type": "action",
    "name": "a process",
    "provider": {
        "type": "process",
        "path": "sh",
        "arguments": ["-c", "touch reached; exec sleep 30"],
        "timeout": 60,
    },
}


@dataclass(frozen=True, slots=True)
class Played:
    """One experiment, its folder, and the process that plays it."""

    folder: Path
    process: subprocess.Popen[bytes]

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def wait_for(self, text: str) -> None:
        """Until its output has the text."""
        until(lambda: text in self.said() or self._ended())
        assert text in self.said(), self.said()

    def reach(self) -> None:
        """Until the experiment is where it waits."""
        until(lambda: (self.folder / "reached").exists() or self._ended())
        assert (self.folder / "reached").exists(), self.said()

    def stop(self, *signals: signal.Signals) -> int:
        """Send these one after the other; the exit code."""
        for each in signals:
            self.process.send_signal(each)
        return self.end()

    def end(self) -> int:
        return self.process.wait(timeout=50)

    def record(self) -> Json:
        """What is in the run's folder."""
        (path,) = (self.folder / "kvchaos-runs").glob("*/record.json")
        found: Json = json.loads(path.read_text())
        return found

    def events(self, name: str) -> list[Json]:
        (path,) = (self.folder / "kvchaos-runs").glob("*/history.jsonl")
        events = [json.loads(line) for line in path.read_text().splitlines()]
        return [event for event in events if event["event"] == name]

    def journal(self) -> Json:
        found: Json = json.loads((self.folder / "journal.json").read_text())
        return found

    def _ended(self) -> bool:
        return self.process.poll() is not None


def play(
    folder: Path,
    environment: Mapping[str, str],
    *words: str,
    method: tuple[Json, ...] = (),
    hypothesis: tuple[Json, ...] = (),
    rollbacks: tuple[Json, ...] = (),
    deadline: float = 20,
    runtime: Json | None = None,
    verb: tuple[str, ...] = ("chaos", "--no-version-check", "run"),
    terminal: int | None = None,
) -> Played:
    """Start an experiment that cuts an engine off for a minute, then does ``method``.

    What it says is in the file ``said``, or on the ``terminal``.
    """
    shipped = json.loads(asset("experiments", "network-partition.json").read_text())
    cut = next(a for a in shipped["method"] if a["provider"]["func"] == "inject_fault")
    experiment = shipped | {
        "title": "stopped",
        "configuration": shipped["configuration"] | {"probe_deadline": deadline},
        "steady-state-hypothesis": {"title": "t", "probes": list(hypothesis)},
        "runtime": shipped["runtime"] | (runtime or {}),
        "method": [cut, *method],
        "rollbacks": [*rollbacks, *shipped["rollbacks"]],
    }
    (folder / "places.py").write_text(PLACES)
    (folder / "experiment.json").write_text(json.dumps(experiment))
    path = os.pathsep.join([str(folder), environment.get("PYTHONPATH", "")])
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [BIN / verb[0], *verb[1:], *words, "experiment.json"],
            cwd=folder,
            env={**environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=said if terminal is None else terminal,
            stderr=subprocess.STDOUT,
        )
    return Played(folder, process)


def left(environment: Mapping[str, str]) -> list[str]:
    """The faults in the lab, and the pods with rules of one."""
    kubeconfig = Path(environment["KVCHAOS_LAB_DIR"]) / "kubeconfig"
    with Cluster.connect("kvchaos-lab", kubeconfig=kubeconfig) as cluster:
        faults = cluster.list(NETWORKCHAOS, namespace="kvchaos")
        rules = [
            each for each in cluster.list(PODNETWORKCHAOS, namespace="kvchaos") if each["spec"]
        ]
        return [each["metadata"]["name"] for each in (*faults, *rules)]
