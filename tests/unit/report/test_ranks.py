"""Two samples are said to differ by ranks alone, as seldom by chance as is promised."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest

from kvchaos.report import ranks
from kvchaos.report.ranks import (
    Shift,
    apart,
    chance,
    enough,
    hardly_chance,
    least_chance,
    needed,
    shift,
)

LOW = [1.0, 2.0, 3.0, 4.0, 5.0]
HIGH = [6.0, 7.0, 8.0, 9.0, 10.0]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (LOW, HIGH, 2 / 252),
        (HIGH, LOW, 2 / 252),
        (LOW, LOW, 1.0),
        ([1.0] * 5, [1.0] * 5, 1.0),
        ([1.0], [2.0], 1.0),
        ([], [1.0], 1.0),
        ([], [], 1.0),
        ([1.0, 2.0, 3.0, 4.0, math.inf], [math.inf] * 5, 1 / 21),
    ],
)
def test_chance_of_so_large_a_difference(
    first: list[float], second: list[float], expected: float
) -> None:
    """Counted over all orders; what never came is beyond all that did."""
    assert chance(first, second) == pytest.approx(min(1.0, expected))


def by_brute_force(first: list[float], second: list[float]) -> float:
    """The share of all ways to split the values in which the rank sums lie as far apart."""
    values = [*first, *second]
    rank = [
        sum(other < value for other in values) + sum(other == value for other in values) / 2
        for value in values
    ]
    mean = len(first) * sum(rank) / len(values)
    ways = [sum(rank[at] for at in each) for each in combinations(range(len(rank)), len(first))]
    far = abs(sum(rank[: len(first)]) - mean)
    return sum(abs(way - mean) >= far - 1e-9 for way in ways) / len(ways)


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_that_of_all_splits(seed: int) -> None:
    """Also with ties, and with samples of different sizes."""
    rng = Random(seed)
    first = [float(rng.randrange(8)) for _ in range(rng.randrange(1, 7))]
    second = [float(rng.randrange(8)) for _ in range(rng.randrange(1, 7))]

    assert chance(first, second) == pytest.approx(by_brute_force(first, second))


@pytest.mark.parametrize("seed", range(5))
def test_many_values_are_approximated(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near to what counting gives, ties or none."""
    rng = Random(seed)
    first = [round(rng.gauss(0, 1), 1) for _ in range(20)]
    second = [round(rng.gauss(0.6, 1), 1) for _ in range(20)]
    monkeypatch.setattr(ranks, "EXACT", 1000)
    counted = chance(first, second)
    monkeypatch.setattr(ranks, "EXACT", 0)

    assert chance(first, second) == pytest.approx(counted, abs=0.01)


def test_samples_of_the_same_seldom_differ() -> None:
    """At most 1 in 100 times, as said; seeded, so that this holds each time."""
    rng = Random(20)
    alarms = 0
    for _ in range(400):
        values = [[rng.expovariate(1) for _ in range(8)] for _ in range(2)]
        alarms += chance(*values) <= ranks.CHANCE

    assert alarms <= 8


def test_what_is_enough() -> None:
    """With fewer even the clearest difference may be chance."""
    assert [enough(*sizes) for sizes in ((4, 4), (5, 5), (0, 500), (3, 11), (3, 10))] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert [needed(of) for of in (0, 1, 7, 28)] == [5, 5, 7, 8]
    assert (enough(5, 5, of=2), enough(6, 6, of=2)) == (False, True)
    assert chance([1.0] * 5, [2.0] * 5) <= ranks.CHANCE < chance([1.0] * 4, [2.0] * 4)


@pytest.mark.parametrize(
    ("chances", "sure"),
    [
        ([], []),
        ([0.01], [True]),
        ([0.011], [False]),
        ([0.01, 0.01], [False, False]),
        ([0.01, 0.005], [True, True]),
        ([0.001, 0.9, 0.005, 0.006], [True, False, False, False]),
        ([0.01, None, None], [True, False, False]),
    ],
)
def test_of_more_questions_each_has_to_be_surer(
    chances: list[float | None], sure: list[bool]
) -> None:
    """So that any wrong answer is as seldom as one alone; what is none makes nothing harder."""
    assert hardly_chance(chances) == sure


def test_what_differs_is_told_from_what_may_be_chance_and_what_nobody_can_tell() -> None:
    """All at once: a pair that could not differ makes the others no harder to tell."""
    settled, mixed, few = (LOW, HIGH), (LOW, [each + 0.5 for each in LOW]), (LOW[:3], HIGH[:3])
    constant = ([1.0] * 5, [1.0] * 5)

    assert apart([settled, few, constant]) == [True, None, False]
    assert apart([settled, mixed, few]) == [None, None, None]
    assert apart([few, ([], LOW)]) == [None, None]
    assert apart([]) == []


@pytest.mark.parametrize(
    ("first", "second", "least"),
    [
        (LOW, HIGH, 2 / 252),
        (HIGH[:2] + LOW[2:], LOW[:2] + HIGH[2:], 2 / 252),
        ([1.0] * 5, [1.0] * 5, 1.0),
        ([1.0] * 5, [1.0] * 4 + [2.0], 1.0),
        ([], LOW, 1.0),
        (LOW[:2], HIGH, 2 / 21),
    ],
)
def test_least_chance_does_not_know_which_set_has_which(
    first: list[float], second: list[float], least: float
) -> None:
    """Only so a question may be left out for it, and the others stay as sure."""
    assert least_chance(first, second) == pytest.approx(least)


def test_shift_is_between_what_it_lies() -> None:
    """Of the differences of all pairs the middle, and what 99 % lie between."""
    assert shift(LOW, HIGH) == Shift(middle=5.0, low=1.0, high=9.0)
    assert shift(LOW, LOW) == Shift(middle=0.0, low=-4.0, high=4.0)
    assert shift(LOW[:4], HIGH[:4]) is None


def test_shift_of_what_never_came_is_endless() -> None:
    """Of two that never came there is no difference."""
    assert shift(LOW, [math.inf] * 5) == Shift(middle=math.inf, low=math.inf, high=math.inf)
    assert shift([math.inf] * 5, [math.inf] * 5) == Shift(middle=0.0, low=0.0, high=0.0)
