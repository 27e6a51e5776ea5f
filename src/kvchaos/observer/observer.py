"""The observer: a thread that follows every engine's events and knows what each should hold.

The one rule guarded here: whatever keeps it from seeing (a stream cut, a replay not answered, the
API server away, its own end) makes the engines concerned unknown, with the reason.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from kvchaos.clock import Clock
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Expected, Oracle
from kvchaos.kvevents.subscriber import wait
from kvchaos.observer.follower import Follower
from kvchaos.observer.openfiles import allow
from kvchaos.observer.podwatch import PodWatch
from kvchaos.observer.roster import Roster
from kvchaos.observer.settings import Bounds, Ports, Transport
from kvchaos.observer.transport import Engines, open_dial

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Emit = Callable[[str, Mapping[str, Any]], None]
NO_ENGINES = "engines"
"""Under this name ``wait_ready`` tells that there is none."""
COUNTS = ("batches", "blocks", "malformed", "unknown_events", "unmatched_removals")
FILES = 65_536
"""Open files that are wanted of the system: six for each engine, more through a port-forward."""
HELD_UP = "the observer is held up"


class Observer:
    """Follows the engines with ``selector`` in ``namespace``; any thread may ask it anything.

    ``emit("stream", fields)`` is called from the receive thread, as it happens, with the fields of
    the history's ``stream``. Rank r's ports are ``event_port + r`` and ``replay_port + r``. An
    engine whose blocks are not of ``block_size`` tokens, if that is given, is never complete.
    """

    def __init__(
        self,
        cluster: Engines,
        *,
        namespace: str,
        selector: str,
        event_port: int = 5557,
        replay_port: int = 5558,
        ranks: int = 1,
        block_size: int | None = None,
        transport: str = Transport.AUTO,
        emit: Emit,
        clock: Clock,
        bounds: Bounds | None = None,
    ) -> None:
        self._bounds = bounds or Bounds()
        self._emit = emit
        self._clock = clock
        self._place = f"with {selector} in namespace {namespace}"
        self._oracle = Oracle()
        self._told: list[Json] = []
        self._looked_at = clock.now()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._watch = PodWatch(cluster, namespace=namespace, selector=selector)
        self._thread = threading.Thread(target=self._run, name="kvchaos-observer", daemon=True)
        self._bridge: AbstractContextManager[object]
        dial, self._bridge = open_dial(Transport(transport), cluster)
        self._roster = Roster(
            oracle=self._oracle,
            ports=Ports(event=event_port, replay=replay_port, ranks=ranks),
            dial=dial,
            bounds=self._bounds,
            tell=self._told.append,
            block_size=block_size,
        )

    def start(self) -> None:
        """Begin to watch and to follow; returns at once."""
        allow(FILES)
        self._watch.start()
        self._thread.start()

    def stop(self) -> None:
        """End all of it, within a bound; what is known can still be asked. Again is harmless."""
        self._stop.set()
        self._watch.stop(self._bounds.stop)
        if self._thread.ident is not None:
            self._thread.join(self._bounds.stop)
        self._bridge.__exit__(None, None, None)

    def wait_ready(self, timeout: float) -> dict[str, str]:
        """Waits until all engines are completely known; else what is not, and why, after
        ``timeout`` seconds: by engine label, or ``engines`` when there is none. Where only
        engines with blocks of another size are left, nobody waits.
        """
        deadline = self._clock.now() + timeout
        with self._changed:
            while unready := self._unready():
                left = deadline - self._clock.now()
                in_vain = len(unready) <= self._roster.with_other_blocks()
                if left <= 0 or self._stop.is_set() or in_vain:
                    break
                self._changed.wait(min(left, 1.0))
            return unready

    def expected(self) -> dict[EngineId, Expected]:
        """What each engine should be indexed with; not complete where that is not known now."""
        with self._changed:
            found = self._oracle.expected()
            for engine, trouble in self._troubles().items():
                if found[engine].complete:
                    found[engine] = replace(found[engine], complete=False, reason=trouble)
            return found

    def alive(self) -> set[str]:
        """The names of the engine pods that are there, those that are terminating included."""
        with self._changed:
            return self._roster.alive()

    def engines(self) -> list[EngineId]:
        """The engines of the pods that are there, in order of their names."""
        with self._changed:
            return sorted(self._roster.followers)

    def head(self, engine: EngineId) -> int | None:
        """The seq applied last in the engine's epoch; None before the first, or for no engine."""
        with self._changed:
            follower = self._roster.followers.get(engine)
            return follower.head if follower else None

    def block_size(self, engine: EngineId) -> int | None:
        """Tokens of a block, as the engine's events say; None before the first, or no engine."""
        with self._changed:
            follower = self._roster.followers.get(engine)
            return follower.block_size if follower else None

    def rates(self) -> dict[str, dict[str, int]]:
        """Batches, blocks and gaps of each engine that is there, since the start, by its label."""
        with self._changed:
            followed = sorted(self._roster.followers.items())
            return {engine.label: follower.rates() for engine, follower in followed}

    def status(self) -> Json:
        """The fields of the history's ``observer``, counts since the start."""
        expected = self.expected()
        counts = Counter(dict.fromkeys(COUNTS, 0))
        with self._changed:
            counts.update(self._roster.gone)
            for follower in self._roster.followers.values():
                counts.update(follower.counts())
        unknown = {engine.label: each.reason for engine, each in expected.items() if each.reason}
        return {"up": not self._down(), "engines": len(expected), **counts, "incomplete": unknown}

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                links = self._roster.links()
                ready = wait(links, self._bounds.poll)
                self._turn([links[link] for link in ready])
                self._tell()
                if len(links) > self._bounds.crowd:
                    self._stop.wait(len(links) * self._bounds.rest)
        finally:
            with self._changed:
                self._roster.close()
                self._changed.notify_all()

    def _turn(self, ready: Iterable[Follower]) -> None:
        """One round: pods that changed, links to open, then what came from who is ``ready``."""
        with self._changed:
            for change in self._watch.changes():
                self._roster.take(change)
        links = self._roster.dial(self._clock.now())  # whoever asks does not wait for the network
        with self._changed:
            self._looked_at = now = self._clock.now()
            self._roster.adopt(links, now)
            due = [each for each in self._roster.followers.values() if each.is_due(now)]
            for follower in dict.fromkeys([*ready, *due]):
                follower.turn(now)
            self._changed.notify_all()

    def _tell(self) -> None:
        told = self._told.copy()
        del self._told[: len(told)]
        for fields in told:
            self._emit("stream", fields)

    def _unready(self) -> dict[str, str]:
        why = {engine.label: trouble for engine, trouble in self._troubles().items()}
        for engine, follower in self._roster.followers.items():
            if follower.incomplete:
                why[engine.label] = follower.incomplete
        if not self._roster.followers:
            why[NO_ENGINES] = self._down() or self._watch.error or f"no pod {self._place}"
        return why

    def _troubles(self) -> dict[EngineId, str]:
        blind = self._down() or self._watch.error or self._held_up()
        troubles = {
            engine: blind or self._roster.trouble(follower)
            for engine, follower in self._roster.followers.items()
        }
        return {engine: trouble for engine, trouble in troubles.items() if trouble}

    def _down(self) -> str:
        return "" if self._thread.is_alive() else "the observer does not run"

    def _held_up(self) -> str:
        late = self._clock.now() - self._looked_at > self._bounds.late
        return HELD_UP if late else ""
