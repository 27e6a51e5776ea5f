"""The view of a run: it only reads, and whatever it trips over is its own affair."""

from __future__ import annotations

import io
import logging
import os
import pty
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from kvchaos.report.console import Sheet
from kvchaos.view import viewer as viewer_module
from kvchaos.view.choice import quiet, viewer
from kvchaos.view.painters import LivePainter, PlainPainter
from kvchaos.view.panel import Panel
from kvchaos.view.viewer import Viewer
from kvchaos.view.words import Told
from tests import builders

Json = dict[str, Any]
HEAD = "e.json: starting"
PATIENCE = 10.0


@dataclass
class Followed:
    """A run with a fixed history."""

    told: list[Json] = field(default_factory=builders.run_that_recovered)
    doing: str = "wait"

    def events(self) -> list[Json]:
        return list(self.told)

    def at(self) -> float:
        return 14.5


@dataclass
class Canvas:
    """Keeps what it is to paint; ``breaks`` when it is to paint a line."""

    breaks: Exception | None = None
    painted: list[str] = field(default_factory=list)
    panels: int = 0
    closed: int = 0

    def heading(self, text: str) -> None:
        self.painted.append(text)

    def line(self, told: Told) -> None:
        if self.breaks:
            raise self.breaks
        self.painted.append(told.text)

    def said(self, text: str) -> None:
        self.painted.append(text.strip())

    def panel(self, panel: Panel) -> None:
        self.panels += 1

    def close(self) -> None:
        self.closed += 1


@contextmanager
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """Chaos Toolkit's logger with one handler, on standard error as it is now."""
    logger, stream, level = logging.getLogger("chaostoolkit"), io.StringIO(), logging.INFO
    before = logger.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        patch.setattr(logger, "handlers", [logging.StreamHandler(stream)])
        patch.setattr(logger, "propagate", False)
        logger.setLevel(level)
        yield logger, stream
    logger.setLevel(before)


def test_a_run_is_followed_from_its_beginning_to_its_summary() -> None:
    """Every event once; what came since the last look is told when the view closes."""
    canvas, run = Canvas(), Followed()
    late = run.told.pop()
    view = Viewer(canvas, name="e.json")
    view.begin()
    view.opened(run)
    view.look()
    before = len(canvas.painted)
    run.told.append(builders.event(14.6, "residue", left=[], unconfirmed=[]))
    run.told.append(late)
    view.closing()
    view.closing()

    assert canvas.painted[:2] == [
        HEAD,
        f"{run.told[0]['experiment']} (kvchaos-lab, namespace kvchaos)",
    ]
    assert canvas.painted[before:] == ["nothing of a fault is left"]
    assert canvas.panels >= 1
    assert canvas.closed >= 1


@pytest.mark.parametrize("error", [BrokenPipeError("gone"), ValueError("closed"), KeyError("odd")])
def test_a_view_that_breaks_ends_itself_and_nothing_else(error: Exception) -> None:
    """No reader any more, a closed stream, a mistake of ours."""
    canvas = Canvas(breaks=error)
    view = Viewer(canvas, name="e.json", every=60)
    view.opened(Followed())

    assert view.look() is True
    view.closing()
    assert (canvas.painted, canvas.panels) == ([], 0)


def test_what_is_logged_is_shown_if_it_is_news() -> None:
    """Warnings always; kvchaos's own words before there is a run; none of what is told anyway."""
    ours = logging.getLogger("chaostoolkit.ours")
    canvas = Canvas()
    view = Viewer(canvas, name="e.json", every=60)
    with log() as (logger, stream):
        view.begin()
        logger.info("Action: warm")
        ours.info("starting the lab")
        view.opened(Followed([]))
        ours.info("injected")
        logger.warning("Rollbacks were explicitly requested to be played")
        logger.warning("Received the exit signal: 20")
        logger.warning("odd")
        view.closing()
        logger.info("as before")

    assert canvas.painted == [HEAD, "starting the lab", "odd"]
    assert stream.getvalue() == "as before\n"


def test_a_broken_view_gives_the_log_back() -> None:
    """What is critical is not lost with it."""
    view = Viewer(Canvas(breaks=OSError("gone")), name="e.json", every=60)
    with log() as (logger, stream):
        view.begin()
        view.opened(Followed())
        view.look()
        logger.critical("stopping")
        view.closing()

    assert stream.getvalue() == "stopping\n"


@dataclass
class Unread(Canvas):
    """Does not come back from a line until it is ``read``."""

    began: threading.Event = field(default_factory=threading.Event)
    read: threading.Event = field(default_factory=threading.Event)

    def line(self, told: Told) -> None:
        self.began.set()
        self.read.wait(PATIENCE)
        super().line(told)


