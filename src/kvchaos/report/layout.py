"""Lines of styled text: one layout for the plain summary and for the one on a terminal. Pure.

A line is a tuple of spans ``(text, style)``; the plain form is the texts alone. The rule: nothing
from outside reaches a line with a control character in it.
"""

from __future__ import annotations

import re
import textwrap
from itertools import groupby

Span = tuple[str, str]
Line = tuple[Span, ...]

BLANK: Line = ()
NOISE = re.compile(r"chaoslib\.exceptions\.ActivityFailed: |kvchaos\.errors\.(?=\w+:)")


def plain(lines: list[Line]) -> str:
    """The lines as text, without trailing blanks."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"


def heading(text: str, aside: str = "") -> list[Line]:
    """A title after an empty line; ``aside`` stands beside it, unstressed."""
    return [BLANK, ((text, "bold"), (f"  {aside}" if aside else "", "dim"))]


def paragraph(text: str, *, width: int, indent: int = 2, style: str = "") -> list[Line]:
    """The text in lines of at most ``width``, each indented."""
    return hanging(((" " * indent, ""),), text, width=width, style=style)


def hanging(head: Line, text: str, *, width: int, style: str = "") -> list[Line]:
    """``head``, then the text; further lines of it begin below where it began.

    A head that leaves no room for text has a line of its own.
    """
    column = sum(len(each) for each, _ in head)
    if column > width - 20:
        return [head, *paragraph(text, width=width, indent=4, style=style)]
    pieces = textwrap.wrap(printable(text), width=width - column, break_on_hyphens=False) or [""]
    rest = [((" " * column, ""), (piece, style)) for piece in pieces[1:]]
    return [(*head, (pieces[0], style)), *rest]


def lane(name: str, cells: str) -> Line:
    """A named lane of a bar; each run of equal cells is a span of the style ``cell <it>``."""
    runs = (("".join(run), f"cell {cell}") for cell, run in groupby(cells))
    return ((f"  {name:7}", ""), *runs)


def printable(text: str) -> str:
    """The text in one line, with every control character made a blank."""
    return "".join(char if char.isprintable() else " " for char in text)


def cleaned(said: str) -> str:
    """An error's text without what only programmers want to know of it."""
    return NOISE.sub("", said)
