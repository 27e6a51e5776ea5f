"""The lab for several runs: started once, stopped at the end, and never somebody else's."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from kvchaos.errors import ClusterUnreachable, KVChaosError, LabError
from kvchaos.gameday.process import started_at
from kvchaos.run import ownlab
from kvchaos.run.ownlab import OwnLab
from kvchaos.settings import Settings
from tests.lab.small_lab import until

LAB = Settings()
UP, DOWN = "up while its owner is", "down"


@dataclass
class World:
    """A lab that is up or not, what its API answers then, and what was done to it."""

    is_up: bool = False
    wrong: KVChaosError | None = None
    starts: bool = True
    owner: int = 0
    done: list[str] = field(default_factory=list)

    def connect(self, context: str) -> World:
        if not self.is_up:
            raise ClusterUnreachable(context)
        return self

    def once(self, *, timeout: float) -> World:
        return self

    def version(self) -> str:
        if self.wrong:
            raise self.wrong
        return "1.34"

    def close(self) -> None:
        return

    def up(self, *, owner: int) -> None:
        self.done.append(UP if started_at(owner) else f"up while {owner}")
        self.owner = owner
        if not self.starts:
            raise LabError("no room")
        self.is_up = True

    def down(self, *, owner: int) -> None:
        assert owner == self.owner
        self.done.append(DOWN)
        if not self.starts:
            raise LabError("nothing to end")
        self.is_up = False


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(ownlab, "Cluster", world)
    monkeypatch.setattr(ownlab, "lab_up", world.up)
    monkeypatch.setattr(ownlab, "lab_down", world.down)
    return world


def test_it_is_started_once_and_stopped_at_the_end(world: World) -> None:
    """Its owner ends with this block, too."""
    with OwnLab() as lab:
        lab.need(LAB)
        lab.need(LAB)
        assert (world.is_up, world.done, len(lab.holds)) == (True, [UP], 1)

    assert (world.done, started_at(world.owner)) == ([UP, DOWN], 0)


KILLED = """
import os, signal, subprocess, sys
from kvchaos.run import ownlab
ownlab.lab_is_down = lambda settings: True
ownlab.lab_up = lambda owner: print(owner, flush=True)
lab = ownlab.OwnLab()
lab.need(None)
run = "import sys; sys.stdin.read()"
subprocess.Popen([sys.executable, "-c", run], pass_fds=lab.holds)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_its_owner_ends_when_we_are_killed_and_no_run_goes_on() -> None:
    """A run that outlives us keeps it, until that has ended."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        owner = int(process.stdout.readline())
        killed = process.wait(20)
        before = started_at(owner)
        process.stdin.close()
        until(lambda: not started_at(owner), timeout=20)

    assert (killed, before > 0) == (-signal.SIGKILL, True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_rises_through_stops_it(world: World, error: type[BaseException]) -> None:
    """A Ctrl-C between two runs, too."""

    def interrupted() -> None:
        with OwnLab() as lab:
            lab.need(LAB)
            raise error

    with pytest.raises(error):
        interrupted()

    assert world.done == [UP, DOWN]


@pytest.mark.parametrize("wrong", [None, KVChaosError("no leave to ask")])
def test_a_lab_that_was_up_is_left_alone(world: World, wrong: KVChaosError | None) -> None:
    """Also one that answers, but not as it should."""
    world.is_up, world.wrong = True, wrong

    with OwnLab() as lab:
        lab.need(LAB)

    assert world.done == []


def test_a_cluster_needs_none(world: World) -> None:
    """Whether it is there or not."""
    with OwnLab() as lab:
        lab.need(Settings(kubernetes_context="staging"))

    assert world.done == []


def test_a_lab_that_does_not_start_is_the_runs_to_tell(world: World) -> None:
    """It is not tried again here, and what came up of it is stopped."""
    world.starts = False

    with OwnLab() as lab:
        lab.need(LAB)
        lab.need(LAB)

    assert world.done == [UP, DOWN]
