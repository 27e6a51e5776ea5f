"""A disk that is full, or may only be read: no ledger, no fault; no history, no pass."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import FaultRefused, KVChaosError
from kvchaos.mesh.inject import inject
from kvchaos.mesh.ledger import Ledger
from kvchaos.run import faults, healing
from kvchaos.verdict.verdict import Verdict, judge
from tests.lab.faults.ended import ended
from tests.lab.faults.place import Place, place, short_partition
from tests.run_world import CUT, VALUES, Made, World, cuttable
from tests.scripted import FakeClock, partition

FULL = Path("/dev/full")
READ_ONLY = Path("/proc/sys/kernel/ostype")  # also to root


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond ``size`` bytes: what a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Makes the one world of a test."""
    worlds: list[World] = []

    def make(*args: Any, **settings: Any) -> World:
        worlds.append(World.at(tmp_path, *args, **settings))
        return worlds[-1]

    yield make
    for world in worlds:
        world.run.history.close()


@pytest.mark.parametrize("disk", [FULL, READ_ONLY], ids=["full", "read-only"])
def test_a_ledger_that_takes_no_line_lets_no_fault_through(tmp_path: Path, disk: Path) -> None:
    """Nothing was created, and the refusal says which file, and why."""
    path = tmp_path / "ledger.jsonl"
    path.symlink_to(disk)
    cluster = cuttable()

    with pytest.raises(FaultRefused, match=f"no ledger, no fault.*{path}"):
        inject(cluster, partition(), ledger=Ledger(path), timeout=10, clock=FakeClock())

    assert cluster.verbs("create") == []


def test_a_ledger_that_is_full_for_the_second_fault_still_ends_the_first(made: Made) -> None:
    """What stands is known from the lines that are there."""
    world = made(cuttable())
    faults.inject(world.run, "network-partition", VALUES, timeout=10)

    with room_for(world.run.ledger.path.stat().st_size + 20), pytest.raises(KVChaosError):
        faults.inject(world.run, "network-partition", VALUES, timeout=10)
    healing.recover(world.run, held=0.0, timeout=10)

    assert not world.has_fault("networkchaos", CUT)
    assert healing.residue_of(world.run)["left"] == []


def test_a_history_that_is_full_ends_the_fault_all_the_same(made: Made) -> None:
    """Recovery needs the ledger and the cluster; that it could not be told makes it no pass."""
    world = made(cuttable())
    faults.inject(world.run, "network-partition", VALUES, timeout=10)

    with room_for(world.run.history.path.stat().st_size + 20), pytest.raises(KVChaosError):
        healing.recover(world.run, held=0.0, timeout=10)

    assert not world.has_fault("networkchaos", CUT)
    assert judge(world.run.history.events()).verdict is not Verdict.PASS


def test_a_history_that_is_full_before_the_fault_is_told_leaves_nothing(made: Made) -> None:
    """The fault was injected, and its line did not fit: the ledger has it, so it is ended."""
    world = made(cuttable())

    with room_for(600), pytest.raises(KVChaosError):
        faults.inject(world.run, "network-partition", VALUES, timeout=10)
    healing.recover(world.run, held=0.0, timeout=10)

    assert not world.has_fault("networkchaos", CUT)
    assert healing.residue_of(world.run)["left"] == []


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A lab that outlives all the runs of this module."""
    with place(tmp_path_factory.mktemp("full")) as lab:
        yield lab


@pytest.mark.lab
@pytest.mark.timeout(150)
@pytest.mark.parametrize("room", [1_000, 8_000], ids=["at once", "in mid-run"])
def test_a_run_on_a_full_disk_leaves_nothing_and_is_no_pass(
    where: Place, tmp_path: Path, room: int
) -> None:
    """History, ledger, journal and what is printed: none may grow any more."""
    experiment = short_partition(tmp_path / "short")
    with room_for(room):
        started = where.start(tmp_path / "run", experiment)

    run = ended(started, within=100)

    assert not run.stuck
    assert not run.claims_pass, run.said
    assert where.truth.left() == []
    assert where.truth.flows() == []


@pytest.mark.lab
@pytest.mark.timeout(150)
def test_a_run_whose_folder_cannot_be_made_touches_nothing(where: Place, tmp_path: Path) -> None:
    """A file is where the folder of runs should be."""
    experiment = short_partition(tmp_path / "short")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "kvchaos-runs").touch()

    run = ended(where.start(folder, experiment), within=100)

    assert not run.claims_pass, run.said
    assert run.history == []
    assert where.truth.left() == []
