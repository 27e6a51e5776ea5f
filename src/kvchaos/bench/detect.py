"""What tells a slowdown from noise: an interval for the true ratio, and where it lies.

Pure, and without a belief about how the noise is distributed: the interval is made of order
statistics of the pairs' ratios (the sign test turned round), for their median. A single look at a
busy moment is an outlier that it does not care about.

The one rule guarded here: the alarm is raised only when the whole interval is beyond the
threshold, the all-clear given only when none of it is; in between nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

CONFIDENCE = 0.99
THRESHOLD = 0.1


class Judgement(StrEnum):
    """What became of a figure; ``same`` says: not beyond the threshold."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true ratio is, by ``CONFIDENCE``; above 1 is worse than the base."""

    low: float
    middle: float
    high: float
    pairs: int


def interval(ratios: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval | None:
    """The narrowest of order statistics that has at least the ``confidence``; None if too few."""
    ordered = sorted(ratios)
    rank = _rank(len(ordered), confidence)
    if rank is None:
        return None
    return Interval(ordered[rank], median(ordered), ordered[-1 - rank], len(ordered))


def judge(found: Interval | None, *, threshold: float = THRESHOLD) -> Judgement:
    """Beyond the threshold for sure, within it for sure, or not known."""
    worst = 1 + threshold
    if found is None:
        return Judgement.UNKNOWN
    if found.low > worst:
        return Judgement.WORSE
    if found.high < 1 / worst:
        return Judgement.BETTER
    return Judgement.SAME if found.high <= worst else Judgement.UNKNOWN


def _rank(count: int, confidence: float) -> int | None:
    """How many of the smallest and of the largest values may be left out."""
    outside, rank = 0.0, None
    for left_out in range(count // 2):
        outside += 2 * math.comb(count, left_out) / 2**count
        if outside > 1 - confidence:
            break
        rank = left_out
    return rank
