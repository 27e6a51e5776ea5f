"""Follows a run by its history and has it painted, on a thread of its own.

The rule: it only reads. Whatever it trips over ends the view, never the run, and leaves the
terminal as it was; and no thread but its own waits for somebody to read what is painted.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from kvchaos.repeating import Repeating
from kvchaos.verdict.events import Event
from kvchaos.view.painters import Painter
from kvchaos.view.panel import Panel
from kvchaos.view.quiet import Quiet
from kvchaos.view.story import Story
from kvchaos.view.words import told

logger = logging.getLogger(__name__)

EVERY = 0.2  # seconds between two looks
STOP = 2.0  # seconds to wait for one that is under way
MOST = 1000  # lines that were logged and not painted yet


class Followed(Protocol):
    """What a view needs of a run."""

    @property
    def doing(self) -> str:
        """The activity that is under way; empty between two."""
        ...

    def events(self) -> Sequence[Event]: ...

    def at(self) -> float: ...


class Viewer(Repeating):
    """Shows one run, from before it begins until its summary is printed."""

    def __init__(self, painter: Painter, *, name: str, every: float = EVERY) -> None:
        super().__init__(name="view", every=every)
        self._painter = painter
        self._name = name
        self._heading = ""
        self._run: Followed | None = None
        self._story = Story()
        self._taken = 0
        self._painting = Lock()
        self._over = False
        self._trouble = ""
        self._said: deque[str] = deque(maxlen=MOST)
        self._logs = Quiet(self._say)

    def begin(self) -> None:
        """Show that something is about to happen, and take over what is logged."""
        self._logs.begin()
        self._heading = f"{self._name}: starting"
        self.start()

    def opened(self, run: Followed) -> None:
        """There is a run to follow."""
        self._logs.followed = True
        self._run = run

    def look(self) -> bool:
        """Paint what is new; True once there is nothing more to paint."""
        self._do(self._paint, patience=STOP)
        return self._over

    def closing(self) -> None:
        """Paint the rest, and leave the terminal to the summary. Again: nothing.

        Where a look does not come back, because nobody reads what it paints, the rest is left out.
        """
        self._logs.end()
        self.stop(STOP)
        self._do(self._rest, patience=0.0)
        self._over = True
        if self._trouble:
            logger.debug("The view ended early: %s", self._trouble)
            self._trouble = ""

    def _say(self, text: str) -> None:
        """For the next look: whoever logs something, about to end a fault, waits for no painter."""
        self._said.append(text)

    def _do(self, paint: Callable[[], None], *, patience: float) -> None:
        """Paint, unless that failed before, or another thread paints for so many seconds."""
        if self._over or not self._painting.acquire(timeout=patience):
            return
        try:
            paint()
        except Exception as error:  # noqa: BLE001 - a broken view is no reason to end a run
            self._over, self._trouble = True, f"{type(error).__name__}: {error}"
        finally:
            if self._over:
                self._painter.close()
            self._painting.release()
        if self._over:
            self._logs.end(unsaid=self._said)

    def _paint(self) -> None:
        run = self._run
        self._words()
        if run is not None:
            self._news()
            self._painter.panel(Panel(self._story, at=run.at(), doing=run.doing, name=self._name))

    def _rest(self) -> None:
        self._words()
        self._news()
        self._over = True

    def _words(self) -> None:
        heading, self._heading = self._heading, ""
        if heading:
            self._painter.heading(heading)
        while self._said:
            self._painter.said(self._said[0])
            self._said.popleft()

    def _news(self) -> None:
        events = self._run.events() if self._run is not None else ()
        for event in events[self._taken :]:
            self._taken += 1
            line = told(event, self._story)
            self._story.take(event)
            if line is not None:
                self._painter.line(line)
