"""A terminal that nobody reads, stopped by Ctrl-S say, delays no recovery and no process's end."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaosrun import kvchaos
from tests.lab.small_lab import until
from tests.lab.stopped_runs import called, left, play
from tests.lab.terminals import fill, shown

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a lab that is up, for all of these runs."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
        "TERM": "xterm-256color",
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """The end that is read, and the one that is written to."""
    outer, inner = pty.openpty()
    yield outer, inner
    os.close(outer)
    os.close(inner)


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        (("kvchaos", "run"), 3),
        (("kvchaos", "run", "--view", "log"), 3),
        (("chaos", "--no-version-check", "run"), 1),
    ],
    ids=["kvchaos", "log", "chaos"],
)
def test_a_run_on_a_terminal_that_nobody_reads_is_stopped_as_any_other(
    lab: dict[str, str],
    tmp_path: Path,
    terminal: tuple[int, int],
    verb: tuple[str, ...],
    code: int,
) -> None:
    """Its faults are ended, its record is kept, and it ends, by itself and with its own code."""
    outer, inner = terminal
    played = play(tmp_path, lab, method=(called("wait"),), verb=verb, terminal=inner)

    def reached() -> bool:
        shown(outer)
        return (tmp_path / "reached").exists() or played.process.poll() is not None

    until(reached)
    fill(inner)
    ended = played.stop(signal.SIGTERM, signal.SIGTERM)

    assert (ended, left(lab)) == (code, [])
    assert played.record()["status"] == "aborted"
    assert [each["reason"] for each in played.events("stop")] == ["SIGTERM"]
    assert len(played.events("fault_recovered")) == 1
