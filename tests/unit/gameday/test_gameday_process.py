"""Runs as processes: started, told to stop once, waited for, never killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kvchaos.clock import SystemClock
from kvchaos.gameday.process import Ended, Interrupted, Signals, played, started_at

UNTIL_TERM = """
import pathlib, signal, sys
def end(number, _):
    with open(sys.argv[1], "a") as file: file.write(f"{number} ")
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
pathlib.Path(sys.argv[1]).touch()
signal.pause()
"""
DEAF = UNTIL_TERM.replace("    sys.exit(3)\n", "").replace(
    "signal.pause()", "while 1: signal.pause()"
)


class Run:
    """A program that is played, and what it was told."""

    def __init__(self, program: str, told: Path, *, patience: float = 20.0) -> None:
        self.program, self.told, self.patience = program, told, patience
        self.signals = Signals()
        self.process = 0

    def began(self, process: int) -> None:
        self.process = process

    def play(
        self,
        why: str = "",
        *,
        came: int = 0,
        began: Callable[[int], None] | None = None,
        look: Callable[[], str] | None = None,
    ) -> Ended:
        """Play it; once it is up, ``why`` is a reason to stop it, ``came`` a signal to the day."""

        def stop() -> str:
            if not self.told.exists():
                return ""
            self.signals.came = came
            return why

        return played(
            [sys.executable, "-c", self.program, self.told],
            os.environ,
            signals=self.signals,
            clock=SystemClock(),
            began=began or self.began,
            look=look or stop,
            patience=self.patience,
        )


@pytest.mark.parametrize("code", [0, 1, 5])
def test_the_exit_code_is_the_answer(tmp_path: Path, code: int) -> None:
    """And its process is known while it runs."""
    run = Run(f"raise SystemExit({code})", tmp_path / "told")

    assert run.play() == Ended(code)
    assert run.process > 0


def test_a_reason_to_stop_is_a_sigterm_and_the_end_is_waited_for(tmp_path: Path) -> None:
    """The budget's time, or a window that closes."""
    run = Run(UNTIL_TERM, tmp_path / "told")

    assert run.play("time is over") == Ended(3, "time is over")
    assert run.told.read_text() == f"{signal.SIGTERM:d} "


def test_a_signal_to_the_day_is_passed_on_as_it_is(tmp_path: Path) -> None:
    """Once."""
    run = Run(UNTIL_TERM, tmp_path / "told")

    assert run.play(came=signal.SIGINT) == Ended(3, "SIGINT")
    assert run.told.read_text() == f"{signal.SIGINT:d} "


def test_a_run_that_does_not_end_is_left_to_itself(tmp_path: Path) -> None:
    """It may be recovering its fault, so nothing kills it."""
    run = Run(DEAF, tmp_path / "told", patience=0.2)

    with pytest.warns(ResourceWarning, match="still running"):
        ended = run.play("time is over")

    try:
        assert ended == Ended(None, "time is over")
        assert started_at(run.process) > 0
    finally:
        os.kill(run.process, signal.SIGKILL)
        os.waitpid(run.process, 0)
    assert started_at(run.process) == 0


class Full(OSError):
    """The volume has no room for the state."""


def test_a_run_is_stopped_and_waited_for_when_the_day_breaks_off(tmp_path: Path) -> None:
    """At any of its looks: a state that cannot be written leaves no run behind."""
    run = Run(UNTIL_TERM, tmp_path / "told")

    def look() -> str:
        if run.told.exists():
            raise Full
        return ""

    try:
        with pytest.raises(Full):
            run.play(look=look)

        assert (started_at(run.process), run.told.read_text()) == (0, f"{signal.SIGTERM:d} ")
    finally:
        ended(run.process)


def test_a_run_whose_process_cannot_be_kept_does_not_go_on(tmp_path: Path) -> None:
    """Nobody would find it again."""
    run = Run(UNTIL_TERM, tmp_path / "told")

    def began(process: int) -> None:
        run.process = process
        raise Full

    try:
        with pytest.raises(Full):
            run.play(began=began)

        assert started_at(run.process) == 0
    finally:
        ended(run.process)


def ended(process: int) -> None:
    """See to it that this child does not outlive its test."""
    if started_at(process):
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def test_a_process_is_named_by_its_id_and_its_beginning() -> None:
    """So a new one with an old id is another; what is not there has none."""
    assert started_at(os.getpid()) == started_at(os.getpid()) > 0
    assert started_at(2**22 + 1) == 0


def test_the_first_signal_counts_and_handlers_are_put_back() -> None:
    """SIGHUP after SIGTERM changes nothing."""
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)]
    signals = Signals()

    with signals.caught():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(Interrupted, match="SIGTERM"), signals.breaking():
            pytest.fail("it went on")

    assert signals.name == "SIGTERM"
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=lambda each: each.name)
def test_a_game_day_outlives_the_hangup_that_was_ignored(number: signal.Signals) -> None:
    """As under nohup; SIGINT is heeded also in a shell's background."""
    before = signal.signal(number, signal.SIG_IGN)
    signals = Signals()
    try:
        with signals.caught():
            os.kill(os.getpid(), number)
        after = signal.getsignal(number)
    finally:
        signal.signal(number, before)

    assert (signals.name, after) == ("" if number is signal.SIGHUP else "SIGINT", signal.SIG_IGN)


def test_a_signal_breaks_what_may_be_broken() -> None:
    """A prompt, a wait for a window."""
    signals = Signals()

    with signals.caught(), signals.breaking(), pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)
