"""Places and figures on a chart."""

from __future__ import annotations

import math

import pytest

from kvchaos.report.html.scale import (
    Scale,
    count,
    duration,
    number,
    round_step,
    round_top,
    short,
)


@pytest.mark.parametrize(
    "value", [None, True, "7", [], {}, math.nan, math.inf, -math.inf, 1e12], ids=repr
)
def test_what_is_no_sane_figure_is_none(value: object) -> None:
    """A truth, a text, what is endless or far too large is not drawn."""
    assert number(value) is None
    assert count(value) == 0


def test_a_place_is_always_within() -> None:
    """What lies outside of the stretch stands at its nearer end; no stretch has one place."""
    scale = Scale(10.0, 20.0)

    assert [scale.percent(at) for at in (0.0, 10.0, 12.5, 20.0, 99.0)] == [0, 0, 25, 100, 100]
    assert Scale(3.0, 3.0).percent(3.0) == 0


@pytest.mark.parametrize(
    ("end", "ticks"),
    [
        (8.1, [0, 2, 4, 6, 8]),
        (0.5, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (110.0, [0, 20, 40, 60, 80, 100]),
        (600.0, [0, 120, 240, 360, 480, 600]),
        (3600.0, [0, 600, 1200, 1800, 2400, 3000, 3600]),
    ],
)
def test_ticks_are_round(end: float, ticks: list[float]) -> None:
    """Of a longer time they are round minutes."""
    assert Scale(0.0, end).ticks() == ticks


def test_values_have_no_minutes() -> None:
    """What is no time has round figures of ten."""
    assert Scale(0.0, 600.0).ticks(5, clock=False) == [0, 200, 400, 600]
    assert Scale(4.0, 4.0).ticks() == [4.0]


def test_steps_and_tops_are_round() -> None:
    """The top of a chart is not below what has to fit in."""
    assert [round_step(each) for each in (0.0, 0.3, 1.0, 3.0, 7.0, 11.0)] == [0, 0.5, 1, 5, 10, 20]
    assert [round_top(each) for each in (0.9, 16.0, 100.0)] == [1.0, 20.0, 100.0]


def test_figures_are_short() -> None:
    """As few letters as tell it, with a unit that fits."""
    assert [short(each) for each in (0.5, 12, 12_300, 1_500_000, 2e9)] == [
        "0.5",
        "12",
        "12.3k",
        "1.5M",
        "2G",
    ]
    assert [duration(each) for each in (None, 0.0382, 200.0)] == [
        ("—", ""),
        ("0.04", "s"),
        ("3:20", "min"),
    ]
