"""Which engine gets a request: the one that holds most of its prefix, then the least busy."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from kvchaos.sim.router.engines import Engine
from kvchaos.sim.router.receiver import Match


class Routing:
    """Counts the requests under way at each engine, and chooses among ready ones."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._turn = 0

    def choose(self, matches: Iterable[Match]) -> Match | None:
        """The best ready engine; among equals the one chosen longest ago. None: there is none."""
        ready = [match for match in matches if match.engine.ready]
        return min(ready, key=self._order, default=None)

    @contextlib.contextmanager
    def running(self, engine: Engine) -> Iterator[None]:
        """Count a request at ``engine`` while it is under way."""
        uid = engine.uid
        self._turn += 1
        self._last[uid] = self._turn
        self._running[uid] += 1
        try:
            yield
        finally:
            self._running[uid] -= 1

    def keep_only(self, uids: set[str]) -> None:
        """Forget engines that are no more."""
        for uid in self._last.keys() - uids:
            del self._last[uid]
            if not self._running[uid]:
                del self._running[uid]

    def _order(self, match: Match) -> tuple[int, int, int]:
        uid = match.engine.uid
        return -match.tokens, self._running[uid], self._last.get(uid, 0)
