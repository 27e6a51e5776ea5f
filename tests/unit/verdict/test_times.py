"""One way to write a time."""

from __future__ import annotations

import pytest

from kvchaos.verdict.times import asked, clock, figure, latency, span


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "0.00 s"),
        (0.038, "0.04 s"),
        (1.135, "1.14 s"),
        (9.996, "10.0 s"),
        (11.35, "11.3 s"),
        (119.9, "119.9 s"),
        (200.0, "3:20 min"),
        (3800.0, "1:03:20 h"),
        (-0.7, "-0.70 s"),
    ],
)
def test_a_time_has_the_figures_that_a_reader_can_use(seconds: float, written: str) -> None:
    """Two or three of them, with a unit that fits; figure and unit are the same apart."""
    assert span(seconds) == written
    assert figure(seconds) == tuple(written.split(" "))


def test_a_difference_of_moments_reads_as_what_is_told_of_it() -> None:
    """Moments are known to the millisecond; what is less is noise of the subtraction."""
    assert f"{9.041 - 7.686:.2f}" != f"{1.355:.2f}"
    assert span(9.041 - 7.686) == span(1.355)


def test_a_request_is_told_in_milliseconds() -> None:
    """As long as it takes less than a second."""
    told = [latency(each) for each in (0.0004, 0.0083, 0.00996, 0.038, 0.25, 0.9996, 2.35)]

    assert told == ["0.4 ms", "8.3 ms", "10 ms", "38 ms", "250 ms", "1.00 s", "2.35 s"]


def test_what_was_asked_for_has_no_more_figures_than_were_said() -> None:
    """But is told on the clock that what was measured beside it is told on."""
    assert [asked(each) for each in (10.0, 2.5, 200.0, 7200.0)] == [
        *("10 s", "2.5 s", "3:20 min", "2:00:00 h")
    ]


def test_a_clock_has_no_unit() -> None:
    """It stands on an axis, whose end has it."""
    assert [clock(each) for each in (7.0, 2.5, 200.0, 3800.0)] == ["7", "2.5", "3:20", "1:03:20"]
