"""Looks at the router's index at an interval, compares it with the oracle, keeps what it saw.

The rule: a difference counts only when the oracle said the same before and after the router was
asked, so that an event on its way is not taken for a wrong index.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kvchaos.clock import Clock
from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.index.compare import compare
from kvchaos.index.names import EngineId
from kvchaos.index.observed import Observed
from kvchaos.index.oracle import Expected
from kvchaos.run.persisting import not_followed, persisting
from kvchaos.run.timeline import Progress, Sample

logger = logging.getLogger(__name__)

KEPT = 20_000  # samples; over an hour at the default interval


class Judged(Protocol):
    """What the sampler needs of the observer."""

    def expected(self) -> Mapping[EngineId, Expected]: ...

    def alive(self) -> set[str]: ...


class Asked(Protocol):
    """What the sampler needs of a router's adapter."""

    def snapshot(self) -> Observed: ...


class Sampler:
    """A thread that samples until it is stopped; others wait on what it sees."""

    def __init__(
        self,
        observer: Judged,
        router: Asked,
        *,
        record: Callable[[Sample], None],
        at: Callable[[], float],
        every: float,
        clock: Clock,
    ) -> None:
        self._observer = observer
        self._router = router
        self._record = record
        self._at = at
        self._every = every
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._seen = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="kvchaos-sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """End the thread; waits for the request that is under way, at most ``timeout`` seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def samples(self, *, since: float = 0.0) -> list[Sample]:
        """What was sampled from run second ``since`` on."""
        with self._seen:
            return [sample for sample in self._samples if sample.at >= since]

    def wait(
        self, until: Callable[[list[Sample]], bool], *, since: float, timeout: float
    ) -> list[Sample]:
        """The samples from ``since`` on, once ``until`` holds for them or the time is out."""
        deadline = self._clock.now() + timeout
        with self._seen:
            while True:
                samples = [sample for sample in self._samples if sample.at >= since]
                left = deadline - self._clock.now()
                if until(samples) or left <= 0 or self._stop.is_set():
                    return samples
                self._seen.wait(min(left, 1.0))

    def sample(self) -> Sample:
        """One look, now."""
        try:
            before = self._observer.expected()
            observed = self._router.snapshot()
        except (RouterUnreachable, ClusterError) as error:
            return Sample(at=self._at(), reason=str(error))
        at = self._at()
        alive = self._observer.alive()
        after = self._observer.expected()
        difference = persisting(
            compare(before, observed, alive=alive),
            compare(after, observed, alive=alive),
            unknown=not_followed(after, alive),
        )
        return Sample(
            at=at,
            difference=difference,
            router_started=observed.router.get("started"),
            progress=progress_of(observed),
        )

    def _loop(self) -> None:
        while not self._stop.is_set():
            sample = self.sample()
            with self._seen:
                self._samples.append(sample)
                self._seen.notify_all()
            self._record(sample)
            self._stop.wait(self._every)
        with self._seen:
            self._seen.notify_all()


def progress_of(observed: Observed) -> dict[str, Progress]:
    """How far the router has come with each engine, by ``pod/rank``."""
    return {
        f"{pod}/{rank}": Progress(seq=view.seq, gaps=view.gaps, replays=view.replays)
        for (pod, rank), view in observed.engines.items()
    }


class SampleRecord:
    """Writes samples to the history: each change, and one a second while nothing changes."""

    def __init__(self, add: Callable[..., Any], *, quiet: float = 1.0) -> None:
        self._add = add
        self._quiet = quiet
        self._last: tuple[float, object] | None = None

    def __call__(self, sample: Sample) -> None:
        fields = sample_fields(sample)
        if self._last and self._last[1] == fields and sample.at - self._last[0] < self._quiet:
            return
        self._last = (sample.at, fields)
        self._add("sample", **fields)


def sample_fields(sample: Sample) -> dict[str, Any]:
    """The fields of a ``sample`` event."""
    if sample.difference is None:
        unknown = {"router": sample.reason}
        return {"agrees": None, "missing": 0, "phantom": 0, "ghosts": [], "engines": {}} | {
            "unknown": unknown
        }
    return sample.difference.counts()
