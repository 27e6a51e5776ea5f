"""A steady load through the router, in the background: bounded rate, shared prefixes, kept figures.

Each request is the prefix of one family (so that routing by prefix has something to do) and a new
tail. A failed request is counted, never raised: during a fault that is what is to be seen.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from kvchaos.clock import Clock
from kvchaos.errors import KVChaosError
from kvchaos.percentile import percentile
from kvchaos.traffic.completions import Completion
from kvchaos.traffic.prompts import Prompts

Send = Callable[[Sequence[int]], Completion]

REMEMBERED = 1_000  # outcomes of the latest requests
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of what: requests per second at most, at once, and how their prompts are built."""

    rate: float = 20.0
    workers: int = 4
    families: int = 8
    prefix_blocks: int = 4
    tail_blocks: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """What ended between two moments of the load's clock; ``sent`` is what began then."""

    since: float
    until: float
    figures: Figures

    def summary(self) -> dict[str, Any]:
        """The fields of the history's ``traffic_second``, but for its times."""
        told = self.figures.summary()
        del told["p99"]  # of a second's few answers it would be the maximum
        return told


@dataclass(slots=True)
class Figures:
    """What came of the requests so far."""

    sent: int = 0
    failed: int = 0
    hit_tokens: int = 0
    prompt_tokens: int = 0
    latencies: list[float] = field(default_factory=list)
    by_pod: Counter[str] = field(default_factory=Counter)

    def count(self, completion: Completion) -> None:
        """Take over one answer."""
        self.hit_tokens += completion.cached_tokens or 0
        self.prompt_tokens += completion.prompt_tokens
        self.latencies.append(completion.latency)
        self.by_pod[completion.pod or ""] += 1

    def summary(self) -> dict[str, Any]:
        """The fields of the history's ``traffic``; latencies in seconds, None without any."""
        ordered = sorted(self.latencies)
        return {
            "sent": self.sent,
            "ok": len(ordered),
            "failed": self.failed,
            "hit_tokens": self.hit_tokens,
            "prompt_tokens": self.prompt_tokens,
            **{f"p{at}": percentile(ordered, at) if ordered else None for at in PERCENTILES},
            "by_pod": dict(sorted(self.by_pod.items())),
        }


class Load:
    """Sends requests by ``send`` from ``start`` to ``stop``; ``seed`` decides their order."""

    def __init__(
        self, send: Send, prompts: Prompts, *, seed: int, clock: Clock, shape: Shape | None = None
    ) -> None:
        self._send = send
        self._prompts = prompts
        self._clock = clock
        self._shape = shape or Shape()
        self._rng = Random(seed)  # noqa: S311  # reproducible, not secret
        self._prefixes = [
            prompts.take(self._shape.prefix_blocks) for _ in range(self._shape.families)
        ]
        self._figures = Figures()
        self._lately = Figures()
        self._since = clock.now()
        self._outcomes: deque[bool] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._next = 0.0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to send."""
        self._next = self._since = self._clock.now()
        self._threads = [
            threading.Thread(target=self._work, name=f"load-{number}", daemon=True)
            for number in range(self._shape.workers)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 15.0) -> dict[str, Any]:
        """Send no more, wait at most ``timeout`` for what is under way; returns the summary."""
        self._stop.set()
        deadline = self._clock.now() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.now()))
        return self.summary()

    def summary(self) -> dict[str, Any]:
        """What came of the requests so far, as the history's ``traffic`` has it."""
        with self._lock:
            return self._figures.summary()

    def lately(self) -> Span:
        """What came of the requests since this was asked last; by when they ended."""
        with self._lock:
            span = Span(self._since, self._clock.now(), self._lately)
            self._since, self._lately = span.until, Figures()
            return span

    def outcomes(self, *, last: int) -> list[bool]:
        """Whether each of the latest requests that ended was answered, the newest last."""
        with self._lock:
            return list(self._outcomes)[-max(1, last) :]

    def _work(self) -> None:
        while not self._stop.wait(self._turn()):
            with self._lock:
                prompt = self._prompt()
                for figures in (self._figures, self._lately):
                    figures.sent += 1
            self._one(prompt)

    def _turn(self) -> float:
        """Seconds until this worker's next request: turns are a fixed time apart, never made up."""
        with self._lock:
            now = self._clock.now()
            turn = max(self._next, now)
            self._next = turn + 1.0 / self._shape.rate
            return turn - now

    def _prompt(self) -> list[int]:
        prefix = self._rng.choice(self._prefixes)
        return self._prompts.take(self._shape.tail_blocks, after=prefix)

    def _one(self, prompt: Sequence[int]) -> None:
        try:
            completion = self._send(prompt)
        except KVChaosError:
            with self._lock:
                for figures in (self._figures, self._lately):
                    figures.failed += 1
                self._outcomes.append(False)
        else:
            with self._lock:
                for figures in (self._figures, self._lately):
                    figures.count(completion)
                self._outcomes.append(True)
