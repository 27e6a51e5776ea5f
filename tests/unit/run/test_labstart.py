"""The lab's command, as a run calls it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
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
    """Whatever kvchaos is on the PATH; each within a bound."""
    command = played(monkeypatch)

    labstart.lab_up()
    labstart.lab_up(owner=7)
    labstart.lab_down()

    kvchaos = [sys.executable, "-m", "kvchaos", "lab"]
    assert command.ran == [
        [*kvchaos, "up"],
        [*kvchaos, "up", "--while", "7"],
        [*kvchaos, "down"],
    ]
    assert command.bounds == [*[labstart.UP_TIMEOUT] * 2, labstart.DOWN_TIMEOUT]


def test_a_lab_that_does_not_come_up_in_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bound."""
    played(monkeypatch, ends=False)

    with pytest.raises(LabError, match="kvchaos lab up: wanted an end within 120 s, saw none"):
        labstart.lab_up()


@pytest.mark.parametrize(
    ("said", "complained", "told"),
    [("", "kvchaos: no room\n", "no room"), ("port taken\n", "", "port taken")],
)
def test_a_lab_that_fails_is_an_error_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch, said: str, complained: str, told: str
) -> None:
    """Without our own name in front of it."""
    played(monkeypatch, code=2, said=said, complained=complained)

    with pytest.raises(LabError, match=f"^kvchaos lab down failed: saw {told}$"):
        labstart.lab_down()
