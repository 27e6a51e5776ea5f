"""How a recovery went, from marks and samples: the moments of decision 5, in run seconds.

Pure: it reads what was sampled and decides nothing else. A moment that was not seen is None,
never a guess; ``resolution`` says how far apart the samples were that it was read from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

MOMENTS = ("injected", "effect", "healed", "first_event", "gap_found", "replayed", "agreed")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the router has come with one engine: its last seq and what it repaired so far."""

    seq: int | None = None
    gaps: int | None = None
    replays: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the router's index, asked for at ``began`` and answered at ``at``.

    ``agrees`` is None when it could not be judged; ``counts`` are the fields of a ``sample``
    event; ``fresh`` counts, by engine, the missing blocks that were not missing before the fault.
    """

    began: float
    at: float
    agrees: bool | None
    counts: Mapping[str, Any] = field(default_factory=dict)
    fresh: Mapping[str, int] = field(default_factory=dict)
    router_started: float | None = None
    progress: Mapping[str, Progress] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why the router could not be read; empty when it was."""
        return str(self.counts.get("unknown", {}).get("router", ""))


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of a fault besides the samples, in run seconds.

    ``judged`` is when every engine had published again; ``pods`` are the engines that were hit,
    None for all of them.
    """

    injected: float | None = None
    effect: float | None = None
    healed: float | None = None
    judged: float | None = None
    pods: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The moments, in seconds since the run's start, and the resolution of the later ones.

    To the millisecond: who subtracts one from another gets what ``after_heal`` says.
    """

    moments: Mapping[str, float | None]
    resolution: float

    def after_heal(self) -> dict[str, float | None]:
        """The same moments counted from the heal; negative ones lie before it."""
        healed = self.moments["healed"]
        return {
            name: None if at is None or healed is None else round(at - healed, 3)
            for name, at in self.moments.items()
        }


def agreed_at(
    samples: Iterable[Sample], marks: Marks, *, needed: int, apart: float
) -> float | None:
    """When the index came to agree, after the heal and for good as far as was seen.

    It is the first of a row of agreeing samples that has ``needed`` of them begun after every
    engine had published again: before, a lost tail does not show. Those counted are at least
    ``apart`` seconds from each other: of looks that follow closely, three measure luck. A
    difference that is over within ``apart`` seconds does not break the row: it is an event on its
    way, such as those of the requests that make every engine publish.
    """
    if marks.healed is None or marks.judged is None:
        return None
    first: float | None = None
    wrong: float | None = None
    counted: list[float] = []
    for sample in samples:
        if sample.began < marks.healed:
            continue
        if not sample.agrees:
            wrong = sample.began if wrong is None else wrong
            if not _may_be_on_its_way(sample) or sample.at - wrong > apart:
                first, counted = None, []
            continue
        if wrong is not None and sample.began - wrong > apart:
            first, counted = None, []
        wrong = None
        first = sample.at if first is None else first
        due = counted[-1] + apart if counted else marks.judged
        if sample.began >= due:
            counted.append(sample.began)
        if len(counted) >= needed:
            return first
    return None


def _may_be_on_its_way(sample: Sample) -> bool:
    """Whether the router merely has, or lacks, blocks; not whether it knows a pod that is dead."""
    return sample.agrees is False and not sample.counts.get("ghosts")


def timeline(samples: Sequence[Sample], marks: Marks, *, needed: int, apart: float) -> Timeline:
    """The moments that the samples show, for a fault with these marks; see ``agreed_at``."""
    start = marks.injected if marks.injected is not None else 0.0
    heal = marks.healed if marks.healed is not None else start
    before = _baseline(samples, start)
    later = [sample for sample in samples if sample.at >= start]
    healing = [sample for sample in later if sample.at >= heal]
    agreed = agreed_at(healing, marks, needed=needed, apart=apart)
    moments = {
        "injected": marks.injected,
        "effect": marks.effect,
        "healed": marks.healed,
        "first_event": _first_event(healing, marks.pods),
        "gap_found": _first_rise(later, before, "gaps", marks.pods),
        "replayed": _first_rise(later, before, "replays", marks.pods),
        "agreed": agreed,
    }
    return Timeline(
        moments={name: None if at is None else round(at, 3) for name, at in moments.items()},
        resolution=_resolution(
            [heal, *(s.at for s in healing if agreed is None or s.at <= agreed)]
        ),
    )


def _baseline(samples: Iterable[Sample], start: float) -> Sample | None:
    before = [s for s in samples if s.at < start and s.progress]
    return before[-1] if before else None


def _of(sample: Sample, pods: Collection[str] | None) -> Iterator[tuple[str, Progress]]:
    """The progress with the engines that were hit."""
    for engine, progress in sample.progress.items():
        if pods is None or engine.rpartition("/")[0] in pods:
            yield engine, progress


def _first_event(healing: Sequence[Sample], pods: Collection[str] | None) -> float | None:
    """When a router that was seen with an engine first had another seq of it than at the heal."""
    seen: dict[str, int | None] = {}
    for sample in healing:
        for engine, progress in _of(sample, pods):
            if engine in seen and progress.seq is not None and progress.seq != seen[engine]:
                return sample.at
            seen.setdefault(engine, progress.seq)
    return None


def _first_rise(
    later: Sequence[Sample], before: Sample | None, counter: str, pods: Collection[str] | None
) -> float | None:
    """When a counter first stood above its value before the fault; a new router counts from 0."""
    for sample in later:
        same = before is not None and before.router_started == sample.router_started
        for engine, progress in _of(sample, pods):
            known = before.progress.get(engine) if before is not None and same else None
            base = getattr(known, counter, None) or 0
            if (getattr(progress, counter) or 0) > base:
                return sample.at
    return None


def _resolution(times: Sequence[float]) -> float:
    return max((b - a for a, b in pairwise(times)), default=0.0)
