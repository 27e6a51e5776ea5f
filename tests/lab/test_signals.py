"""Runs that are stopped, wherever they are: nothing is left, and nobody is told that it passed."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2
from typing import Any

import pytest

from tests.chaosrun import BIN, kvchaos
from tests.lab.small_lab import until
from tests.lab.stopped_runs import PROCESS, called, left, play, probe
from tests.lab.terminals import shown

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

Json = dict[str, Any]
STOPS = pytest.mark.parametrize("number", [SIGINT, SIGTERM, SIGHUP], ids=lambda each: each.name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a lab that is up, for all of these runs."""
    environment = os.environ | {
        "KVCHAOS_LAB_DIR": str(tmp_path_factory.mktemp("lab")),
        "KUBERNETES_CONTEXT": "kvchaos-lab",
    }
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    yield environment
    down = kvchaos(environment, "lab", "down")
    assert down.returncode == 0, down.stderr


@STOPS
@pytest.mark.parametrize(
    "place",
    [
        {"method": (called("wait"),)},
        {"method": (called("wait", kind="probe"),)},
        {"method": (PROCESS,)},
        {"hypothesis": (probe("wait_after", tolerance=True),)},
    ],
    ids=["action", "probe", "process", "hypothesis"],
)
def test_a_signal_while_an_activity_runs_ends_it(
    lab: dict[str, str], tmp_path: Path, place: Json, number: signal.Signals
) -> None:
    """Chaos Toolkit itself takes SIGTERM for a failed probe, goes on, and exits 0."""
    played = play(tmp_path, lab, **place)
    played.reach()

    code = played.stop(number)

    assert code == 1, played.said()
    assert left(lab) == []
    assert [each["reason"] for each in played.events("stop")] == [number.name]
    assert (played.record()["status"], played.journal()["status"]) == ("aborted", "interrupted")
    assert played.journal()["kvchaos"] == played.record()


