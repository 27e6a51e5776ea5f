"""How a recovery went, from marks and samples: the moments of decision 5, in run seconds.

Pure: it reads what was sampled and decides nothing else. A moment that was not seen is None,
never a guess; ``resolution`` says how far apart the samples were that it was read from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kvchaos.index.compare import Difference

MOMENTS = ("injected", "effect", "healed", "first_event", "gap_found", "replayed", "agreed")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the router has come with one engine: its last seq and what it repaired so far."""

    seq: int | None = None
    gaps: int | None = None
    replays: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the router's index: ``difference`` is None when it could not be judged."""

    at: float
    difference: Difference | None = None
    reason: str = ""
    router_started: float | None = None
    progress: Mapping[str, Progress] = field(default_factory=dict)

    @property
    def agrees(self) -> bool | None:
        return None if self.difference is None else self.difference.agrees


@dataclass(frozen=True, slots=True)
class Timeline:
    """The moments, in seconds since the run's start, and the resolution of the later ones."""

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
    samples: Sequence[Sample], *, healed: float, judged: float, needed: int
) -> float | None:
    """When the index came to agree, after the heal and for good as far as was seen.

    It is the first of an unbroken row of agreeing samples that has ``needed`` of them from second
    ``judged`` on, when every engine had published again: before, a lost tail does not show.
    """
    row: list[float] = []
    for sample in samples:
        if sample.at < healed:
            continue
        row = [*row, sample.at] if sample.agrees else []
        if sum(at >= judged for at in row) >= needed:
            return row[0]
    return None


def timeline(
    samples: Sequence[Sample],
    *,
    injected: float | None,
    effect: float | None,
    healed: float | None,
    judged: float,
    needed: int,
) -> Timeline:
    """The moments that the samples show, for a fault with these marks."""
    start = injected if injected is not None else 0.0
    heal = healed if healed is not None else start
    before = _baseline(samples, start)
    later = [sample for sample in samples if sample.at >= start]
    healing = [sample for sample in later if sample.at >= heal]
    agreed = (
        None if healed is None else agreed_at(healing, healed=heal, judged=judged, needed=needed)
    )
    return Timeline(
        moments={
            "injected": injected,
            "effect": effect,
            "healed": healed,
            "first_event": _first_event(healing),
            "gap_found": _first_rise(later, before, "gaps"),
            "replayed": _first_rise(later, before, "replays"),
            "agreed": agreed,
        },
        resolution=_resolution([s.at for s in healing if agreed is None or s.at <= agreed]),
    )


def _baseline(samples: Iterable[Sample], start: float) -> Sample | None:
    before = [s for s in samples if s.at < start and s.progress]
    return before[-1] if before else None


def _first_event(healing: Sequence[Sample]) -> float | None:
    """When a router that was seen with each engine first had a later seq than at the heal."""
    seen: dict[str, int | None] = {}
    for sample in healing:
        for engine, progress in sample.progress.items():
            if engine in seen and progress.seq is not None and progress.seq != seen[engine]:
                return sample.at
            seen.setdefault(engine, progress.seq)
    return None


def _first_rise(later: Sequence[Sample], before: Sample | None, counter: str) -> float | None:
    """When a counter first stood above its value before the fault; a new router counts from 0."""
    for sample in later:
        same = before is not None and before.router_started == sample.router_started
        for engine, progress in sample.progress.items():
            known = before.progress.get(engine) if before is not None and same else None
            base = getattr(known, counter, None) or 0
            if (getattr(progress, counter) or 0) > base:
                return sample.at
    return None


def _resolution(times: Sequence[float]) -> float:
    return max((b - a for a, b in pairwise(times)), default=0.0)
