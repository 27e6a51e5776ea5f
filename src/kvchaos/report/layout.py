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
_JOIN = "\u00a0"  # at which no line is broken; ``printable`` leaves none of others
_FIGURE = re.compile(r"(?<=[0-9]) (?=(?:ms|s|min|h)\b|%)")
"""The blank between a figure and its unit."""
NOISE = re.compile(r"chaoslib\.exceptions\.ActivityFailed: |kvchaos\.errors\.(?=\w+:)")


def plain(lines: list[Line]) -> str:
    """The lines as text, without trailing blanks."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines) + "\n"


def heading(text: str, aside: str = "", *, width: int = 100) -> list[Line]:
    """A title after an empty line; ``aside`` stands beside it, unstressed, or below it."""
    if not aside:
        return [BLANK, ((text, "bold"),)]
    return [BLANK, *hanging(((text, "bold"), ("  ", "")), aside, width=width, style="dim")]


def paragraph(text: str, *, width: int, indent: int = 2, style: str = "") -> list[Line]:
    """The text in lines of at most ``width``, each indented."""
    return hanging(((" " * indent, ""),), text, width=width, style=style)


def hanging(head: Line, text: str, *, width: int, style: str = "") -> list[Line]:
    """``head``, then the text; further lines of it begin below where it began.

    A head that leaves no room for text, or breaks a name that could be whole, has a line of its
    own.
    """
    column = sum(len(each) for each, _ in head)
    longest = max(map(len, text.split()), default=0)
    is_said = any(each.strip() for each, _ in head)
    if is_said and (column > width - 20 or width - column < longest <= width - 4):
        return [head, *paragraph(text, width=width, indent=4, style=style)]
    whole = _FIGURE.sub(_JOIN, printable(text))
    wrapped = textwrap.wrap(whole, width=max(1, width - column), break_on_hyphens=False) or [""]
    pieces = [each.replace(_JOIN, " ") for each in wrapped]
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
