"""The doctor's screen, and what it finds on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kvchaos.doctor.line import Line, State, is_well, missing, note, ok, screen
from kvchaos.doctor.machine import namespaces, programs, runs_folder
from kvchaos.errors import ClusterUnreachable


def test_the_screen_has_a_line_each_and_what_to_do_below() -> None:
    """Columns stand below each other; a long text is cut, on one line."""
    lines = [ok("cluster", "v1"), missing("engines", "no\npod", "look"), note("x", "y" * 300)]

    assert list(screen(lines)) == [
        "  ok       cluster  v1",
        "  MISSING  engines  no pod",
        "                    -> look",
        f"  note     x        {'y' * 199}…",
    ]


def test_only_what_is_missing_is_not_well() -> None:
    """A note stands in nobody's way."""
    assert is_well([ok("a", ""), note("b", "")])
    assert not is_well([ok("a", ""), missing("b", "")])


def test_an_error_becomes_a_line_that_says_where_to_look() -> None:
    """Unless something better is known."""
    error = ClusterUnreachable("no answer", wanted="one", saw="none", look="kubectl version")

    assert Line.of("cluster", error) == Line(
        "cluster", State.MISSING, "no answer: wanted one, saw none", "kubectl version"
    )
    assert Line.of("cluster", error, todo="wait").todo == "wait"


def test_programs_are_told_with_their_versions() -> None:
    """The first thing that a maintainer asks for."""
    assert programs().saw.startswith("kvchaos 0.")


def test_a_folder_for_runs_may_not_be_there_yet(tmp_path: Path) -> None:
    """A run makes it; what counts is whether it can."""
    assert runs_folder(tmp_path / "a" / "b").state is State.OK


def test_a_file_in_the_place_of_the_runs_is_told(tmp_path: Path) -> None:
    """Before the run trips over it."""
    (tmp_path / "runs").write_text("")

    assert runs_folder(tmp_path / "runs" / "b") == Line(
        "run folders",
        State.MISSING,
        f"{tmp_path}/runs is no folder",
        "go to a folder of your own",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """By whom."""
    tmp_path.chmod(0o500)

    assert (
        runs_folder(tmp_path / "runs").saw == f"{tmp_path} cannot be written by uid {os.geteuid()}"
    )


def test_what_the_lab_asks_of_the_kernel_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own; elsewhere than on Linux it is told, as missing only if needed."""
    assert namespaces(needed=True).state in (State.OK, State.MISSING)

    monkeypatch.setattr("sys.platform", "darwin")

    assert namespaces(needed=False).state is State.NOTE
    assert namespaces(needed=True).state is State.MISSING
