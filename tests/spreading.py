"""The order in which the files of tests are played by several workers at once.

Some files mostly wait, for labs and for commands that they start; the others mostly compute. One
kind after the other would leave the processors idle first and be fought over then, so they are
mixed; those that wait longest begin, lest one of them goes on alone at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Protocol, TypeVar

import pytest


class Marked(Protocol):
    """As much of a ``pytest.Item`` as is needed."""

    @property
    def nodeid(self) -> str: ...

    def get_closest_marker(self, name: str) -> pytest.Mark | None: ...


T = TypeVar("T", bound=Marked)


def spread(items: Iterable[T]) -> list[T]:
    """The tests, file by file: those that wait longest first, the others evenly between them."""
    files: dict[str, list[T]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    waiting = sorted(filter(_waits, files.values()), key=_longest, reverse=True)
    computing = [file for file in files.values() if not _waits(file)]
    placed = [*_evenly(waiting), *_evenly(computing)]
    return [item for _, file in sorted(placed, key=itemgetter(0)) for item in file]


def _evenly(files: list[list[T]]) -> Iterator[tuple[float, list[T]]]:
    """The files, each with the share of the whole before it."""
    return ((number / len(files), file) for number, file in enumerate(files))


def _waits(file: list[T]) -> bool:
    return any(item.get_closest_marker("lab") or _patience(item) for item in file)


def _longest(file: list[T]) -> tuple[float, int]:
    """By the time that a test of it may take, as its mark says, then by their number."""
    return max(map(_patience, file)), len(file)


def _patience(item: Marked) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0
