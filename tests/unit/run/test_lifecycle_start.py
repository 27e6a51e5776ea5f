"""How a run starts: connected and observed, or nothing is left running, and it says why."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.kinds import Kind
from kvchaos.ending.stopping import Stopping
from kvchaos.errors import (
    ClusterUnreachable,
    EngineUnreachable,
    KVChaosError,
    LabError,
    PreflightRefused,
)
from kvchaos.index.oracle import Expected
from kvchaos.run import current, lifecycle
from kvchaos.run.session import Run
from kvchaos.settings import Settings
from tests.run_world import KILL, A, FakeBridge, FakeObserver
from tests.scripted import FakeClock, ScriptedCluster

Json = dict[str, Any]
EXPERIMENT: Json = {"title": "t", "runtime": {"rollbacks": {"strategy": "always"}}, "method": []}


@dataclass
class ServedCluster(ScriptedCluster):
    """A cluster that answers ``version`` after it failed ``away`` times, and knows its kinds."""

    away: int = 0
    absent: frozenset[str] = frozenset()
    open: bool = True

    def version(self) -> str:
        if self.away:
            self.away -= 1
            raise ClusterUnreachable("no answer")
        return "v1.34.0"

    def has_kind(self, kind: Kind) -> bool:
        return kind.plural not in self.absent

    def can(self, verb: str, kind: Kind, **asked: Any) -> bool:
        return True

    def close(self) -> None:
        self.open = False


@dataclass
class Place:
    """Everything around a start: what it connects to and what it did to the lab."""

    runs: Path
    cluster: ServedCluster = field(default_factory=ServedCluster)
    observer: FakeObserver = field(
        default_factory=lambda: FakeObserver({A: 3}, [{A: Expected({}, complete=True)}])
    )
    bridges: list[FakeBridge] = field(default_factory=list)
    lab: list[str] = field(default_factory=list)
    contexts: list[tuple[str, Path | None]] = field(default_factory=list)
    emit: Callable[[str, Json], None] | None = None
    lab_fails: KVChaosError | None = None

    def connect(self, context: str) -> ServedCluster:
        return self.cluster

    def bridge(self, cluster: object) -> FakeBridge:
        self.bridges.append(FakeBridge())
        return self.bridges[-1]

    def observe(self, cluster: object, **settings: Any) -> FakeObserver:
        self.emit = settings["emit"]
        return self.observer

    def up(self, *options: str, owner: int) -> None:
        assert (options, owner) == (("--or-use",), os.getpid())
        self.lab.append("up")
        if self.lab_fails:
            raise self.lab_fails

    def down(self, *, owner: int) -> None:
        assert owner == os.getpid()
        self.lab.append("down")
        if self.lab_fails:
            raise LabError("it is not up")

    def start(self, context: str = "there", experiment: Json = EXPERIMENT) -> Run:
        configuration = {"kubernetes_context": context, "runs": str(self.runs)}
        return lifecycle.start(experiment, configuration, {}, clock=FakeClock())

    def is_quiet(self) -> bool:
        """Whether nothing of a run goes on."""
        threads = [each for each in threading.enumerate() if each.name == "kvchaos-sampler"]
        bridges = [each for each in self.bridges if each.open]
        return not (threads or bridges or self.observer.runs or self.cluster.open)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(tmp_path / "runs")
    monkeypatch.setenv("KVCHAOS_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.setattr(lifecycle, "Cluster", place)
    monkeypatch.setattr(lifecycle, "lab_up", place.up)
    monkeypatch.setattr(lifecycle, "lab_down", place.down)
    monkeypatch.setattr(
        lifecycle, "use_for_others", lambda name, config: place.contexts.append((name, config))
    )
    monkeypatch.setattr("kvchaos.run.session.Bridge", place.bridge)
    monkeypatch.setattr("kvchaos.run.session.Observer", place.observe)
    yield place
    current.end()


def test_a_started_run_observes_and_records(place: Place) -> None:
    """From its close on, nothing of it goes on."""
    run = place.start()
    assert place.emit is not None
    place.emit("stream", {"what": "connected"})
    beside = ("sample", "environment", "rates")  # by threads, whenever they come to it
    began, looked, *told = [each for each in run.events() if each["event"] not in beside]
    run.started.close()

    assert re.fullmatch(r"19700101-001820-[0-9a-f]{6}", run.id)
    assert (began["event"], began["run"], began["experiment"]) == ("run_started", run.id, "t")
    assert (began["context"], began["namespace"], began["seed"]) == ("there", "kvchaos", 7)
    assert (began["router"], began["adapter"]) == (Settings().router_selector, "reference")
    assert (looked["event"], looked["targets"], looked["findings"]) == ("preflight", [], [])
    assert [each["what"] for each in told] == ["connected"]
    assert (place.runs / run.id / "history.jsonl").exists()
    assert place.observer.ready_timeout == 30.0
    assert run.dial("a", 8000) == "a:8000"
    assert (place.lab, place.contexts) == ([], [("there", None)])
    assert place.is_quiet()


def test_the_lab_is_started_for_a_run_that_names_it_and_ended_with_it(
    place: Place, tmp_path: Path
) -> None:
    """Chaos Toolkit's own probes are pointed to it too."""
    place.cluster.away = 1

    run = place.start("kvchaos-lab")
    up = list(place.lab)
    run.started.close()

    assert (up, place.lab) == (["up"], ["up", "down"])
    assert place.contexts == [("kvchaos-lab", tmp_path / "lab" / "kubeconfig")]


