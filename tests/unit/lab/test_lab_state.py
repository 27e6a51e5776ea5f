"""Who runs the lab: never a process that only has the same pid."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kvchaos.clock import SystemClock
from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.identity import Process
from kvchaos.lab.state import LabState, Phase, read_state, write_state
from kvchaos.lab.up import running, stop


def me() -> Process:
    found = Process.of(os.getpid())
    assert found is not None
    return found


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With and without the parts that come later."""
    directory = LabDirectory(tmp_path)
    state = LabState(Phase.READY, me(), init=me(), url="https://127.0.0.1:1")

    write_state(directory, state)

    assert read_state(directory) == state
    assert running(directory) == state


def test_reason_of_a_failure_survives_the_daemon(tmp_path: Path) -> None:
    """``lab up`` raises what the daemon could not."""
    error = LabError("no namespaces", wanted="root", saw="EPERM", look="docs")
    write_state(LabDirectory(tmp_path), LabState(Phase.STARTING, me()).failed(error))

    state = read_state(LabDirectory(tmp_path))

    assert state is not None
    with pytest.raises(LabError) as caught:
        state.raise_error()
    assert str(caught.value) == str(error)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"daemon": {"pid": 1}, "phase": "ready"}'])
def test_state_that_is_not_whole_is_none(tmp_path: Path, content: str) -> None:
    """A lab killed while it wrote is a lab that is not up."""
    (tmp_path / "state.json").write_text(content)

    assert read_state(LabDirectory(tmp_path)) is None


def test_recycled_pid_is_neither_taken_for_the_lab_nor_killed(tmp_path: Path) -> None:
    """The start time tells: stopping a stale lab leaves the innocent process alone."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as innocent:
        there = Process.of(innocent.pid)
        assert there is not None
        directory = LabDirectory(tmp_path / "lab")
        directory.create()
        write_state(directory, LabState(Phase.READY, replace(there, start=there.start - 1)))

        was_up = stop(directory, clock=SystemClock())

        assert (was_up, running(directory), innocent.poll()) == (False, None, None)
        assert not directory.root.exists()
        there.send(signal.SIGKILL)
        assert innocent.wait(10) == -signal.SIGKILL
    assert not there.alive()


def test_directory_that_does_not_fit_a_socket_is_refused(tmp_path: Path) -> None:
    """With the limit, before anything is started."""
    directory = LabDirectory(tmp_path / ("x" * 120))

    with pytest.raises(LabError, match="too long a path"):
        directory.create()


def test_only_the_labs_own_files_are_removed(tmp_path: Path) -> None:
    """A directory that somebody else uses too keeps what is not ours."""
    directory = LabDirectory(tmp_path / "lab")
    directory.create()
    (directory.logs / "ns_pod_uid").mkdir(parents=True)
    directory.kubeconfig.touch()
    foreign = directory.root / "notes.txt"
    foreign.touch()

    directory.remove()

    assert sorted(directory.root.iterdir()) == [directory.marker, foreign]


def test_a_directory_that_is_no_labs_is_left_alone(tmp_path: Path) -> None:
    """Not even files with the lab's names are touched where no lab has ever been."""
    mine = [tmp_path / "logs" / "mine.log", tmp_path / "kubeconfig"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    directory = LabDirectory(tmp_path)

    directory.remove()

    assert all(path.exists() for path in mine)
    with pytest.raises(LabError, match="not a lab's directory"):
        directory.create()


def test_an_empty_directory_becomes_a_labs_and_goes_with_it(tmp_path: Path) -> None:
    """What the lab marked as its own it also removes."""
    directory = LabDirectory(tmp_path / "lab")
    directory.root.mkdir()

    directory.create()
    directory.remove()

    assert not directory.root.exists()
