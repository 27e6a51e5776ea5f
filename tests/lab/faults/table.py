"""A table for people: columns as wide as what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """``head``, a line, ``rows``; numbers to the right, words to the left."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(_padded, row, widths)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def counted(words: Iterable[object]) -> str:
    """``2 x aborted, 1 x pass``, the most frequent first."""
    return ", ".join(f"{count} x {word}" for word, count in Counter(words).most_common()) or "-"


def _padded(cell: str, width: int) -> str:
    return cell.rjust(width) if cell.replace(".", "").isdigit() else cell.ljust(width)
