"""Whether two samples differ, by ranks alone: Mann and Whitney's test, Hodges and Lehmann's shift.

Pure. Nothing is taken for granted of how the values are spread, and endless ones have a rank like
any other: a run that did not recover is slower than all that did. The rule guarded here: where the
samples are too small for any answer, there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Z = 2.5758
"""Of the normal distribution: 99 % lie within so many deviations."""
CHANCE = 0.01
"""How often a comparison of the same with the same says that something differs, at most."""
EXACT = 600
"""Values times those of the smaller sample, up to which every order is counted."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How much more a value of the second sample is, and between what that lies, by 99 %."""

    middle: float
    low: float
    high: float


def enough(first: int, second: int, *, of: int = 1) -> bool:
    """Whether samples of these sizes can differ so much that it is hardly chance.

    ``of``: how many such questions are asked at once.
    """
    return bool(first and second) and 2 / math.comb(first + second, first) <= CHANCE / max(1, of)


def needed(of: int = 1) -> int:
    """The smallest size that is enough for two samples of the same size."""
    return next(size for size in range(1, 100) if enough(size, size, of=of))


def apart(pairs: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[bool | None]:
    """Whether the two samples of each pair differ; None where they are too few to tell.

    That chance alone makes any of them do so, happens at most as often as ``CHANCE``. A pair that
    could not differ so much, whichever sample had which of its values, is no question that could
    be answered wrongly, and does not count as one.
    """
    chances = [chance(*pair) if least_chance(*pair) <= CHANCE else None for pair in pairs]
    asked = sum(each is not None for each in chances)
    told = zip(pairs, hardly_chance(chances), strict=True)
    return [sure or (False if enough(*map(len, pair), of=asked) else None) for pair, sure in told]


def hardly_chance(chances: Sequence[float | None]) -> list[bool]:
    """Which of them are hardly chance; that any is, happens at most as often as ``CHANCE``.

    By Holm's steps: the least of n has to be n times less likely than if it were the only one, the
    next one n - 1 times, and so on. None is no question, and counts for nothing.
    """
    steps = sorted((each, place) for place, each in enumerate(chances) if each is not None)
    sure = [False] * len(chances)
    for left, (each, place) in zip(range(len(steps), 0, -1), steps, strict=True):
        if each > CHANCE / left:
            break
        sure[place] = True
    return sure


def chance(first: Sequence[float], second: Sequence[float]) -> float:
    """How likely samples of the same differ at least so much (two-sided p); ties are allowed."""
    ranks = _doubled_ranks([*first, *second])
    few = min(len(first), len(second))
    total = sum(ranks[: len(first)] if len(first) == few else ranks[len(first) :])
    if not few or len(set(ranks)) == 1:
        return 1.0
    if len(ranks) * few <= EXACT:
        return _counted(ranks, few, total)
    return _approximated(ranks, few, total)


def least_chance(first: Sequence[float], second: Sequence[float]) -> float:
    """The least that ``chance`` is of these values, whichever of them were in which sample."""
    values, size = sorted([*first, *second]), len(first)
    ends = (values[:size], values[size:]), (values[len(second) :], values[: len(second)])
    return min(chance(*each) for each in ends)


def shift(first: Sequence[float], second: Sequence[float]) -> Shift | None:
    """How far the second sample lies beyond the first; None when there are too few values."""
    if not enough(len(first), len(second)):
        return None
    pairs = sorted(_difference(low, high) for low in first for high in second)
    count, sizes = len(pairs), len(first) + len(second)
    spread = Z * math.sqrt(count * (sizes + 1) / 12)
    edge = max(0, math.floor(count / 2 - spread))
    middle = _mean(pairs[(count - 1) // 2], pairs[count // 2])
    return Shift(middle, pairs[edge], pairs[count - 1 - edge])


def _difference(first: float, second: float) -> float:
    """Of two that are endless there is none."""
    return 0.0 if first == second else second - first


def _mean(low: float, high: float) -> float:
    return low if low == high else (low + high) / 2


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Each value's rank, twice, so that equal values share a whole number."""
    below: dict[float, int] = {}
    ordered = sorted(values)
    for place, value in enumerate(ordered):
        below.setdefault(value, place)
    equal = Counter(ordered)
    return [2 * below[value] + equal[value] + 1 for value in values]


def _counted(ranks: Sequence[int], few: int, total: int) -> float:
    """The share of all ways to choose ``few`` ranks whose sum is as far from the mean."""
    size, mean = len(ranks), sum(ranks) * few
    far = abs(total * size - mean)
    ways = _ways(tuple(sorted(ranks)), few).items()
    as_far = sum(count for reached, count in ways if abs(reached * size - mean) >= far)
    return as_far / math.comb(size, few)


@lru_cache(maxsize=64)
def _ways(ranks: tuple[int, ...], few: int) -> dict[int, int]:
    """In how many ways each sum is that of ``few`` ranks."""
    ways: list[dict[int, int]] = [{0: 1}, *({} for _ in range(few))]
    for rank in ranks:
        for chosen in range(few, 0, -1):
            for reached, count in ways[chosen - 1].items():
                now = reached + rank
                ways[chosen][now] = ways[chosen].get(now, 0) + count
    return ways[few]


def _approximated(ranks: Sequence[int], few: int, total: int) -> float:
    """By the normal distribution, with what ties take of the deviation."""
    size = len(ranks)
    mean = sum(ranks) / size
    deviation = sum((rank - mean) ** 2 for rank in ranks) / (size - 1)
    spread = math.sqrt(few * (size - few) * deviation / size)
    far = max(0.0, abs(total - few * mean) - 1.0)
    return math.erfc(far / spread / math.sqrt(2))
