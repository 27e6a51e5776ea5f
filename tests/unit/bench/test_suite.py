"""What a benchmark declares, and what it yields."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from kvchaos.bench.catalogue import catalogue, chosen
from kvchaos.bench.suite import Benchmark, Better, Figure, benchmark
from kvchaos.bench.timing import Bench
from kvchaos.errors import UsageError


def nothing(_: Bench) -> Iterator[float]:
    yield 0.0


def made(name: str = "one.two", **figures: Figure) -> Benchmark:
    return Benchmark(name, nothing, figures or {"": Figure("s")}, 3, False, False, 1.0, "")


def test_every_suite_can_be_imported_and_every_benchmark_is_told_of() -> None:
    """A line about it, and a unit for each figure."""
    found, broken = catalogue()

    assert broken == {}
    assert [each.name for each in found.values() if not each.about] == []
    assert [n for n, each in found.items() for f in each.figures.values() if not f.unit] == []


def test_the_alarm_rests_on_nothing_that_takes_long() -> None:
    """What raises the alarm is measured dozens of times."""
    found, _ = catalogue()

    assert [
        each.name
        for each in found.values()
        if (each.slow or each.lab) and any(figure.gate for figure in each.figures.values())
    ] == []


def test_two_benchmarks_of_one_name_are_refused() -> None:
    """The second would hide the first."""
    catalogue()
    with pytest.raises(ValueError, match=r"two benchmarks oracle\.fold"):
        benchmark("oracle.fold")(nothing)


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["a.x", "a.y", "b.x"]),
        (["a"], ["a.x", "a.y"]),
        (["*.x", "a.x"], ["a.x", "b.x"]),
    ],
)
def test_patterns_name_benchmarks_by_whole_name_first_part_or_wildcard(
    patterns: list[str], names: list[str]
) -> None:
    """In the catalogue's order, each once."""
    found = chosen([made("a.x"), made("a.y"), made("b.x")], patterns)

    assert [each.name for each in found] == names


def test_a_pattern_that_names_nothing_is_told_with_the_names() -> None:
    """Also beside one that names something."""
    with pytest.raises(UsageError, match=r"no benchmark c: wanted one or more of a\.x, b\.x"):
        chosen([made("a.x"), made("b.x")], ["a", "c"])


def test_a_sample_is_a_number_or_what_was_declared() -> None:
    """A figure too few or too many would be a hole in the results."""
    assert made().read(2) == {"": 2.0}
    assert made(p50=Figure("s")).read({"p50": 2}) == {"p50": 2.0}
    with pytest.raises(ValueError, match=r"declares \['p50'\] and yields \[''\]"):
        made(p50=Figure("s")).read(2.0)


@pytest.mark.parametrize(
    ("better", "value", "meets"),
    [
        (Better.LOWER, 4, True),
        (Better.LOWER, 4.1, False),
        (Better.HIGHER, 4, True),
        (Better.HIGHER, 3.9, False),
    ],
)
def test_a_target_is_met_when_it_is_reached(better: Better, value: float, *, meets: bool) -> None:
    """Whichever way the figure should go; without a target nothing is met or missed."""
    assert Figure("s", better, 4.0).meets(value) is meets
    assert Figure("s", better).meets(value) is None


@pytest.mark.parametrize(
    ("better", "this", "base", "worse"),
    [
        (Better.LOWER, 3.0, 2.0, 1.5),
        (Better.HIGHER, 2.0, 3.0, 1.5),
        (Better.LOWER, 0.0, 0.0, 1.0),
        (Better.LOWER, 1.0, 0.0, math.inf),
    ],
)
def test_worse_is_above_one_whichever_way_a_figure_goes(
    better: Better, this: float, base: float, worse: float
) -> None:
    """A figure that was 0 and no longer is is infinitely worse."""
    assert Figure("s", better).worse(this, base) == worse


@pytest.mark.parametrize(
    ("unit", "calibrated"), [("us of CPU", 4.0), ("blocks/s", 1.0), ("KiB", 2.0)]
)
def test_times_and_rates_are_told_in_units_of_the_calibration_loop(
    unit: str, calibrated: float
) -> None:
    """A machine twice as fast has half of the time and twice the rate; memory stays."""
    assert Figure(unit).calibrated(2.0, 0.5) == calibrated
