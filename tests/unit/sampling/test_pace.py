"""Pauses between looks: a share of the time as a rule, close when a moment is looked for."""

from __future__ import annotations

import pytest

from kvchaos.sampling.pace import CLOSE, FEW, Pace


@pytest.mark.parametrize(("took", "pause"), [(0.001, 0.1), (0.03, 0.1), (0.2, 0.6)])
def test_as_a_rule_a_look_takes_a_share_of_the_time(took: float, pause: float) -> None:
    """At most one part in four, however long the router needs to answer."""
    assert Pace(0.1).pause(took, now=5) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("now", "pause"), [(50.0, CLOSE), (52.0, CLOSE), (90.0, 0.04), (160.0, 0.1), (999.0, 0.1)]
)
def test_a_moment_is_looked_for_closely_at_first(now: float, pause: float) -> None:
    """What takes a minute need not be told to the millisecond."""
    pace = Pace(0.1)
    pace.closely(50)

    assert pace.pause(0.001, now=now) == pytest.approx(pause)


@pytest.mark.parametrize(("took", "pause"), [(0.01, CLOSE), (0.02, 0.03), (0.21, 0.6)])
def test_what_costs_the_router_something_is_not_asked_closely(took: float, pause: float) -> None:
    """A look of 200 ms would be a load: beyond what is cheap, the share holds."""
    pace = Pace(0.1)
    pace.closely(50)

    assert pace.pause(took, now=50) == pytest.approx(pause)


def test_a_look_that_waited_for_a_busy_machine_is_not_rested_from() -> None:
    """One in a few that is slow costs no more than the others; when all are slow, they cost it."""
    pace = Pace(0.1)
    pace.closely(50)
    pace.pause(0.003, now=50)

    assert [pace.pause(0.25, now=50) for _ in range(FEW)] == pytest.approx(
        [CLOSE] * (FEW - 1) + [0.72]
    )


def test_a_look_without_an_answer_says_nothing_of_what_looks_cost() -> None:
    """A router that is away refuses at once; when it is back, its index is as big as before."""
    pace = Pace(0.1)
    pace.closely(50)

    assert pace.pause(0.001, now=50, answered=False) == CLOSE
    assert [pace.pause(took, now=50, answered=took > 0.1) for took in (0.21, 0.001)] == (
        pytest.approx([0.6, 0.6])
    )


def test_it_is_at_ease_again_when_that_is_over() -> None:
    """Or when an interval of the rule is closer anyway."""
    pace, fast = Pace(0.1), Pace(0.001)
    for each in (pace, fast):
        each.closely(50)
    pace.at_ease()

    assert pace.pause(0.001, now=50) == 0.1
    assert fast.pause(0.0, now=50) == 0.001
