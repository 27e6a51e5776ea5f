"""How long recoveries took: of values that were seen, and of nothing else."""

from __future__ import annotations

import math

import pytest

from kvchaos.report.distribution import Distribution, bars, distribution, recovery_seconds
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import (
    Json,
    altered,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_stayed_wrong,
    run_whose_fault_never_landed,
)


def figures(of: Distribution) -> tuple[float | None, ...]:
    return of.count, of.minimum, of.median, of.p95, of.maximum


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, None, None, None, None)),
        ([2.0], (1, 2.0, 2.0, 2.0, 2.0)),
        ([3.0, 1.0, 2.0, 5.0], (4, 1.0, 2.5, 5.0, 5.0)),
        ([*range(1, 21)], (20, 1, 10.5, 19, 20)),
        ([1.0, math.nan, math.inf], (1, 1.0, 1.0, 1.0, 1.0)),
    ],
)
def test_figures_of_some_values(values: list[float], expected: tuple[float | None, ...]) -> None:
    """The p95 is a value that was seen; of no values there is none, not 0."""
    assert figures(distribution(values)) == expected


@pytest.mark.parametrize(
    ("history", "seconds"),
    [
        (run_that_recovered(), 2.35),
        (run_that_stayed_wrong(), None),
        (run_that_preflight_refused(), None),
        (run_whose_fault_never_landed(), None),
        (altered(run_that_recovered(), "effect", effect="inconclusive"), None),
        ([], None),
    ],
    ids=["recovered", "stayed wrong", "refused", "never landed", "no effect seen", "nothing"],
)
def test_time_of_a_recovery(history: list[Json], seconds: float | None) -> None:
    """Where nothing was seen to be wrong, nothing recovered, however fast."""
    assert recovery_seconds(as_json(history, judge(history))) == seconds


@pytest.mark.parametrize("agreed", [None, True, "1", math.nan, math.inf, 1e300])
def test_what_is_no_time_is_not_known(agreed: object) -> None:
    """A record may come from elsewhere."""
    checks = [{"name": each, "verdict": "pass"} for each in ("fault landed", "effect observed")]

    assert (
        recovery_seconds({"checks": checks, "recovery": {"after_heal": {"agreed": agreed}}}) is None
    )


def test_what_has_no_times_has_no_time() -> None:
    """Whatever stands in their place."""
    checks = [{"name": each, "verdict": "pass"} for each in ("fault landed", "effect observed")]

    strange: list[object] = [None, [], [1], "x", {"after_heal": [1]}, {"after_heal": "x"}]
    assert {recovery_seconds({"checks": checks, "recovery": each}) for each in strange} == {None}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "....."),
        ([0.0, 0.1, 1.9, 10.0], "3...1"),
        ([-5.0, 20.0], "1...1"),
        ([4.5] * 12, "..+.."),
    ],
)
def test_bars_show_how_many_lie_where(values: list[float], expected: str) -> None:
    """A digit each, none is a dot, what is beyond an end is at that end."""
    assert bars(values, low=0.0, high=10.0, cells=5) == expected


def test_bars_of_equal_values_are_in_one_cell() -> None:
    """There is no width to share out."""
    assert bars([1.0, 1.0], low=1.0, high=1.0, cells=3) == "2.."
