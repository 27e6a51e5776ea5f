"""The order of files for several workers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.spreading import spread


@dataclass(frozen=True, slots=True)
class Collected:
    """A test, of a file whose tests need a lab, or so many seconds."""

    nodeid: str
    lab: bool = False
    seconds: float = 0.0

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        marks = {"lab": pytest.mark.lab.mark} if self.lab else {}
        if self.seconds:
            marks["timeout"] = pytest.mark.timeout(self.seconds).mark
        return marks.get(name)


def test_those_that_wait_longest_begin_and_the_others_are_evenly_between() -> None:
    """By the time that they may take, then by their number; others as they were."""
    quick = [Collected(f"{name}::test") for name in "uvwxyz"]
    lab = Collected("a_lab::test", lab=True)
    long = [Collected("b_long::one", lab=True, seconds=99), Collected("b_long::two", lab=True)]
    longest = Collected("c_longest::test", seconds=100)

    found = spread([lab, *long, *quick, longest])

    u, v, w, x, y, z = quick
    assert found == [longest, u, v, *long, w, x, lab, y, z]


def test_tests_of_a_file_stay_together_in_their_order() -> None:
    """Of a file that waits as of one that does not."""
    mixed = [Collected(f"{file}::{name}", lab=file == "l") for name in "ba" for file in "qlk"]

    assert [item.nodeid for item in spread(mixed)] == [
        *("l::b", "l::a", "q::b", "q::a", "k::b", "k::a")
    ]


def test_without_any_of_a_kind_the_order_is_that_of_the_others() -> None:
    """Also when there is none at all."""
    quick = [Collected("b::test"), Collected("a::test")]

    assert (spread(quick), spread([])) == (quick, [])
