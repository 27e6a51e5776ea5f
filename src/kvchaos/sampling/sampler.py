"""Looks at the router's index at an interval, compares it with the oracle, keeps what it saw.

The rule: a difference counts only when the oracle said the same before and after the router was
asked, so that an event on its way is not taken for a wrong index.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from itertools import takewhile
from typing import Any, Protocol

from kvchaos.clock import Clock
from kvchaos.errors import KVChaosError
from kvchaos.index.compare import Difference, compare
from kvchaos.index.names import Block, EngineId
from kvchaos.index.observed import Observed
from kvchaos.index.oracle import Expected
from kvchaos.sampling.pace import Pace
from kvchaos.sampling.persisting import not_followed, persisting
from kvchaos.sampling.timeline import Progress, Sample

logger = logging.getLogger(__name__)

KEPT = 20_000  # samples; half an hour at the default interval

Missing = Mapping[str, AbstractSet[Block]]


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
        self._pace = Pace(every)
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._difference = Difference()
        self._known: Missing = {}
        self._trouble = ""
        self._seen = threading.Condition()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="kvchaos-sampler", daemon=True)

    @property
    def is_up(self) -> bool:
        """Whether it samples, and all that it saw was recorded."""
        return self._thread.is_alive() and not self._trouble

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> None:
        """End the thread; waits for the request that is under way, at most ``timeout`` seconds."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look_closely(self) -> None:
        """A fault ends now: look at once and then closely, so that the moment of the recovery is
        told well.
        """
        self._pace.closely(self._at())
        self._wake.set()

    def look_at_ease(self) -> None:
        """The recovery is over: look at the usual interval."""
        self._pace.at_ease()

    def difference(self) -> Difference:
        """What the newest look that was answered found wrong, block by block."""
        return self._difference

    def know_missing(self) -> None:
        """Take what is missing now as known: later samples' ``fresh`` leaves it out."""
        with self._seen:
            self._known = self._difference.missing

    def samples(self, *, since: float = 0.0) -> list[Sample]:
        """What was asked for from run second ``since`` on."""
        with self._seen:
            newest_first = takewhile(lambda sample: sample.began >= since, reversed(self._samples))
            return list(newest_first)[::-1]

    def wait(
        self, until: Callable[[list[Sample]], bool], *, since: float, timeout: float
    ) -> list[Sample]:
        """The samples from ``since`` on, once ``until`` holds for them or the time is out."""
        deadline = self._clock.now() + timeout
        while True:
            samples = self.samples(since=since)
            left = deadline - self._clock.now()
            if until(samples) or left <= 0 or self._stop.is_set():
                return samples
            with self._seen:
                self._seen.wait(min(left, self._every))

    def sample(self) -> Sample:
        """One look, now."""
        began = self._at()
        try:
            return self._look(began)
        except (KVChaosError, OSError) as error:
            return unanswered(began, self._at(), str(error))

    def _look(self, began: float) -> Sample:
        """Raises what the router's adapter does, also while the two are compared."""
        before = self._observer.expected()
        observed = self._router.snapshot()
        at = self._at()
        alive = self._observer.alive()
        after = self._observer.expected()
        first = second = compare(after, observed, alive=alive)
        if before != after:  # what did not change is the same object: nothing is compared for that
            first = compare(before, observed, alive=alive)
        difference = persisting(first, second, unknown=not_followed(after, alive))
        self._difference = difference
        return Sample(
            began=began,
            at=at,
            agrees=difference.agrees,
            counts=difference.counts(),
            fresh=_fresh(difference.missing, self._known),
            router_started=observed.router.get("started"),
            progress=progress_of(observed),
        )

    def _loop(self) -> None:
        while not self._stop.is_set():
            sample = self.sample()
            with self._seen:
                self._samples.append(sample)
                self._seen.notify_all()
            self._keep(sample)
            now = self._at()
            took, answered = now - sample.began, not sample.reason
            self._wake.wait(self._pace.pause(took, now=now, answered=answered))
            self._wake.clear()
        with self._seen:
            self._seen.notify_all()

    def _keep(self, sample: Sample) -> None:
        try:
            self._record(sample)
        except KVChaosError as error:
            logger.warning("A sample could not be recorded: %s", error)
            self._trouble = str(error)


def unanswered(began: float, at: float, reason: str) -> Sample:
    """A look that the router did not answer."""
    nothing: dict[str, Any] = {"missing": 0, "phantom": 0, "ghosts": [], "engines": {}}
    unknown = {"router": reason or "no answer"}
    return Sample(
        began=began, at=at, agrees=None, counts={"agrees": None, **nothing, "unknown": unknown}
    )


def progress_of(observed: Observed) -> dict[str, Progress]:
    """How far the router has come with each engine, by ``pod/rank``."""
    return {
        f"{pod}/{rank}": Progress(seq=view.seq, gaps=view.gaps, replays=view.replays)
        for (pod, rank), view in observed.engines.items()
    }


class SampleRecord:
    """Writes samples to the history: each change, and one a second while nothing changes.

    ``tell`` writes a sample whatever it says: one that an answer rests on.
    """

    def __init__(self, add: Callable[..., Any], *, quiet: float = 1.0) -> None:
        self._add = add
        self._quiet = quiet
        self._last: Sample | None = None

    def __call__(self, sample: Sample) -> None:
        last = self._last
        if last and last.counts == sample.counts and sample.at - last.at < self._quiet:
            return
        self.tell(sample)

    def tell(self, sample: Sample) -> None:
        self._last = sample
        self._add("sample", **sample.counts)


def _fresh(missing: Missing, known: Missing) -> dict[str, int]:
    """How many blocks each engine misses that are not known to be missing."""
    return {
        engine: count
        for engine, blocks in missing.items()
        if (count := len(blocks - known.get(engine, frozenset())))
    }
