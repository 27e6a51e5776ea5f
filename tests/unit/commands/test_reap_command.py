"""``kvchaos reap``: what it asks for, what it says, and its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main
from kvchaos.clock import SystemClock
from kvchaos.cluster.client import Cluster
from kvchaos.errors import ClusterUnreachable
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.ledger import Ledger
from tests.scripted import INJECTED, FakeClock, ScriptedCluster, partition, rules, unreachable

THERE = "networkchaos/cut-r1 in kvchaos"


class Connected(ScriptedCluster):
    """What ``Cluster.connect`` gives."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def version(self) -> str:
        self._call("version", _PLACE, "")
        return "v1.34.4"


_PLACE: Any = type("_Place", (), {"plural": "-"})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connected:
    """One partition of the run r1, made at Unix second 1000; it is second 1100 now."""
    body = {**partition(), "status": INJECTED}
    stamp = {"creationTimestamp": "1970-01-01T00:16:40Z", "uid": "u1"}
    made = Connected.of(
        {**body, "metadata": {**body["metadata"], **stamp}}, rules("a", "kvchaos/cut-r1")
    )
    clock = FakeClock()
    for name in ("now", "wall", "sleep"):
        monkeypatch.setattr(SystemClock, name, staticmethod(getattr(clock, name)))
    monkeypatch.setattr(Cluster, "connect", lambda context: made if context == "c" else None)
    monkeypatch.chdir(tmp_path)
    return made


def reap(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["reap", "--context", "c", *arguments])


def nothing(scope: list[str]) -> str:
    """The last line, which promises no more than what was asked for."""
    older = f" older than {scope[1]}" if scope[0] == "--older-than" else ""
    return f"nothing{older} is left"


@pytest.mark.parametrize("scope", [["--run", "r1"], ["--older-than", "1m30s"], ["--all"]])
def test_what_is_meant_is_ended(cluster: Connected, scope: list[str]) -> None:
    """Each fault on a line, and that nothing is left."""
    done = reap(*scope)

    assert (done.exit_code, done.output) == (
        0,
        f"{THERE} (run r1, partition): deleted\n{nothing(scope)}\n",
    )
    assert cluster.verbs("delete") == ["delete networkchaos cut-r1"]


UNHEARD = "note: no ledger and no object knows the run r2; looked in kvchaos-runs\n"
YOUNGER = f"note: {THERE} of run r1 is there, but younger: left alone\n"


@pytest.mark.parametrize(
    ("scope", "note"), [(["--run", "r2"], UNHEARD), (["--older-than", "2m"], YOUNGER)]
)
def test_what_is_not_meant_stays(cluster: Connected, scope: list[str], note: str) -> None:
    """And is not what is left; but nobody is to think that there is nothing."""
    done = reap(*scope)

    assert (done.exit_code, done.output) == (0, f"{note}{nothing(scope)}\n")
    assert cluster.verbs("delete", "patch") == []


def test_a_dry_run_lists_and_changes_nothing(cluster: Connected) -> None:
    """What is there is what would be left."""
    done = reap("--all", "--dry-run")

    assert done.exit_code == 5
    assert done.output == (
        f"{THERE} (run r1): there\n"
        f"there: {THERE}: not deleted: desiredPhase Run, AllInjected True\n"
        "there: podnetworkchaos/a in kvchaos: rules of kvchaos/cut-r1 in the pod\n"
        "2 left; nothing was changed\n"
    )
    assert cluster.verbs("delete", "patch", "create") == []


def test_ledgers_of_the_runs_folder_are_read(cluster: Connected, tmp_path: Path) -> None:
    """By default the one that runs write to."""
    fault = Fault.of(partition()).to_json() | {"name": "cut-r3", "run": "r3"}
    Ledger(tmp_path / "kvchaos-runs" / "r3" / "ledger.jsonl").record(
        {"event": "inject", "wall": "1970-01-01T00:16:40Z", "fault": fault}
    )

    done = reap("--run", "r3")

    assert done.output == (
        "networkchaos/cut-r3 in kvchaos (run r3, partition): already gone\nnothing is left\n"
    )
    assert reap("--run", "r3", "--runs", "elsewhere").output == (
        "note: no ledger and no object knows the run r3; looked in elsewhere\nnothing is left\n"
    )


def test_a_run_that_made_no_fault_is_known_by_its_folder(
    cluster: Connected, tmp_path: Path
) -> None:
    """A step in CI reaps every run, also one that was refused."""
    (tmp_path / "kvchaos-runs" / "r3").mkdir(parents=True)

    assert reap("--run", "r3").output == "nothing is left\n"


