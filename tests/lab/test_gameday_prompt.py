"""A game day that asks for leave at a terminal: nobody has to answer, or to read, for it to end."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chaosrun import BIN, kvchaos
from tests.lab.small_lab import until
from tests.lab.terminals import fill, shown

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

Json = dict[str, Any]
PLAN = """\
name: weekly
purpose: Does it end though nobody answers?
owner: us
approval: each
experiments: [network-partition, pod-kill]
"""


@dataclass
class Asking:
    """A game day on a terminal of its own."""

    folder: Path
    process: subprocess.Popen[bytes]
    outer: int
    inner: int
    said: str = field(default="")

    def read(self) -> str:
        self.said += shown(self.outer)
        return self.said

    def asks(self) -> None:
        """Until a question stands there."""
        until(lambda: "(q)uit" in self.read() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said

    def end(self) -> int:
        """Its exit code; what it says meanwhile is read."""
        until(lambda: self.read() and self.process.poll() is not None)
        return self.process.wait()

    def state(self) -> Json:
        (path,) = self.folder.glob("kvchaos-gamedays/*/gameday.json")
        found: Json = json.loads(path.read_text())
        return found

    def is_reported(self) -> bool:
        return bool([*self.folder.glob("kvchaos-gamedays/*/report.html")])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a lab that is not up yet."""
    named = {"KVCHAOS_LAB_DIR": str(tmp_path / "lab"), "KUBERNETES_CONTEXT": "kvchaos-lab"}
    return os.environ | named


@pytest.fixture
def asking(tmp_path: Path, environment: dict[str, str]) -> Iterator[Asking]:
    (tmp_path / "plan.yaml").write_text(PLAN)
    outer, inner = pty.openpty()
    with subprocess.Popen(
        [BIN / "kvchaos", "gameday", "plan.yaml"],
        cwd=tmp_path,
        env=environment,
        stdin=inner,
        stdout=inner,
        stderr=inner,
    ) as process:
        yield Asking(tmp_path, process, outer, inner)
        process.kill()
    os.close(outer)
    os.close(inner)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_signal_ends_a_day_that_asks(asking: Asking, number: signal.Signals) -> None:
    """With its reports, and how to go on."""
    asking.asks()
    asking.process.send_signal(number)

    code = asking.end()

    assert code == 3, asking.said
    assert asking.state()["stopped"] == {"by": "signal", "why": f"{number.name} came"}
    assert "go on with: kvchaos gameday --resume" in asking.said
    assert asking.is_reported()


def test_a_day_on_a_terminal_that_nobody_reads_ends_as_any_other(asking: Asking) -> None:
    """Stopped by Ctrl-S, say: what it has to say is in its folder, and nobody is waited for."""
    asking.asks()
    fill(asking.inner)
    asking.process.send_signal(signal.SIGTERM)

    code = asking.process.wait(30)

    assert code == 3
    assert asking.state()["stopped"]["by"] == "signal"
    assert asking.is_reported()


def test_a_hold_ends_a_day_that_asks(asking: Asking, environment: dict[str, str]) -> None:
    """Within seconds, and as its plan says; nobody had to answer."""
    asking.asks()
    up = kvchaos(environment, "lab", "up")
    try:
        held = kvchaos(environment, "hold", "--reason", "a release")
        code = asking.end()
    finally:
        kvchaos(environment, "lab", "down")

    assert (up.returncode, held.returncode, code) == (0, 0, 2), asking.said
    assert asking.state()["stopped"]["by"] == "hold"
    assert "ended early by hold: kvchaos in kvchaos-lab is held by" in asking.said
