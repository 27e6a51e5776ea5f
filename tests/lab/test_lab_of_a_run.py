"""The lab that a run starts for itself: gone with it, however that ends; anybody else's stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.state import Phase, read_state
from tests.chaosrun import kvchaos
from tests.lab.small_lab import mentioning, until
from tests.lab.stopped_runs import called, left, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

VERBS = {"kvchaos": ("kvchaos", "run"), "chaos": ("chaos", "--no-version-check", "run")}
SOON = 15.0
"""Seconds in which nothing of a lab is left, however busy the machine is."""


@dataclass(frozen=True, slots=True)
class OwnLab:
    """The place of a lab that a run starts for itself; ``namespaces`` are those of its pods."""

    root: Path

    @property
    def directory(self) -> LabDirectory:
        return LabDirectory(self.root)

    @property
    def environment(self) -> dict[str, str]:
        named = {"KVCHAOS_LAB_DIR": str(self.root), "KUBERNETES_CONTEXT": "kvchaos-lab"}
        return os.environ | named

    def namespaces(self) -> set[str]:
        """The networks in which a process of it is: the node's own, and one for each pod."""
        state = read_state(self.directory)
        assert state is not None
        assert state.init is not None
        ours = _network(os.getpid())
        return {name for pid in _offspring(state.init.pid) if (name := _network(pid)) != ours}

    def is_gone(self) -> bool:
        """Whether neither a process nor a file of it is left."""
        return not mentioning(str(self.root)) and not self.root.exists()

    def reached(self, phase: str) -> bool:
        """Whether a lab that comes up has come so far."""
        state = read_state(self.directory)
        return {
            "its folder": self.root.exists(),
            "its daemon": state is not None,
            "its node": state is not None and state.init is not None,
            "its API": state is not None and state.phase is Phase.READY,
        }[phase]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnLab]:
    own = OwnLab(tmp_path / "lab")
    yield own
    kvchaos(own.environment, "lab", "down")


def _offspring(pid: int) -> list[int]:
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        for task in Path(f"/proc/{found[-1]}/task").iterdir():
            queue += map(int, (task / "children").read_text().split())
    return found


def _network(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:  # it is gone, or not to be looked at
        return ""


def _networks() -> set[str]:
    return {_network(int(each.name)) for each in Path("/proc").iterdir() if each.name.isdigit()}


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_killed_in_mid_fault_takes_its_lab_along(
    own: OwnLab, tmp_path: Path, verb: str
) -> None:
    """Nobody was left who could: not a process, not a network, not a file."""
    played = play(tmp_path, own.environment, method=(called("wait"),), verb=VERBS[verb])
    played.reach()
    standing, networks = left(own.environment), own.namespaces()

    code = played.stop(SIGKILL)
    until(own.is_gone, timeout=SOON)

    assert (code, bool(standing), len(networks)) == (-SIGKILL, True, 5)
    assert networks & _networks() == set()


@pytest.mark.parametrize("phase", ["its folder", "its daemon", "its node", "its API"])
def test_a_run_killed_while_its_lab_comes_up_leaves_none(
    own: OwnLab, tmp_path: Path, phase: str
) -> None:
    """However far that was, also when it goes on to come up for a moment."""
    played = play(tmp_path, own.environment, verb=VERBS["kvchaos"])
    until(lambda: own.reached(phase))

    played.stop(SIGKILL)

    until(own.is_gone, timeout=SOON)


def test_a_lab_that_was_up_outlives_a_run_that_is_killed(own: OwnLab, tmp_path: Path) -> None:
    """It is the user's, and what the run left in it is there to be reaped."""
    assert kvchaos(own.environment, "lab", "up").returncode == 0
    played = play(tmp_path, own.environment, method=(called("wait"),), verb=VERBS["kvchaos"])
    played.reach()

    played.stop(SIGKILL)
    reaped = kvchaos(own.environment, "reap", "--all", "--context", "kvchaos-lab", cwd=tmp_path)

    assert (reaped.returncode, left(own.environment)) == (0, []), reaped.stdout + reaped.stderr
    assert kvchaos(own.environment, "lab", "status").returncode == 0


def test_a_lab_that_the_user_starts_meanwhile_is_waited_for_and_stays(
    own: OwnLab, tmp_path: Path
) -> None:
    """A run that is stopped ends what it started, and nothing else."""
    with subprocess.Popen(
        [sys.executable, "-m", "kvchaos", "lab", "up"],
        env=own.environment,
        stdout=subprocess.DEVNULL,
    ) as up:
        until(lambda: own.reached("its daemon"))
        played = play(tmp_path, own.environment, method=(called("wait"),), verb=VERBS["kvchaos"])
        played.reach()
        played.stop(SIGTERM)

    assert up.returncode == 0
    assert kvchaos(own.environment, "lab", "status").returncode == 0


def test_a_lab_is_started_anew_where_one_is_about_to_end(own: OwnLab) -> None:
    """Whoever runs again at once, after a kill, gets a lab of its own."""
    with subprocess.Popen(["sleep", "60"]) as first, subprocess.Popen(["sleep", "60"]) as second:
        before = kvchaos(own.environment, "lab", "up", "--while", str(first.pid))
        first.kill()
        first.wait()
        after = kvchaos(own.environment, "lab", "up", "--or-use", "--while", str(second.pid))
        state = read_state(own.directory)
        others = kvchaos(own.environment, "lab", "down", "--while", str(os.getpid()))
        alive = state is not None and state.alive()
        second.kill()

    assert [each.returncode for each in (before, after, others)] == [0, 0, 0]
    assert state is not None
    assert state.owner is not None
    assert (state.owner.pid, alive, others.stdout) == (second.pid, True, "the lab was not up\n")
    until(own.is_gone, timeout=SOON)


def test_a_lab_that_is_somebody_elses_is_refused_or_waited_for(own: OwnLab) -> None:
    """As is said: what asks for one of a certain shape cannot use any."""
    words = ("lab", "up", "--while", str(os.getpid()))
    first = kvchaos(own.environment, "lab", "up")

    refused = kvchaos(own.environment, *words)
    used = kvchaos(own.environment, *words, "--or-use")
    down = kvchaos(own.environment, "lab", "down", *words[2:])

    assert [each.returncode for each in (first, refused, used, down)] == [0, 4, 0, 0]
    assert "wanted a lab that is not up yet" in refused.stderr
    assert kvchaos(own.environment, "lab", "status").returncode == 0