def test_a_lab_that_was_up_stays_up(place: Place) -> None:
    """It is somebody's."""
    place.start("kvchaos-lab").started.close()

    assert place.lab == []


def test_a_lab_that_does_not_come_up_is_taken_down_again(place: Place) -> None:
    """It may have come half-way; why it did not come is what is told."""
    place.cluster.away = 1
    place.lab_fails = LabError("no room")

    with pytest.raises(LabError, match="no room"):
        place.start("kvchaos-lab")

    assert place.lab == ["up", "down"]
    assert not place.runs.exists()


def test_an_engine_that_cannot_be_followed_ends_the_start(place: Place) -> None:
    """Its reason is told; lab, observer and links are ended."""
    place.cluster.away = 1
    place.observer.unready = {"b/0": "no replay", "a/0": "no answer", "c/0": "no answer"}

    with pytest.raises(EngineUnreachable, match="saw a/0, c/0: no answer; b/0: no replay"):
        place.start("kvchaos-lab")

    assert place.lab == ["up", "down"]
    assert place.is_quiet()


def test_what_speaks_against_a_run_is_told_at_once_before_anything_is_touched(
    place: Place,
) -> None:
    """Chaos Mesh is not there, and nothing that could be hit; the history has it all."""
    place.cluster.absent = frozenset({"podchaos"})
    inject = {"template": "pod-kill", "values": KILL}
    provider = {"module": "kvchaos.actions", "func": "inject_fault", "arguments": inject}
    experiment = EXPERIMENT | {"method": [{"name": "kill", "provider": provider}]}

    with pytest.raises(PreflightRefused) as raised:
        place.start(experiment=experiment)

    said = [line.split(":")[0] for line in raised.value.findings]
    assert said == ["no_chaos_mesh_kind", "no_target"]
    assert place.cluster.verbs("create", "patch", "delete") == []
    assert not place.observer.runs
    assert place.is_quiet()
    history = next(place.runs.glob("*/history.jsonl")).read_text()
    assert all(f'"{name}"' in history for name in ("preflight", *said))


def test_a_cluster_of_ones_own_that_does_not_answer_is_left_alone(place: Place) -> None:
    """Only the lab is started."""
    place.cluster.away = 1

    with pytest.raises(ClusterUnreachable):
        place.start()

    assert place.lab == []


def test_why_a_run_did_not_start_is_kept_in_its_folder(place: Place) -> None:
    """For whoever finds the folder, and was not there; also when it was not the preflight."""
    place.observer.unready = {"pod-a/0": "its blocks have 16 tokens"}

    with pytest.raises(EngineUnreachable):
        place.start()

    (folder,) = place.runs.iterdir()
    record = json.loads((folder / "record.json").read_text())
    why = "The run did not start: the engines' events cannot be followed"
    assert (record["status"], record["exit_code"]) == ("unknown", 2)
    assert record["headline"].startswith(why)
    assert "its blocks have 16 tokens" in record["headline"]
    assert "its blocks have 16 tokens" in (folder / "report.html").read_text()
    assert [each["event"] for each in current.refused_history()][-1] == "run_ended"
    assert place.is_quiet()


def test_a_start_that_is_stopped_is_kept_as_aborted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With who stopped it, however late that is recorded."""
    stopping = Stopping(clock=FakeClock())

    def stopped(timeout: float) -> None:
        stopping.request("signal", "SIGINT")
        raise SystemExit(20)

    monkeypatch.setattr(place.observer, "wait_ready", stopped)
    configuration = {"kubernetes_context": "there", "runs": str(place.runs)}

    with pytest.raises(SystemExit):
        lifecycle.start(EXPERIMENT, configuration, {}, clock=FakeClock(), stopping=stopping)

    (folder,) = place.runs.iterdir()
    record = json.loads((folder / "record.json").read_text())
    assert (record["status"], record["exit_code"]) == ("aborted", 3)
    assert record["headline"].startswith("Stopped by a signal")
    assert place.is_quiet()


def test_a_folder_that_is_full_does_not_hide_why_a_run_did_not_start(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be kept is passed over."""
    place.observer.unready = {"pod-a/0": "not seen"}

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("kvchaos.run.folder.write_json", full)
    monkeypatch.setattr("kvchaos.run.folder.keep_report", full)

    with pytest.raises(EngineUnreachable, match="not seen"):
        place.start()
