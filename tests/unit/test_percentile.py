"""A percentile is a value that was seen: the least that so many per cent do not exceed."""

from __future__ import annotations

import math
from random import Random

import pytest

from kvchaos.percentile import percentile


@pytest.mark.parametrize(
    ("percent", "value"),
    [(1, 1.0), (25, 1.0), (26, 2.0), (50, 2.0), (75, 3.0), (95, 4.0), (99, 4.0), (100, 4.0)],
)
def test_a_percentile_is_one_of_the_values(percent: int, value: float) -> None:
    """Nothing is guessed between two of them."""
    assert percentile([1.0, 2.0, 3.0, 4.0], percent) == value


def test_it_is_what_its_words_say_of_any_values() -> None:
    """Counted for each percent of each size; equal values, and shares that no float has, too."""
    rng = Random(7)
    for size in range(1, 41):
        values = sorted(float(rng.randrange(12)) for _ in range(size))
        for percent in range(1, 101):
            least = next(
                each
                for each in values
                if 100 * sum(other <= each for other in values) >= percent * size
            )
            assert percentile(values, percent) == least, (values, percent)


def test_an_endless_value_has_its_rank() -> None:
    """Half that never came make the median finite, and the 95th percentile endless."""
    values = [1.0, 2.0, math.inf, math.inf]

    assert (percentile(values, 50), percentile(values, 95)) == (2.0, math.inf)


def test_of_no_values_there_is_none() -> None:
    """Who has none says so: it is not 0."""
    with pytest.raises(IndexError):
        percentile([], 50)