@STOPS
def test_a_signal_in_a_pause_ends_it(
    lab: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """A pause is not waited for."""
    played = play(tmp_path, lab, method=(called("reached", pauses={"after": 30}),))
    played.wait_for("Pausing after activity")

    code = played.stop(number)

    assert (code, left(lab)) == (1, []), played.said()
    assert played.record()["status"] == "aborted"


@STOPS
def test_a_signal_in_the_rollbacks_skips_none_of_them(
    lab: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Chaos Toolkit itself leaves the rest of them out."""
    played = play(tmp_path, lab, rollbacks=(called("wait_a_little"),))
    played.reach()

    code = played.stop(number)

    assert (code, left(lab)) == (1, []), played.said()
    assert played.record()["status"] == "aborted"
    assert [each["status"] for each in played.journal()["rollbacks"]] == ["succeeded"] * 4


@pytest.mark.parametrize("number", [SIGUSR1, SIGUSR2], ids=lambda each: each.name)
def test_what_chaos_toolkit_calls_ungraceful_recovers_too(
    lab: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Its SIGUSR2 plays no rollbacks."""
    played = play(tmp_path, lab, method=(called("wait"),))
    played.reach()

    code = played.stop(number)

    assert (code, left(lab)) == (1, []), played.said()
    assert len(played.journal()["rollbacks"]) == 3


def test_more_signals_change_nothing(lab: dict[str, str], tmp_path: Path) -> None:
    """Somebody who is in a hurry skips no recovery."""
    played = play(tmp_path, lab, method=(called("wait"),))
    played.reach()

    code = played.stop(SIGINT, SIGINT, SIGTERM, SIGHUP)

    assert (code, left(lab)) == (1, []), played.said()
    assert played.record()["status"] == "aborted"
    assert len(played.events("stop")) == 1
    assert len(played.journal()["rollbacks"]) == 3


def test_a_signal_is_heeded_where_a_shell_made_it_ignored(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """As it does with SIGINT for what it starts in the background."""
    before = signal.signal(SIGINT, signal.SIG_IGN)
    try:
        played = play(tmp_path, lab, method=(called("wait"),))
    finally:
        signal.signal(SIGINT, before)
    played.reach()

    code = played.stop(SIGINT)

    assert (code, left(lab)) == (1, []), played.said()


ON_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Gives a command the terminal that it writes to, as a person's shell has one."""


@pytest.mark.parametrize("program", [("kvchaos", "run"), ("chaos", "run")], ids=" ".join)
@pytest.mark.parametrize("survives", [True, False], ids=["nohup", "plain"])
def test_a_terminal_that_is_closed_ends_a_run_unless_it_was_to_outlive_it(
    lab: dict[str, str], tmp_path: Path, program: tuple[str, ...], survives: bool
) -> None:
    """``nohup`` says so, by a SIGHUP that is ignored; any other run recovers and is aborted."""
    outer, inner = pty.openpty()
    nohup = ["nohup"] if survives else []
    command = (sys.executable, "-c", ON_A_TERMINAL, *nohup, str(BIN / program[0]), *program[1:])
    try:
        method = (called("wait_a_little"),)
        played = play(tmp_path, lab, method=method, verb=command, terminal=inner)

        def reached() -> bool:
            shown(outer)
            return (tmp_path / "reached").exists() or played.process.poll() is not None

        until(reached)
    finally:
        os.close(inner)
        os.close(outer)
    played.end()

    assert left(lab) == []
    assert [each["reason"] for each in played.events("stop")] == ([] if survives else ["SIGHUP"])
    assert (played.record()["status"] == "aborted") is not survives


def test_a_probe_that_no_exception_ends_delays_no_recovery(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """The fault is ended at once; after a while the run is finished without the main thread."""
    played = play(tmp_path, lab, method=(called("hang", kind="probe"),), deadline=2)
    played.reach()
    played.process.send_signal(SIGTERM)

    until(lambda: played.events("fault_recovered"))
    alive = played.process.poll() is None
    code = played.end()

    assert alive
    assert (code, left(lab)) == (3, []), played.said()
    assert played.record()["status"] == "aborted"
    assert "ABORTED" in played.said()


def test_a_probe_that_does_not_answer_within_its_deadline_ends_the_run(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """Without any signal."""
    played = play(tmp_path, lab, method=(called("wait", kind="probe"),), deadline=1)

    code = played.end()

    assert (code, left(lab)) == (1, []), played.said()
    (stop,) = played.events("stop")
    assert (stop["by"], stop["reason"]) == ("deadline", "probe 'wait' did not answer within 1 s")


@pytest.mark.parametrize("verb", ["chaos", "kvchaos"])
def test_a_continuous_hypothesis_that_hangs_delays_no_recovery(
    lab: dict[str, str], tmp_path: Path, verb: str
) -> None:
    """Chaos Toolkit waits for it, for ever, before it plays the rollbacks."""
    played = play(
        tmp_path,
        lab,
        *(["--hypothesis-strategy", "continuously"] if verb == "chaos" else []),
        verb=("kvchaos", "run") if verb == "kvchaos" else ("chaos", "--no-version-check", "run"),
        hypothesis=(probe("hang_in_method", tolerance=True),),
        method=(called("wait"),),
        deadline=2,
        runtime={"hypothesis": {"strategy": "continuously"}},
    )

    code = played.end()

    assert (code, left(lab)) == (3, []), played.said()
    assert [each["by"] for each in played.events("stop")] == ["deadline"]
    assert played.record()["status"] == "aborted"
    if verb == "kvchaos":
        assert played.journal()["kvchaos"] == played.record()


def test_an_error_in_a_tolerance_leaves_no_fault_and_a_record(
    lab: dict[str, str], tmp_path: Path
) -> None:
    """It rises through Chaos Toolkit, which plays no rollbacks then and writes no journal."""
    played = play(tmp_path, lab, hypothesis=(probe("nothing_after", tolerance=[0, 5]),))

    code = played.end()

    assert (code, left(lab)) == (1, []), played.said()
    assert "TypeError" in played.events("stop")[0]["reason"]
    assert played.record()["status"] == "aborted"
    assert not (tmp_path / "journal.json").exists()


@STOPS
def test_a_signal_while_the_lab_comes_up_leaves_no_lab(
    tmp_path: Path, lab: dict[str, str], number: signal.Signals
) -> None:
    """The run says that it was stopped while it started."""
    own = lab | {"KVCHAOS_LAB_DIR": str(tmp_path / "lab")}
    played = play(tmp_path, own, verb=("kvchaos", "run"))
    until((tmp_path / "lab").exists)

    code = played.stop(number)

    assert code == 3, played.said()
    assert "the run was stopped while it was starting" in played.said()
    assert played.journal()["kvchaos"]["status"] == "aborted"
    assert kvchaos(own, "lab", "status").returncode != 0
