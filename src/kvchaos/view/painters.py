"""Where lines and panel go: in place on a terminal, one after the other elsewhere."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from kvchaos.report.layout import hanging
from kvchaos.report.summary import STYLES
from kvchaos.view.panel import Panel
from kvchaos.view.words import Told

NARROWEST = 30  # columns, below which a terminal breaks the lines


class Painter(Protocol):
    """Shows lines that stay and a panel that changes; errors are those of its stream."""

    def heading(self, text: str) -> None: ...

    def line(self, told: Told) -> None: ...

    def said(self, text: str) -> None:
        """What somebody logged, with its colours."""
        ...

    def panel(self, panel: Panel) -> None: ...

    def close(self) -> None:
        """Leave the terminal as it was; again: nothing."""
        ...


class PlainPainter:
    """Plain text, a line each, in no need of a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def heading(self, text: str) -> None:
        self._write(text)

    def line(self, told: Told) -> None:
        self._write(f"{told.at:7.2f}  {told.text}")

    def said(self, text: str) -> None:
        self._write(Text.from_ansi(text.rstrip("\n")).plain)

    def panel(self, panel: Panel) -> None:
        """Nothing: what changes in place has no place here."""

    def close(self) -> None:
        """Nothing is left to restore."""

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        said = text.encode(encoding, errors="replace").decode(encoding)
        self._stream.write(f"{said}\n")
        self._stream.flush()


class LivePainter:
    """Lines scroll by above a panel at the bottom.

    The cursor stays visible and no mode of the terminal is changed, so that a process that is
    killed leaves nothing to be repaired.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None

    def heading(self, text: str) -> None:
        self._print(Text(text, style="bold"))

    def line(self, told: Told) -> None:
        stamp = f"{told.at:7.2f}  "
        width = max(NARROWEST, self._console.width - 1)
        style = STYLES.get(told.style, told.style)
        for row in hanging(((stamp, "dim"),), told.text, width=width, style=style):
            self._print(Text.assemble(*row))

    def said(self, text: str) -> None:
        self._print(Text.from_ansi(text.rstrip("\n")))

    def panel(self, panel: Panel) -> None:
        if getattr(self._console.file, "is_behind", False):  # it would be old when it is read
            return
        if self._live is None:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start()
            self._console.show_cursor(True)
        self._live.update(panel, refresh=True)

    def close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError, ValueError):  # the terminal may be gone
                live.stop()

    def _print(self, text: Text) -> None:
        said = text.plain.encode(self._console.encoding, errors="replace")
        text.plain = said.decode(self._console.encoding)
        self._console.print(text, highlight=False, soft_wrap=self._live is None)
