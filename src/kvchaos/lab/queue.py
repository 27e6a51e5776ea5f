"""A work queue for a reconciler: each key once, one at a time, again after errors or a delay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from kvchaos.errors import ClusterError, Conflict, LabError, NotFound
from kvchaos.lab.informer import Key

logger = logging.getLogger(__name__)

_CONFLICT_SECONDS = 0.02
_ERROR_SECONDS = 0.5

Reconcile = Callable[[Key], Awaitable[float | None]]


class WorkQueue:
    """Calls ``reconcile(key)`` for keys that were added; what it returns is when to come again.

    None means: when the key is added next. A key added while it is worked on is worked on again.
    """

    def __init__(self, name: str, reconcile: Reconcile) -> None:
        self._name = name
        self._reconcile = reconcile
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def add(self, key: Key) -> None:
        """Have ``key`` worked on soon."""
        if key not in self._waiting:
            self._waiting.add(key)
            self._queue.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have ``key`` worked on in ``seconds``, or earlier if something adds it."""
        loop = asyncio.get_running_loop()
        old = self._timers.get(key)
        if old is not None and not old.cancelled() and old.when() <= loop.time() + seconds:
            return
        if old is not None:
            old.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            key = await self._queue.get()
            self._waiting.discard(key)
            again = await self._work(key)
            if again is not None:
                self.add_after(key, again)

    async def _work(self, key: Key) -> float | None:
        try:
            return await self._reconcile(key)
        except NotFound as error:
            logger.info("%s %s/%s: gone meanwhile: %s", self._name, *key, error)
            return None
        except Conflict:
            return _CONFLICT_SECONDS
        except (ClusterError, LabError) as error:
            logger.warning("%s %s/%s: %s", self._name, *key, error)
            return _ERROR_SECONDS
        except (KeyError, TypeError, ValueError):  # one odd object is not to end the lab
            logger.exception("%s %s/%s makes no sense", self._name, *key)
            return None

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
