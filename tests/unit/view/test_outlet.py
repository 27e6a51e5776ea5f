"""Whoever prints or logs waits for no reader, and nothing that is read is lost or out of order."""

from __future__ import annotations

import io
import logging
import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import click
import pytest

from kvchaos.view import outlet
from kvchaos.view.outlet import Outlet, outlets

pytestmark = pytest.mark.timeout(10)  # where it fails, it waits for a reader
MUCH = "x" * 200_000  # bytes, more than a pipe or a terminal takes


@contextmanager
def standard(out: TextIO, err: TextIO) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        yield


@contextmanager
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        yield reading, stream
    os.close(reading)


def read(reading: int, size: int) -> str:
    found = b""
    while len(found) < size:
        found += os.read(reading, size - len(found))
    return found.decode()


def test_who_prints_waits_for_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor at the end, but for a bound; what is said after that keeps nobody waiting either."""
    monkeypatch.setattr(outlet, "PATIENCE", 0.01)
    with pipe() as (reading, stream), standard(stream, stream):
        with outlets():
            click.echo(MUCH)
            click.echo("more", err=True)
        click.echo("after the end")
        unread = isinstance(sys.stdout, Outlet)
        found = read(reading, len(MUCH) + len("\nmore\nafter the end\n"))

    assert unread
    assert found == f"{MUCH}\nmore\nafter the end\n"


def test_the_two_keep_their_order_where_they_are_the_same() -> None:
    """A summary stands below the view; afterwards all is as it was."""
    with pipe() as (reading, stream), standard(stream, os.fdopen(os.dup(stream.fileno()), "w")):
        before = sys.stdout, sys.stderr
        with outlets():
            for number in range(50):
                click.echo(number, file=sys.stdout if number % 2 else sys.stderr)
        after = sys.stdout, sys.stderr
        found = os.read(reading, 65536).decode()
        sys.stderr.close()

    assert after == before
    assert found.split() == [str(number) for number in range(50)]


def test_a_terminal_stays_one() -> None:
    """With its encoding, and all else that is asked of a stream."""
    outer, inner = pty.openpty()
    with os.fdopen(inner, "w", encoding="ascii", errors="strict") as stream:
        with standard(stream, stream), outlets():
            assert (sys.stdout.isatty(), sys.stdout.encoding) == (True, "ascii")
            assert sys.stdout.fileno() == stream.fileno()
            with pytest.raises(UnicodeEncodeError):
                sys.stdout.write("\u00e9")
            with pytest.raises(TypeError, match="bytes"):
                sys.stdout.write(b"x")  # type: ignore[arg-type]  # as click does, to try it
            sys.stdout.writelines(["a", "b"])
        found = read(outer, 2)
    os.close(outer)

    assert found == "ab"


def test_what_is_in_memory_is_left_alone() -> None:
    """It keeps nobody waiting."""
    here, closed = io.StringIO(), io.StringIO()
    closed.close()
    with standard(here, closed), outlets():
        assert (sys.stdout, sys.stderr) == (here, closed)


def test_logs_wait_for_no_reader_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Chaos Toolkit, which holds a lock while it writes, and gets its stream back."""
    logger = logging.getLogger("chaostoolkit")
    with pipe() as (reading, stream), standard(stream, stream):
        handler = logging.StreamHandler(stream)
        monkeypatch.setattr(logger, "handlers", [handler])
        monkeypatch.setattr(logger, "propagate", False)
        reader = threading.Thread(target=read, args=(reading, len(MUCH) + 1))
        with outlets():
            logger.critical(MUCH)
            reader.start()
        reader.join()

        assert handler.stream is stream


def test_what_is_kept_open_beyond_the_end_writes_by_itself() -> None:
    """A log handler that was made within, say."""
    with pipe() as (reading, stream), standard(stream, stream):
        with outlets():
            held = sys.stderr
        held.write("late\n")
        found = os.read(reading, 100)

    assert found == b"late\n"


def test_one_within_another_is_the_same() -> None:
    """Chaos Toolkit's control asks for it, too."""
    with pipe() as (_, stream), standard(stream, stream), outlets():
        first = sys.stdout
        with outlets():
            second = sys.stdout

        assert (second, sys.stdout) == (first, first)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """And what it did not read is in nobody's way."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream, standard(stream, stream):
        with outlets():
            click.echo(MUCH)

        assert sys.stdout is stream


def test_what_nobody_reads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory; a view can ask whether what it draws would be old when it is read."""
    monkeypatch.setattr(outlet, "PATIENCE", 0.01)
    monkeypatch.setattr(outlet, "MOST", 100_000 + outlet.PIECE)
    with pipe() as (reading, stream), standard(stream, stream):
        with outlets():
            click.echo("y" * 100_000, nl=False)
            click.echo(MUCH, nl=False)
            click.echo("z", nl=False)
            behind = cast("Outlet", sys.stdout).is_behind
        found = read(reading, 100_001)

    assert behind
    assert found == "y" * 100_000 + "z"
