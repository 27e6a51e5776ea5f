"""Seeded KV events as an engine publishes them, with what an index has to hold after each batch.

They come from the engine double's own scheduler and block pool, so prefixes are shared, blocks are
chained by hash, evicted least recently used, stored again, and cleared all at once now and then:
what a router's own tests feed to it without a cluster. The same seed gives the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from kvchaos.kvevents.wire import VLLM, Batch, Dialect, Event, block_hash, encode
from kvchaos.sim.engine.hashing import BlockHasher
from kvchaos.sim.engine.pool import BlockPool
from kvchaos.sim.engine.scheduler import Request, Scheduler
from kvchaos.traffic.prompts import Prompts

FAMILIES = 8


class EventGenerator:
    """One engine rank's stream; ``pool`` is how many blocks it has, so how soon it evicts.

    ``clear_every``: the share of batches before which the cache is reset.
    """

    def __init__(
        self,
        seed: int,
        *,
        engine: str = "engine",
        pool: int = 64,
        block_size: int = 16,
        clear_every: float = 0.02,
    ) -> None:
        self._rng = Random(f"{seed}/{engine}")  # noqa: S311  # reproducible, not secret
        self._prompts = Prompts(seed, run=engine, block_size=block_size)
        self._prefixes = [self._prompts.take(self._rng.randint(1, 4)) for _ in range(FAMILIES)]
        self._pool = BlockPool(pool)
        self._scheduler = Scheduler(self._pool, hasher=BlockHasher(), block_size=block_size)
        self._clear_every = clear_every
        self._number = 0

    def batches(self, count: int) -> Iterator[Batch]:
        """The next ``count`` batches, none of them empty; ``held`` changes with each."""
        for _ in range(count):
            yield self._batch()

    def payloads(self, count: int, *, dialect: Dialect = VLLM) -> Iterator[bytes]:
        """The same as they go over the wire, in a dialect of ``kvchaos.kvevents.wire``."""
        for batch in self.batches(count):
            yield encode(batch, dialect)

    def held(self) -> frozenset[int]:
        """The hashes (unsigned 64 bit) that the engine caches after the newest batch."""
        return frozenset(block_hash(name) for name in self._pool.held())

    def _batch(self) -> Batch:
        events: list[Event] = []
        while not events:
            if self._number and self._rng.random() < self._clear_every:
                self._scheduler.reset()
            self._scheduler.add(self._request())
            while self._scheduler.load:
                events += self._scheduler.step().events
        self._number += 1
        return Batch(float(self._number), events, 0)

    def _request(self) -> Request:
        prefix = self._rng.choice(self._prefixes)
        return Request(self._prompts.take(self._rng.randint(1, 3), after=prefix), max_tokens=1)