def test_a_painter_that_does_not_come_back_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither who logs something, nor who ends the run: the rest is left out, not painted late."""
    monkeypatch.setattr(viewer_module, "STOP", 0.01)
    canvas = Unread()
    view = Viewer(canvas, name="e.json")
    with log() as (logger, stream):
        view.begin()
        view.opened(Followed())
        assert canvas.began.wait(PATIENCE)
        logger.critical("stopping")
        view.closing()
        logger.critical("finished")
        before, closed = len(canvas.painted), canvas.closed
        canvas.read.set()
        view._thread.join(PATIENCE)

    assert (before, closed, canvas.closed) == (1, 0, 1)
    assert "stopping" not in canvas.painted
    assert stream.getvalue() == "finished\n"


def test_what_is_logged_is_painted_by_the_view_alone() -> None:
    """Whoever logs something may be about to end a fault."""
    painters: list[str] = []

    class Signed(Canvas):
        def said(self, text: str) -> None:
            painters.append(threading.current_thread().name)

    view = Viewer(Signed(), name="e.json", every=0.01)
    with log() as (logger, _):
        view.begin()
        logger.critical("stopping")
        while not painters:
            assert view._thread.is_alive()
            view._thread.join(0.01)
        view.closing()

    assert painters == ["kvchaos-view"]


def test_what_a_broken_view_left_unsaid_is_in_the_log() -> None:
    """It was put aside for a look that never came."""

    class Broken(Canvas):
        def said(self, text: str) -> None:
            raise KeyError(text)

    view = Viewer(Broken(), name="e.json", every=60)
    with log() as (logger, stream):
        view._logs.begin()
        logger.critical("stopping")
        view.look()

    assert stream.getvalue() == "stopping\n"


@pytest.mark.parametrize(("wanted", "shown"), [(True, ""), (False, "valid\n")])
def test_checks_are_quiet(wanted: bool, shown: str) -> None:
    """Unless the log itself is what is looked at; an error is told in both cases."""
    with log() as (logger, stream), quiet(wanted):
        logger.info("valid")
        logger.error("not valid")

    assert stream.getvalue() == f"{shown}not valid\n"


def test_plain_lines_have_no_colours_and_take_any_encoding() -> None:
    """For a pipe, a file, a CI log."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    painter = PlainPainter(stream)
    painter.heading("é")
    painter.said("\x1b[32m[INFO]\x1b[39m up\n")
    painter.line(Told(1.5, "FAULT ON", "fail"))
    painter.close()

    assert raw.getvalue() == b"?\n[INFO] up\n   1.50  FAULT ON\n"


@contextmanager
def terminal(kind: str = "xterm-256color") -> Iterator[tuple[Any, int]]:
    """A stream on a terminal, and the other end of it."""
    outer, inner = pty.openpty()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(inner, "w", encoding="utf-8") as stream:
        patch.setenv("TERM", kind)
        patch.setenv("COLUMNS", "60")
        patch.setenv("LINES", "20")
        patch.delenv("NO_COLOR", raising=False)
        try:
            yield stream, outer
        finally:
            os.close(outer)


def painter_of(view: str, stream: Any) -> type | None:
    found = viewer(view, "e.json", stream=stream)
    return type(found[0]._painter) if found else None


def test_the_view_fits_where_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live needs a terminal that moves its cursor, whatever is said of colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    closed = io.StringIO()
    closed.close()
    with terminal() as (there, _), terminal("dumb") as (_, __):
        assert painter_of("plain", there) is PlainPainter
        assert painter_of("log", there) is None
    with terminal() as (there, _):
        assert (painter_of("auto", there), painter_of("live", there)) == (LivePainter,) * 2
    with terminal("dumb") as (dumb, _):
        assert painter_of("auto", dumb) is PlainPainter
    assert painter_of("live", io.StringIO()) is PlainPainter
    assert painter_of("auto", closed) is PlainPainter


def read(outer: int) -> str:
    """All that was written to the terminal so far."""
    parts = []
    while select.select([outer], [], [], 0)[0]:
        parts.append(os.read(outer, 65536))
    return b"".join(parts).decode()


def test_a_live_view_leaves_the_terminal_as_it_was() -> None:
    """The cursor shows whatever happens next, and the panel is gone when the summary comes."""
    with terminal() as (stream, outer):
        painter = LivePainter(Sheet(file=stream))
        view = Viewer(painter, name="e.json", every=60)
        view.opened(Followed(builders.run_that_recovered()[:3]))
        view.look()
        shown = read(outer)
        view.closing()
        rest = read(outer)

    assert "phase" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "\x1b[2K" in rest


def test_a_view_whose_terminal_is_gone_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ``SystemExit`` of rich's comes out of it, which would read as a stop."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        view = Viewer(LivePainter(Sheet(file=stream)), name="e.json", every=60)
        view.opened(Followed())

        assert view.look() is True
        view.closing()


def test_no_panel_is_drawn_for_who_does_not_read() -> None:
    """It would be old when it is read; lines are news even then."""

    class Stopped(io.StringIO):
        is_behind = True

    stream = Stopped()
    painter = LivePainter(Sheet(file=stream, force_terminal=True))
    view = Viewer(painter, name="e.json", every=60)
    view.opened(Followed(builders.run_that_recovered()[:3]))

    view.look()

    assert "phase" not in stream.getvalue()
    assert "kvchaos-lab" in stream.getvalue()
