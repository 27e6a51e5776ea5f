"""What a run of a game day is given: its environment, its options; what is left to it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kvchaos.clock import SystemClock
from kvchaos.gameday.plan import Plan, Play, Webhook
from kvchaos.gameday.player import Ready, RunPlayer, arguments, environment_of
from kvchaos.gameday.process import Ended, Signals
from kvchaos.run.ownlab import OwnLab
from kvchaos.settings import Settings

PLAY = Play(
    "a",
    Path("/plans/a.json"),
    environment={"B": "play", "C": "play"},
    var={"recovery_budget": 30, "rate": 1.5, "deep": True, "name": "x=y"},
    var_files=(Path("/plans/v.yaml"),),
)
PLAN = Plan("weekly", "to know", "us", (PLAY,), environment={"A": "plan", "B": "plan"})


def test_the_nearer_word_wins() -> None:
    """Outer environment, plan, experiment; what was said on the command line last."""
    outer = {"A": "outer", "D": "outer", "KUBERNETES_CONTEXT": "outer"}
    plan = replace(PLAN, context="staging", namespace="inference")

    assert environment_of(plan, PLAY, outer) == {
        "A": "plan",
        "B": "play",
        "C": "play",
        "D": "outer",
        "KUBERNETES_CONTEXT": "staging",
        "KVCHAOS_NAMESPACE": "inference",
    }
    assert environment_of(plan, None, outer, context="mine")["KUBERNETES_CONTEXT"] == "mine"


def test_no_run_gets_the_address_of_a_webhook() -> None:
    """Nor its token."""
    plan = replace(PLAN, notify=(Webhook("HOOK", "TOKEN"), Webhook("OTHER")))
    outer = {"HOOK": "https://h/secret", "TOKEN": "t", "OTHER": "https://o", "D": "1"}

    assert environment_of(plan, None, outer) == {"A": "plan", "B": "plan", "D": "1"}


def test_values_are_options_as_chaos_toolkit_reads_them() -> None:
    """With their types; true is a text, for it has none."""
    assert arguments(PLAY) == [
        *("--var-file", "/plans/v.yaml", "--var", "recovery_budget:int=30"),
        *("--var", "rate:float=1.5", "--var", "deep=true", "--var", "name=x=y"),
    ]


def player(environment: Mapping[str, str], program: str, lab: OwnLab | None = None) -> RunPlayer:
    ready = Ready(PLAY, Settings(), 1)
    return RunPlayer(
        [ready],
        {"a": environment},
        signals=Signals(),
        clock=SystemClock(),
        lab=lab,
        program=(sys.executable, "-c", program, environment["SEEN"]),
    )


def test_a_run_is_kvchaos_run_with_its_folder_in_the_days(tmp_path: Path) -> None:
    """And its journal, so that nothing is written where one is."""
    seen = tmp_path / "seen"
    program = "import os,sys; open(sys.argv[1],'w').write(' '.join(sys.argv[2:7])+os.environ['E'])"

    ended = player({"SEEN": str(seen), "E": "!"}, program).play(
        "a", tmp_path / "runs", began=lambda process: None, look=str
    )

    assert (ended, seen.read_text()) == (
        Ended(0),
        f"run /plans/a.json --runs {tmp_path}/runs --journal-path!",
    )


DEAD = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: u, user: {}}]
contexts: [{name: kvchaos-lab, context: {cluster: c, user: u}}]
"""
"""What a lab that was killed leaves: an address where nobody is."""


class Lab(OwnLab):
    """Notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.needed: list[Settings] = []

    def need(self, settings: Settings) -> None:
        self.needed.append(settings)


@pytest.mark.parametrize(("folder", "times"), [("ours", 1), ("the plan's", 0)])
def test_the_lab_is_prepared_in_the_folder_that_is_ours(
    monkeypatch: pytest.MonkeyPatch, folder: str, times: int
) -> None:
    """Where a plan names another, its runs see to it."""
    monkeypatch.setenv("KVCHAOS_LAB_DIR", "ours")
    lab = Lab()
    environment = {"SEEN": "unused", "KVCHAOS_LAB_DIR": folder}

    player(environment, "", lab).prepare("a")

    assert lab.needed == [Settings()] * times


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_a_lab_that_is_down_has_no_hold_and_nothing_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, killed: bool
) -> None:
    """Its pods and their rules went with it; a run starts it, also where one was killed."""
    monkeypatch.setenv("KVCHAOS_LAB_DIR", str(tmp_path / "lab"))
    if killed:
        (tmp_path / "lab").mkdir()
        (tmp_path / "lab" / "kubeconfig").write_text(DEAD)
    down = player({"SEEN": "unused"}, "")

    assert (down.held("a"), down.reap("a", "r1", tmp_path)) == ("", True)