def test_runs_of_another_context_are_not_tried_here(cluster: Connected, tmp_path: Path) -> None:
    """Unless one is named."""
    fault = Fault.of(partition()).to_json() | {"name": "cut-r3", "run": "r3"}
    folder = tmp_path / "kvchaos-runs" / "r3"
    Ledger(folder / "ledger.jsonl").record({"event": "inject", "wall": "x", "fault": fault})
    (folder / "history.jsonl").write_text('{"event": "run_started", "context": "d"}\n')
    gone = "networkchaos/cut-r3 in kvchaos (run r3, partition): already gone\n"

    assert reap("--all").output == (
        f"{THERE} (run r1, partition): deleted\n"
        "note: runs of the ledgers in other contexts (d) are passed over: 1\nnothing is left\n"
    )
    assert reap("--run", "r3").output == (
        f"{gone}note: the run r3 was in the context d, not in c\nnothing is left\n"
    )


def test_the_namespace_of_the_environment_is_looked_at_without_rights_to_all(
    cluster: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the runner's pod, which has the rights of its namespace."""
    cluster.confined = True
    monkeypatch.delenv("KVCHAOS_NAMESPACE", raising=False)
    blind = reap("--older-than", "90s")
    monkeypatch.setenv("KVCHAOS_NAMESPACE", "kvchaos")

    done = reap("--older-than", "90s")

    assert blind.exit_code == 5
    assert (done.exit_code, done.output) == (
        0,
        (
            f"{THERE} (run r1, partition): deleted\n"
            "note: not all namespaces may be listed; looked in kvchaos\n"
            "nothing older than 90s is left\n"
        ),
    )


def test_a_ledger_that_is_not_readable_is_something_that_cannot_be_told(
    cluster: Connected, tmp_path: Path
) -> None:
    """Its faults may be there without their label."""
    (tmp_path / "kvchaos-runs" / "r3" / "ledger.jsonl").mkdir(parents=True)

    done = reap("--older-than", "1h")

    assert done.exit_code == 5
    assert "cannot tell: kvchaos-runs/r3/ledger.jsonl: not readable" in done.output
    assert done.output.endswith("0 left, 1 that cannot be told\n")


def test_what_is_left_is_said(cluster: Connected) -> None:
    """After what was tried."""
    cluster.held, cluster.controller = True, False

    done = reap("--all")

    assert done.exit_code == 5
    assert f"{THERE} (run r1, partition): left\n  networkchaos/cut-r1: not rec" in done.output
    assert f"LEFT: {THERE}: deletion held by chaos-mesh/records" in done.output


def test_notes_are_told(cluster: Connected) -> None:
    """What was seen and is not kvchaos' to end."""
    cluster.add(rules("b", "kvchaos/gone"))

    done = reap("--all", "--namespace", "kvchaos")

    assert done.exit_code == 0
    assert "note: rules of kvchaos/gone, gone and of no run of kvchaos: left alone" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "wanted exactly one of --run, --older-than and --all, saw none"),
        (["--all", "--run", "r1"], "saw --run, --all"),
        (["--run", "r1,kvchaos.io/run"], "wanted a run's id"),
        (["--older-than", "10"], "wanted a number with a unit"),
        (["--older-than", "-1h"], "wanted a time that is not negative"),
        (["--everything"], "No such option"),
    ],
)
def test_usage_is_told_before_anything_is_asked(
    cluster: Connected, arguments: list[str], said: str
) -> None:
    """Exit 4."""
    done = reap(*arguments)

    assert done.exit_code == 4
    assert said in done.output
    assert cluster.calls == []


def test_a_cluster_that_cannot_be_reached_is_told(cluster: Connected) -> None:
    """Exit 2: nothing was looked at."""
    cluster.fails = {"version": [ClusterUnreachable("no answer from c")]}

    done = reap("--all")

    assert (done.exit_code, done.output) == (2, "kvchaos: no answer from c\n")


def test_a_cluster_that_stops_answering_is_not_clean(cluster: Connected) -> None:
    """Exit 5: it cannot be told."""
    cluster.fails = {"list": unreachable(99)}

    done = reap("--all")

    assert done.exit_code == 5
    assert "cannot tell: no answer" in done.output


def test_the_context_is_the_experiments(
    cluster: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same variable names it."""
    monkeypatch.setenv("KUBERNETES_CONTEXT", "c")

    assert CliRunner().invoke(main, ["reap", "--run", "r2"]).exit_code == 0


def test_help_says_what_live_runs_have_to_fear(cluster: Connected) -> None:
    """Their faults look like any other."""
    said = " ".join(CliRunner().invoke(main, ["reap", "--help"]).output.split())

    assert "A fault of a run that is still going on looks like any other" in said
    assert "0 nothing is left, 5 something is left" in said
