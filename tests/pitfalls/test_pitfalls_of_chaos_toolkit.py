"""The pitfalls of Chaos Toolkit, each by its number: the real one, in the lab, as a user runs it.

Each of these experiments has a link cut when Chaos Toolkit would go on, give up or return 0.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NETWORKCHAOS, PODNETWORKCHAOS
from kvchaos.mesh.records import sources
from tests.chaosrun import BIN, kvchaos

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

Json = dict[str, Any]
TOP = Path(__file__).parents[2]
LINK = {
    "namespace": "kvchaos",
    "source": "model.aibrix.ai/kv-events-enabled=true",
    "target": "app.kubernetes.io/name=kvchaos-router",
    "mode": "one",
    "direction": "both",
    "duration": "120s",
}
NUMBER = {"type": "range", "range": [0, 10]}


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up, and the environment of whoever works in it."""

    environment: dict[str, str]

    def left(self) -> list[str]:
        """Fault objects, and pods with rules of a fault."""
        kubeconfig = Path(self.environment["KVCHAOS_LAB_DIR"]) / "kubeconfig"
        cluster = Cluster.connect("kvchaos-lab", kubeconfig=kubeconfig)
        ruled = [each for each in cluster.list(PODNETWORKCHAOS) if sources(each)]
        found = [each["metadata"]["name"] for each in [*cluster.list(NETWORKCHAOS), *ruled]]
        cluster.close()
        return found


