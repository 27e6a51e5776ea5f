"""The interval of the ratio, and what is said about it."""

from __future__ import annotations

from random import Random

import pytest

from kvchaos.bench.detect import Interval, Judgement, interval, judge


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_pairs_give_no_interval_and_no_judgement(count: int) -> None:
    """99 % of the signs of seven pairs cannot be had; what is not known is not the same."""
    assert interval([1.0] * count) is None
    assert judge(None) is Judgement.UNKNOWN


def test_eight_pairs_give_their_least_and_their_most() -> None:
    """2 of 256 ways to fall on one side of the median are less than 1 %."""
    found = interval([1.3, 1.1, 1.2, 1.0, 1.4, 1.5, 1.6, 1.7])

    assert found is not None
    assert (found.low, found.high, found.pairs) == (1.0, 1.7, 8)
    assert found.middle == pytest.approx(1.35)


def test_twelve_pairs_leave_the_outliers_out() -> None:
    """2 x 13 of 4096 ways are less than 1 %: one value may go on either side."""
    found = interval([0.1, *[1.0] * 10, 9.9])

    assert found == Interval(1.0, 1.0, 1.0, 12)


@pytest.mark.parametrize(
    ("low", "high", "judgement"),
    [
        (1.11, 1.30, Judgement.WORSE),
        (1.09, 1.30, Judgement.UNKNOWN),
        (0.50, 1.30, Judgement.UNKNOWN),
        (0.95, 1.10, Judgement.SAME),
        (0.85, 1.05, Judgement.SAME),
        (0.70, 0.90, Judgement.BETTER),
    ],
)
def test_an_alarm_needs_the_whole_interval(low: float, high: float, judgement: Judgement) -> None:
    """Beyond the threshold of 10 % on one side of it, or nothing is said."""
    assert judge(Interval(low, (low + high) / 2, high, 12), threshold=0.1) is judgement


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    """Of a thousand intervals at 99 %, at most some twenty miss; here with outliers as in life."""
    rng = Random(7)
    missed = 0
    for _ in range(1000):
        noise = (rng.gauss(0, 0.05) + (rng.random() < 0.1) * rng.gauss(0, 1) for _ in range(20))
        found = interval([1.2 * 2**each for each in noise])
        missed += found is None or not found.low <= 1.2 <= found.high

    assert missed <= 20
