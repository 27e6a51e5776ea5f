"""Standard output and error that keep nobody waiting, whoever does not read them.

The rule: a terminal that was stopped, or a pipe whose reader sleeps, delays no recovery and keeps
no process from ending. What is not read in time is lost; the run's folder has it all.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

LOGGER = "chaostoolkit"
PATIENCE = 5.0  # seconds at the end for whoever reads slowly
MOST = 1 << 20  # bytes that wait to be read; what comes then is lost
BEHIND = 1 << 14  # bytes from which on it makes no sense to draw
PIECE = 4096  # bytes that are written at once


class Writer:
    """Writes to one file, in the order in which it was asked to, on a thread of its own."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._change = threading.Condition()
        self._is_open = True
        self.size = 0  # bytes that wait
        threading.Thread(target=self._loop, name="kvchaos-outlet", daemon=True).start()

    def put(self, descriptor: int, piece: bytes) -> bool:
        """Whether it will be written, or lost because too much waits; not so once it is closed."""
        with self._change:
            if self._is_open and piece and self.size + len(piece) <= MOST:
                self._waiting.append((descriptor, piece))
                self.size += len(piece)
                self._change.notify_all()
            return self._is_open

    def drained(self, timeout: float) -> bool:
        """Whether all was written, after ``timeout`` seconds at most."""
        with self._change:
            return self._change.wait_for(lambda: not self.size, timeout)

    def close(self) -> None:
        """End the thread once it has written what it has."""
        with self._change:
            self._is_open = False
            self._change.notify_all()

    def _loop(self) -> None:
        while (asked := self._next()) is not None:
            with suppress(OSError):  # nobody reads any more: that is no error of a run
                _write(*asked)
            with self._change:
                self.size -= len(asked[1])
                self._change.notify_all()

    def _next(self) -> tuple[int, bytes] | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or not self._is_open)
            return self._waiting.popleft() if self._waiting else None


class Outlet:
    """Takes text for ``stream``, which has a descriptor, and leaves the waiting to ``writer``.

    All else is as the stream has it: whether it is a terminal, its encoding. Once the writer is
    closed, text is written here and now.
    """

    def __init__(self, stream: TextIO, writer: Writer) -> None:
        self._stream = stream
        self._writer = writer
        self._descriptor = stream.fileno()
        stream.flush()

    def write(self, text: str) -> int:
        """Have it written; returns at once."""
        if not isinstance(text, str):
            raise TypeError(f"text is to be written, not {type(text).__name__}")
        piece = text.encode(self._stream.encoding, self._stream.errors or "strict")
        if not self._writer.put(self._descriptor, piece):
            self._stream.write(text)
            self._stream.flush()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """What was given is on its way already."""

    @property
    def is_behind(self) -> bool:
        """Whether more waits to be read than a view should add to."""
        return self._writer.size > BEHIND

    def drained(self, timeout: float = PATIENCE) -> bool:
        """Whether all that was given was read, after ``timeout`` seconds at most."""
        return self._writer.drained(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def outlets() -> Iterator[None]:
    """Whoever prints or logs within waits for no reader; at the end there is a bounded wait.

    What is unread even then is lost, and so is what is said after it: that, too, must not keep the
    process from ending.
    """
    before = sys.stdout, sys.stderr
    writers: dict[tuple[int, ...], Writer] = {}
    made = [_outlet(stream, writers) for stream in before]
    sys.stdout, sys.stderr = (cast("TextIO", each) for each in made)
    taken = _take_logs(before, made)
    try:
        yield
    finally:
        if not [each for each in writers.values() if not each.drained(PATIENCE)]:
            for writer in writers.values():
                writer.close()
            for handler, stream in taken:
                handler.setStream(stream)
            sys.stdout, sys.stderr = before


def _outlet(stream: Any, writers: dict[tuple[int, ...], Writer]) -> Any:
    """For one that could be waited for: not what has no descriptor, or is an outlet already."""
    if stream is None or isinstance(stream, Outlet):
        return stream
    try:
        file = os.fstat(stream.fileno())
        which = (file.st_dev, file.st_ino, file.st_rdev)
        if which not in writers:
            writers[which] = Writer()
        return Outlet(stream, writers[which])
    except (OSError, ValueError):  # it is closed, or in memory
        return stream


def _take_logs(
    before: Sequence[Any], made: Sequence[Any]
) -> list[tuple[logging.StreamHandler[Any], Any]]:
    """Handlers that hold one of these streams get what was made of it; with what they had."""
    taken = []
    for handler in logging.getLogger(LOGGER).handlers:
        if not isinstance(handler, logging.StreamHandler):
            continue
        for old, new in zip(before, made, strict=True):
            if old is not new and handler.stream is old:
                taken.append((handler, handler.setStream(new)))
                break
    return taken


def _write(descriptor: int, piece: bytes) -> None:
    while piece:
        select.select([], [descriptor], [])
        piece = piece[os.write(descriptor, piece[:PIECE]) :]
