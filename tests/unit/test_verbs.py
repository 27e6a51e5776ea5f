"""What the command does whichever verb it is."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from kvchaos import cli
from kvchaos.cli import VERBS, main
from kvchaos.errors import KVChaosError, NobodyReads, UsageError


def unread(*words: str) -> tuple[int, str]:
    """Exit code and stderr of a verb whose output goes to a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "kvchaos", *words],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "words", [("bench", "list", "wire"), ("experiments",), ("run", "--help")], ids=" ".join
)
def test_a_reader_that_went_away_is_no_error_of_a_verb(words: tuple[str, ...]) -> None:
    """As with ``| head``: nothing is said, and the shell sees what it sees of any such program."""
    assert unread(*words) == (141, "")


def failing(error: OSError, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit code and stderr of a verb that raises this."""

    @click.command
    def fails() -> None:
        raise error

    monkeypatch.setattr(sys.modules[__name__], "fails", fails, raising=False)
    monkeypatch.setitem(VERBS, "actions", (f"{__name__}:fails", ""))
    ran = CliRunner().invoke(main, ["actions"])
    return ran.exit_code, ran.stderr


def test_what_nobody_reads_is_printed_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or what is left of it would fail once more when the process ends."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(cli, "STDOUT", writing)

    told = failing(BrokenPipeError(32, "Broken pipe"), monkeypatch)
    left = os.write(writing, b"x")
    os.close(writing)

    assert (told, left) == ((141, ""), 1)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NobodyReads(32, "nobody reads what is printed"), 141, ""),
        (BrokenPipeError(32, "Broken pipe"), 2, "kvchaos: [Errno 32] Broken pipe\n"),
        (FileNotFoundError(2, "No such file"), 2, "kvchaos: [Errno 2] No such file\n"),
        (
            PermissionError(13, "Permission denied", "/x/y"),
            2,
            "kvchaos: /x/y: wanted a file that can be read and written, saw Permission denied\n",
        ),
    ],
    ids=["of the console", "of another peer", "of no file", "of a file"],
)
def test_what_is_broken_elsewhere_is_told(
    monkeypatch: pytest.MonkeyPatch, error: OSError, code: int, said: str
) -> None:
    """A cluster that hangs up breaks a pipe, too; only the output's reader is meant."""
    assert failing(error, monkeypatch) == (code, said)


@pytest.mark.parametrize("words", [[], ["--verbose"], ["nosuch"], ["run", "--bogus"]], ids=" ".join)
def test_what_cannot_be_meant_is_a_usage_error_wherever_it_stands(words: list[str]) -> None:
    """2, which is click's own, would be read as unknown."""
    assert CliRunner().invoke(main, words).exit_code == UsageError.exit_code


def test_an_error_of_our_own_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """1, which is Python's own, would be read as a fail of the gateway."""

    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kvchaos.commands.hold.hold", broken)

    said = CliRunner().invoke(main, ["hold"])

    assert (said.exit_code, "ZeroDivisionError" in said.output) == (KVChaosError.exit_code, True)
    assert "says nothing of your gateway" in said.output


def test_help_is_no_error() -> None:
    """It goes the same way as errors do, inside click."""
    assert CliRunner().invoke(main, ["hold", "--help"]).exit_code == 0