@dataclass(frozen=True, slots=True)
class Played:
    """What a run left: its exit code, the journal if there is one, its own record, its folder."""

    code: int
    said: str
    journal: Json
    folder: Path

    @property
    def record(self) -> Json:
        """Also there when Chaos Toolkit wrote no journal."""
        found = list(self.folder.glob("**/record.json"))
        assert len(found) == 1, self.said
        record: Json = json.loads(found[0].read_text())
        return record

    @property
    def ran(self) -> list[tuple[str, str]]:
        """Name and status of the method's activities."""
        return [(each["activity"]["name"], each["status"]) for each in self.journal["run"]]

    def healed_by(self) -> list[str]:
        """What ended each of the faults."""
        (history,) = self.folder.glob("**/history.jsonl")
        told = map(json.loads, history.read_text().splitlines())
        return [each["by"] for each in told if each["event"] == "fault_recovered"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "PYTHONPATH": str(TOP),
        "COLUMNS": "100",
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield Lab(environment)
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


def act(func: str, /, *, module: str = "tests.pitfalls.acts", **arguments: Any) -> Json:
    """An action, by default one of ``acts``."""
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


def ask(func: str, /, *, tolerance: Any = None, **arguments: Any) -> Json:
    """A probe of ``acts``."""
    judged = {"tolerance": tolerance} if tolerance is not None else {}
    return {**act(func, **arguments), "type": "probe", **judged}


def own(func: str, /, **arguments: Any) -> Json:
    """An action of kvchaos."""
    return act(func, module="kvchaos.actions", **arguments)


def cut(source: str = "model.aibrix.ai/kv-events-enabled=true") -> Json:
    """One engine is cut off for two minutes, which no test waits for."""
    return own("inject_fault", template="network-partition", values={**LINK, "source": source})


def delay() -> Json:
    """As in a kernel without sch_netem, it never lands in the lab."""
    values = {**LINK, "latency": "100ms", "jitter": "0ms", "correlation": "0"}
    return own("inject_fault", template="network-delay", values=values, timeout=0.5)


def experiment(
    *method: Json, hypothesis: Json | None = None, strategy: str = "always", **settings: Any
) -> Json:
    """The control, the ``hypothesis`` if there is one, the ``method``, and the usual rollback."""
    checked = {"title": "it is well", "probes": [hypothesis] if hypothesis else []}
    return {
        "version": "1.0.0",
        "title": "a pitfall",
        "description": "one",
        "configuration": {"kubernetes_context": "kvchaos-lab", **settings},
        "controls": [
            {"name": "kvchaos", "provider": {"type": "python", "module": "kvchaos.control"}}
        ],
        "runtime": {"rollbacks": {"strategy": strategy}},
        "steady-state-hypothesis": checked,
        "method": list(method),
        "rollbacks": [own("recover_fault", timeout=30)],
    }


def play(lab: Lab, folder: Path, what: Json, *flags: str) -> Played:
    """``chaos run`` with these flags."""
    (folder / "experiment.json").write_text(json.dumps(what))
    command = [str(BIN / "chaos"), "--no-version-check", "run", "--journal-path", "journal.json"]
    done = subprocess.run(
        [*command, *flags, "experiment.json"],
        cwd=folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    journal = folder / "journal.json"
    written = json.loads(journal.read_text()) if journal.exists() else {}
    return Played(done.returncode, done.stdout, written, folder)


WELL = ask("is_well", tolerance=True)
CONTINUOUSLY = ("--hypothesis-strategy", "continuously", "--hypothesis-frequency", "0.05")


def test_pitfall_01_what_a_killed_run_leaves_is_reaped_from_outside(
    lab: Lab, tmp_path: Path
) -> None:
    """No rollback is played, by whomever; the ledger and the labels tell another process all."""
    played = play(lab, tmp_path, experiment(cut(), ask("terminate", name="SIGKILL")))
    left = lab.left()

    words = ("reap", "--all", "--context", "kvchaos-lab", "--runs", str(tmp_path / "runs"))
    reaped = kvchaos(lab.environment, *words)

    assert (played.code, len(left)) == (-9, 3), played.said  # the fault, and its two ends
    assert (reaped.returncode, lab.left()) == (0, []), reaped.stdout


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_pitfall_02_a_signal_inside_a_probe_ends_the_run(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    """Chaos Toolkit makes SIGTERM a failed probe, goes on and returns 0; SIGHUP kills it."""
    struck = ask("terminate", name=name)

    played = play(lab, tmp_path, experiment(cut(), struck, act("go_on")))

    assert played.code != 0, played.said
    assert (played.record["status"], lab.left()) == ("aborted", []), played.said
    assert not (tmp_path / "went-on").exists()


def test_pitfall_03_a_gate_that_does_not_hold_is_no_success(lab: Lab, tmp_path: Path) -> None:
    """The method is skipped, and Chaos Toolkit returns 0."""
    (tmp_path / "deviates").touch()

    played = play(lab, tmp_path, experiment(cut(), hypothesis=WELL))

    assert (played.code, played.record["status"]) == (1, "fail"), played.said
    assert (played.ran, lab.left()) == ([], [])


def test_pitfall_03_an_injection_that_failed_is_no_success(lab: Lab, tmp_path: Path) -> None:
    """Chaos Toolkit goes on with the method, and returns 0."""
    played = play(lab, tmp_path, experiment(delay(), act("go_on"), hypothesis=WELL))

    assert (played.code, played.record["status"]) == (1, "fail"), played.said
    assert played.ran == [("inject_fault", "failed")]
    assert not (tmp_path / "went-on").exists()
    assert lab.left() == []


def test_pitfall_03_a_deviation_that_healed_before_the_last_look_is_a_fail(
    lab: Lab, tmp_path: Path
) -> None:
    """Only the look after the method makes Chaos Toolkit say that it deviated."""
    what = experiment(cut(), act("deviate"), own("recover_fault"), hypothesis=WELL)

    played = play(lab, tmp_path, what, *CONTINUOUSLY)

    looks = played.journal["steady_states"]
    assert looks["after"]["steady_state_met"] is True, played.said
    assert False in [each["steady_state_met"] for each in looks["during"]]
    assert (played.code, played.record["status"]) == (1, "fail"), played.said
    assert played.journal["deviated"] is True


def test_pitfall_04_fail_fast_does_not_leave_the_partition_up(lab: Lab, tmp_path: Path) -> None:
    """With the usual strategies neither ``default`` nor ``deviated`` plays a rollback then."""
    ill = act("deviate", looks=1, heals=False)
    what = experiment(cut(), ill, act("go_on"), hypothesis=WELL)

    played = play(lab, tmp_path, what, *CONTINUOUSLY, "--fail-fast")

    assert [name for name, _ in played.ran] == ["inject_fault", "deviate"], played.said
    assert (played.code, played.record["status"]) == (1, "fail"), played.said
    assert (played.healed_by(), lab.left()) == (["deletion"], [])


@pytest.mark.parametrize("strategy", ["default", "deviated", "never"])
def test_pitfall_04_an_experiment_that_may_skip_its_rollbacks_is_not_begun(
    lab: Lab, tmp_path: Path, strategy: str
) -> None:
    """It is told so before anything is touched."""
    played = play(lab, tmp_path, experiment(cut(), strategy=strategy))

    assert (played.code, played.journal["run"]) == (1, []), played.said
    assert 'strategy is not "always"' in played.journal["kvchaos"]["why"]


def test_pitfall_05_an_error_in_tolerance_code_leaves_no_fault(lab: Lab, tmp_path: Path) -> None:
    """It rises through all of Chaos Toolkit: no rollback, no journal."""
    nothing = ask("number", tolerance=NUMBER)

    played = play(lab, tmp_path, experiment(cut(), hypothesis=nothing))

    assert "TypeError" in played.said
    assert (played.code != 0, played.journal) == (True, {}), played.said
    assert (played.record["status"], lab.left()) == ("aborted", []), played.said


def test_pitfall_06_a_probe_that_hangs_does_not_delay_the_recovery(
    lab: Lab, tmp_path: Path
) -> None:
    """Chaos Toolkit waits for it before any rollback, for ever if need be."""
    what = experiment(cut(), ask("hang"), act("go_on"), probe_deadline=1)

    played = play(lab, tmp_path, what)

    assert played.code != 0, played.said
    assert (played.record["status"], lab.left()) == ("aborted", []), played.said
    assert not (tmp_path / "went-on").exists()


def test_pitfall_06_a_continuous_probe_that_hangs_does_not_delay_the_recovery(
    lab: Lab, tmp_path: Path
) -> None:
    """It is asked on a thread, which Chaos Toolkit joins before the rollbacks."""
    hangs = ask("hang_once_it_deviates", tolerance=True)
    ill = act("deviate", looks=1, heals=False)

    what = experiment(cut(), ill, hypothesis=hangs, probe_deadline=1)
    played = play(lab, tmp_path, what, *CONTINUOUSLY)

    assert (played.code, played.journal) == (3, {}), played.said  # it is left where it hangs
    assert (played.record["status"], lab.left()) == ("aborted", []), played.said


def test_pitfall_17_rollbacks_after_a_failed_gate_have_nothing_to_undo(
    lab: Lab, tmp_path: Path
) -> None:
    """They are played all the same."""
    (tmp_path / "deviates").touch()

    played = play(lab, tmp_path, experiment(cut(), hypothesis=WELL))

    (rollback,) = played.journal["rollbacks"]
    assert (rollback["status"], rollback["output"]) == ("succeeded", {"recovered": []}), played.said
    assert (played.code, played.healed_by()) == (1, [])


def test_pitfall_20_a_dynamic_configuration_that_fails_ends_the_run(
    lab: Lab, tmp_path: Path
) -> None:
    """Chaos Toolkit drops the key and hands ``${place}`` on as a label selector."""
    place = {"type": "probe", "provider": act("fail")["provider"]}

    played = play(lab, tmp_path, experiment(cut(source="app=${place}"), place=place))

    assert (played.code, played.journal["run"]) == (1, []), played.said
    assert "${place} is not in the configuration" in played.journal["kvchaos"]["why"]
    assert lab.left() == []
