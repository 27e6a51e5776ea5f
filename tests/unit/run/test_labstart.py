"""The lab's command, as a run calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import LabError
from kvchaos.run import labstart


@dataclass
class Command:
    """Stands in for the command: ends with ``code``, or not in time."""

    code: int = 0
    said: str = ""
    complained: str = ""
    ends: bool = True
    ran: list[list[str]] = field(default_factory=list)
    bounds: list[float] = field(default_factory=list)

    def __call__(
        self, command: list[str], *, timeout: float, **_: Any
    ) -> subprocess.CompletedProcess[str]:
        self.ran.append(command)
        self.bounds.append(timeout)
        if not self.ends:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, self.code, self.said, self.complained)


def played(monkeypatch: pytest.MonkeyPatch, **how: Any) -> Command:
    command = Command(**how)
    monkeypatch.setattr(subprocess, "run", command)
    return command


def test_the_lab_is_started_and_stopped_by_our_own_interpreter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever kvchaos is on the PATH; each within a bound, and for nobody else."""
    command = played(monkeypatch)

    labstart.lab_up(owner=7)
    labstart.lab_up("--or-use", owner=7)
    labstart.lab_down(owner=7)

    kvchaos = [sys.executable, "-m", "kvchaos", "lab"]
    assert command.ran == [
        [*kvchaos, "up", "--while", "7"],
        [*kvchaos, "up", "--while", "7", "--or-use"],
        [*kvchaos, "down", "--while", "7"],
    ]
    assert command.bounds == [*[labstart.UP_TIMEOUT] * 2, labstart.DOWN_TIMEOUT]


def test_a_lab_that_does_not_come_up_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bound."""
    played(monkeypatch, ends=False)

    with pytest.raises(LabError, match="lab up --while 7: wanted an end within 120 s, saw none"):
        labstart.lab_up(owner=7)


@pytest.mark.parametrize(
    ("said", "complained", "told"),
    [("", "kvchaos: no room\n", "no room"), ("port taken\n", "", "port taken")],
)
def test_a_lab_that_fails_is_an_error_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch, said: str, complained: str, told: str
) -> None:
    """Without our own name in front of it."""
    played(monkeypatch, code=2, said=said, complained=complained)

    with pytest.raises(LabError, match=f"^kvchaos lab down --while 7 failed: saw {told}$"):
        labstart.lab_down(owner=7)


@pytest.mark.parametrize("before", [None, "/elsewhere"])
def test_a_lab_of_its_own_is_meant_within_its_block_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: str | None
) -> None:
    """It ends with this process; whatever was meant before is meant again."""
    monkeypatch.delenv(labstart.LAB_DIR, raising=False)
    if before is not None:
        monkeypatch.setenv(labstart.LAB_DIR, before)
    command = played(monkeypatch)

    with labstart.lab_in(tmp_path, "--engines=2"):
        within = os.environ.get(labstart.LAB_DIR)

    assert (within, os.environ.get(labstart.LAB_DIR)) == (str(tmp_path), before)
    assert [words[4:] for words in command.ran] == [
        ["up", "--while", str(os.getpid()), "--engines=2"],
        ["down", "--while", str(os.getpid())],
    ]


def test_a_lab_of_its_own_that_does_not_stop_is_told_and_meant_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The next one is not looked for in its folder."""
    monkeypatch.delenv(labstart.LAB_DIR, raising=False)
    played(monkeypatch, code=2, complained="stuck")

    with (
        pytest.raises(LabError, match=r"kvchaos lab down .* failed: saw stuck"),
        labstart.lab_in(tmp_path),
    ):
        pass

    assert labstart.LAB_DIR not in os.environ
