"""The thread that owns all event sockets of the router, and with them its index.

What discovery finds comes in through a queue; what HTTP asks is answered under the lock that each
turn of the thread holds, so that an answer never shows half a batch.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kvchaos.clock import Clock
from kvchaos.errors import EngineUnreachable
from kvchaos.kvevents.replay import ReplayClient
from kvchaos.kvevents.subscriber import Subscription, wait
from kvchaos.sim.router.engines import Engine
from kvchaos.sim.router.feed import Feed
from kvchaos.sim.router.tokens import digests

logger = logging.getLogger(__name__)

TURN = 0.05  # seconds between two looks at discovery's news and at pauses that are over
STOP = 2.0


@dataclass(frozen=True, slots=True)
class Match:
    """How much of a prompt an engine holds, and which of its ranks holds that much."""

    engine: Engine
    rank: int
    tokens: int


class Receiver:
    """Feeds of all engines; ``found`` and ``gone`` may be called from any thread."""

    def __init__(self, *, recover: bool, clock: Clock) -> None:
        self._recover = recover
        self._clock = clock
        self._feeds: dict[str, list[Feed]] = {}
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Close all sockets; returns when that is done, or after a bound."""
        self._stop.set()
        self._thread.join(STOP)

    def found(self, engine: Engine) -> None:
        """Subscribe to ``engine``, or take what is new about it."""
        self._news.put(lambda: self._found(engine))

    def gone(self, uid: str) -> None:
        """Forget the pod of that uid and all that it held."""
        self._news.put(lambda: self._gone(uid))

    def keep_only(self, uids: set[str]) -> None:
        """Forget all pods but these."""
        self._news.put(lambda: self._keep_only(uids))

    def views(self) -> list[dict[str, Any]]:
        """All ranks as ``GET /index`` shows them, as of one moment."""
        with self._lock:
            return [feed.view() for feed in self._all()]

    def feeds(self) -> list[tuple[dict[str, Any], int]]:
        """All ranks as in ``views``, each with the number of its messages that were unreadable."""
        with self._lock:
            return [(feed.view(), feed.malformed) for feed in self._all()]

    def match(self, tokens: Sequence[int]) -> list[Match]:
        """For each engine its rank that holds most of the prompt ``tokens``."""
        cut: dict[int, list[bytes]] = {}
        with self._lock:
            return [_best(feeds, tokens, cut) for feeds in self._feeds.values() if feeds]

    def block_size(self) -> int | None:
        """Tokens in a block, of the first engine that told one."""
        with self._lock:
            return next((size for feed in self._all() if (size := feed.blocks.block_size)), None)

    def _all(self) -> Iterator[Feed]:
        for feeds in self._feeds.values():
            yield from feeds

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                wait(self._sources(), TURN)
                with self._lock:
                    self._turn()
        finally:
            for feed in self._all():
                feed.close()

    def _sources(self) -> list[Subscription | ReplayClient]:
        subscriptions = [feed.subscription for feed in self._all()]
        return [*subscriptions, *(feed.replay for feed in self._all() if feed.replay is not None)]

    def _turn(self) -> None:
        while not self._news.empty():
            self._news.get()()
        for feed in self._all():
            feed.turn()

    def _found(self, engine: Engine) -> None:
        known = self._feeds.get(engine.uid)
        if known and known[0].engine.is_at(engine):
            for feed in known:
                feed.update(engine)
            return
        self._gone(engine.uid)
        self._feeds[engine.uid] = list(self._open(engine))
        logger.info("%s: found at %s, %d rank(s)", engine.pod, engine.address, len(engine.ranks))

    def _open(self, engine: Engine) -> Iterator[Feed]:
        for rank in range(len(engine.ranks)):
            try:
                yield Feed(engine, rank, recover=self._recover, clock=self._clock)
            except EngineUnreachable as error:
                logger.warning("%s/%d: %s", engine.pod, rank, error)

    def _gone(self, uid: str) -> None:
        for feed in self._feeds.pop(uid, []):
            feed.close()
            logger.info("%s/%d: dropped", feed.engine.pod, feed.rank)

    def _keep_only(self, uids: set[str]) -> None:
        for uid in self._feeds.keys() - uids:
            self._gone(uid)


def _best(feeds: Sequence[Feed], tokens: Sequence[int], cut: dict[int, list[bytes]]) -> Match:
    """The best match among an engine's ranks; ``cut`` keeps digests by block size."""
    best = Match(feeds[0].engine, 0, 0)
    for feed in feeds:
        size = feed.blocks.block_size
        if size is None:
            continue
        if size not in cut:
            cut[size] = digests(tokens, size)
        held = feed.match(cut[size]) * size
        if held > best.tokens:
            best = Match(feed.engine, feed.rank, held)
    return best
