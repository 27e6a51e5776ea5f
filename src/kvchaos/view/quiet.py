"""What is logged while a run is shown: handed to the view, without what the view tells itself."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LOGGER = "chaostoolkit"
"""Where Chaos Toolkit logs, and kvchaos within a run."""
NO_NEWS = ("Rollbacks were explicitly requested", "Received the exit signal")
"""Warnings of Chaos Toolkit's: that every experiment of ours asks for, and a number of ours."""


class Quiet(logging.Filter):
    """From ``begin`` to ``end`` what is logged for the terminal goes to ``say``, if it is news.

    Of what is for information, that is what kvchaos says before there is a run to follow
    (``followed``). Warnings and errors always are. Log files get everything, as before.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        super().__init__()
        self.followed = False
        self._said = _Said(say)
        self._taken: list[tuple[logging.StreamHandler[Any], Any]] = []

    def begin(self) -> None:
        """Take over the handlers that write to the terminal."""
        for handler in logging.getLogger(LOGGER).handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream in (
                sys.stderr,
                sys.stdout,
            ):
                self._taken.append((handler, handler.stream))
                handler.setStream(self._said)
                handler.addFilter(self)

    def end(self, unsaid: deque[str] | None = None) -> None:
        """Give them back, and to one of them what was left ``unsaid``. Again: nothing."""
        while self._taken:
            handler, stream = self._taken.pop()
            handler.removeFilter(self)
            handler.setStream(stream)
            while unsaid:
                with suppress(OSError, ValueError):  # nobody reads it any more
                    stream.write(unsaid.popleft())

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno <= logging.INFO:
            return record.name != LOGGER and not self.followed
        return not str(record.msg).startswith(NO_NEWS)


class _Said:
    """As much of a stream as a handler needs."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say

    def write(self, text: str) -> int:
        self._say(text)
        return len(text)

    def flush(self) -> None:
        """Everything is handed over as it comes."""
