"""One rank's scheduler: requests in, computed step by step, KV-cache events out.

As vLLM v1: in each step every running request computes some tokens within a shared budget, full
blocks are cached as they are scheduled, and the step's events leave together when it is done,
also those of a cache reset before it. Simpler than vLLM in one thing: all blocks of a request,
for its prompt and its output, are taken when it is admitted, so that none is ever preempted.
Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    Event,
    RawHash,
    block_hash,
)
from kvchaos.sim.engine.hashing import BlockHasher, Extra
from kvchaos.sim.engine.pool import Block, BlockPool

MEDIUM = "GPU"
GROUP = 0
KIND = "full_attention"  # llm-d indexes an event with a group only beside its kind


@dataclass(slots=True, eq=False)
class Request:
    """A prompt on its way: its tokens so far, and how far they are computed and cached."""

    tokens: list[int]
    max_tokens: int
    salt: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    computed: int = 0
    stored: int = 0
    blocks: list[Block] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.prompt_tokens = len(self.tokens)

    @property
    def output(self) -> list[int]:
        """The tokens generated so far."""
        return self.tokens[self.prompt_tokens :]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: events to publish, tokens computed, requests that ended."""

    events: list[Event]
    computed: int
    finished: list[Request]


@dataclass(slots=True)
class Counts:
    """Totals since the start, in tokens unless named otherwise."""

    queries: int = 0
    hits: int = 0
    prompt: int = 0
    generated: int = 0
    finished_requests: int = 0


class Scheduler:
    """The requests of one rank over its own block pool."""

    def __init__(
        self,
        pool: BlockPool,
        *,
        hasher: BlockHasher,
        block_size: int = 16,
        budget: int = 8192,
        max_running: int = 256,
        external: Callable[[bytes], RawHash] = block_hash,
    ) -> None:
        """``external``: how a block's name is written in events; vLLM's default is 64 bits."""
        self.pool = pool
        self.block_size = block_size
        self.counts = Counts()
        self.running: list[Request] = []
        self.waiting: deque[Request] = deque()
        self._hasher = hasher
        self._budget = budget
        self._max_running = max_running
        self._external = external
        self._events: list[Event] = []

    @property
    def capacity(self) -> int:
        """The most tokens, prompt and output together, that a request may have."""
        return self.pool.size * self.block_size

    @property
    def load(self) -> int:
        """Requests that are not finished."""
        return len(self.running) + len(self.waiting)

    def add(self, request: Request) -> None:
        """Queue ``request``; its length must be within ``capacity``."""
        self.waiting.append(request)

    def reset(self) -> bool:
        """Empty the prefix cache; False while blocks are in use. Told in the next step's events."""
        if not self.pool.reset():
            return False
        self._events.append(AllBlocksCleared())
        return True

    def step(self) -> Step:
        """Compute one step's tokens, admitting what fits; empty when there is nothing to do."""
        left = self._budget
        for request in self.running:
            left -= self._compute(request, left)
        while left and self._admit():
            left -= self._compute(self.running[-1], left)
        finished = self._sample()
        events, self._events = self._events, []
        return Step(events, self._budget - left, finished)

    def _admit(self) -> bool:
        if not self.waiting or len(self.running) >= self._max_running:
            return False
        request = self.waiting[0]
        self._name(request)
        hits = self.pool.prefix(request.names[: (request.prompt_tokens - 1) // self.block_size])
        new = self._blocks_of(request) - len(hits)
        if not self.pool.fits(hits, new):
            return False
        self._start(self.waiting.popleft(), hits, new)
        return True

    def _start(self, request: Request, hits: list[Block], new: int) -> None:
        self.pool.use(hits)
        blocks, evicted = self.pool.take(new)
        self._events += [
            BlockRemoved(block_hashes=[self._external(name)], medium=MEDIUM, group_idx=GROUP)
            for name in evicted
        ]
        request.blocks = hits + blocks
        request.stored = len(hits)
        request.computed = request.cached_tokens = len(hits) * self.block_size
        self.running.append(request)
        self.counts.queries += request.prompt_tokens
        self.counts.hits += request.cached_tokens
        self.counts.prompt += request.prompt_tokens

    def _blocks_of(self, request: Request) -> int:
        """Blocks for all tokens but the last, whose KV is never computed."""
        return -(-(request.prompt_tokens + request.max_tokens - 1) // self.block_size)

    def _compute(self, request: Request, budget: int) -> int:
        count = min(len(request.tokens) - request.computed, budget)
        request.computed += count
        self._name(request)
        self._store(request, request.computed // self.block_size)
        return count

    def _name(self, request: Request) -> None:
        """Hash the blocks that became full."""
        size, names = self.block_size, request.names
        for number in range(len(names), len(request.tokens) // size):
            tokens = request.tokens[number * size : (number + 1) * size]
            extra = _extra(request, number)
            names.append(self._hasher.block(names[-1] if names else None, tokens, extra))

    def _store(self, request: Request, full: int) -> None:
        start, size = request.stored, self.block_size
        if full <= start:
            return
        for block, name in zip(request.blocks[start:full], request.names[start:full], strict=True):
            self.pool.cache(block, name)
        request.stored = full
        self._events.append(
            BlockStored(
                block_hashes=[self._external(name) for name in request.names[start:full]],
                parent_block_hash=self._external(request.names[start - 1]) if start else None,
                token_ids=request.tokens[start * size : full * size],
                block_size=size,
                lora_id=None,
                medium=MEDIUM,
                lora_name=None,
                extra_keys=[_extra(request, number) for number in range(start, full)],
                group_idx=GROUP,
                kv_cache_spec_kind=KIND,
            )
        )

    def _sample(self) -> list[Request]:
        """Give each request that is computed to its end one more token; drop those then done."""
        finished = []
        for request in self.running:
            if request.computed == len(request.tokens):
                request.tokens.append(_next_token(request.tokens[-1]))
                self.counts.generated += 1
                if len(request.output) >= request.max_tokens:
                    finished.append(request)
        for request in finished:
            self.running.remove(request)
            self.pool.release(request.blocks)
        self.counts.finished_requests += len(finished)
        return finished


def _extra(request: Request, number: int) -> Extra:
    """The extra keys of a block, as in vLLM: the cache salt goes into the first one alone."""
    return (request.salt,) if request.salt is not None and number == 0 else None


def _next_token(token: int) -> int:
    """A stand-in for the model: the same text always goes on in the same way."""
    return (token * 31 + 7) % 32_000
