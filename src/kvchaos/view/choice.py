"""Which view a run gets: what was asked for, or what the place it is shown in can do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from kvchaos.report.console import Sheet
from kvchaos.view.painters import LivePainter, PlainPainter
from kvchaos.view.quiet import Quiet
from kvchaos.view.viewer import Viewer

VIEWS = ("auto", "live", "plain", "log")


def viewer(view: str, name: str, *, stream: TextIO | None = None) -> list[Viewer]:
    """What shows the experiment ``name`` on ``stream`` (standard error); ``log``: nothing does.

    ``live`` needs a terminal that can move its cursor; without one lines are plain.
    """
    stream = stream or _standard_error()
    if view == "log" or stream is None:  # as it is when it was closed before we began
        return []
    console = Sheet(file=stream)
    can_draw = _is_terminal(stream) and not console.is_dumb_terminal
    painter = LivePainter(console) if can_draw and view != "plain" else PlainPainter(stream)
    return [Viewer(painter, name=name)]


@contextmanager
def quiet(is_wanted: bool) -> Iterator[None]:
    """What is logged meanwhile for information only is not shown, where that is wanted."""
    stream = _standard_error()
    logs = Quiet(stream.write if stream else str)
    if is_wanted:
        logs.begin()
    try:
        yield
    finally:
        logs.end()


def _is_terminal(stream: TextIO) -> bool:
    """What ``FORCE_COLOR`` says is about colours: a pipe cannot be drawn in."""
    try:
        return stream.isatty()
    except ValueError:  # it is closed
        return False


def _standard_error() -> TextIO | None:
    return sys.stderr
