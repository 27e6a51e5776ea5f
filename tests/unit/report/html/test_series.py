"""What a history tells over time."""

from __future__ import annotations

from typing import Any

from kvchaos.report.html.series import (
    COLUMNS,
    Flow,
    Stretch,
    agreement,
    difference,
    flows,
    ghosts,
    samples,
    smoothed,
    thinned,
)
from tests.builders import ENGINES, blind_sample, event, sample

HIT, OTHER = f"{ENGINES[1]}/0", f"{ENGINES[0]}/0"


def rates(at: float, batches: int, gaps: int = 0) -> dict[str, Any]:
    """Totals of one engine."""
    told = {"batches": batches, "blocks": 2 * batches, "gaps": gaps}
    return event(at, "rates", engines={HIT: told})


def test_a_look_that_could_not_tell_is_a_hole() -> None:
    """Not known is never 0."""
    looks = samples([sample(1.0, 4, 2), blind_sample(2.0), sample(3.0)])

    assert difference(looks, "missing", end=4.0) == [(1.0, 4), (2.0, None), (3.0, 0)]
    assert difference(looks, "phantom", end=4.0) == [(1.0, 2), (2.0, None), (3.0, 0)]


def test_a_sample_speaks_for_a_while_only() -> None:
    """Where none came for longer, nothing is known."""
    looks = samples([sample(1.0, 4), sample(9.0)])

    assert difference(looks, "missing", end=9.5) == [(1.0, 4), (3.5, None), (9.0, 0)]
    assert agreement(looks, end=9.5) == [
        Stretch(1.0, 3.5, "bad"),
        Stretch(3.5, 9.0, "blank"),
        Stretch(9.0, 9.5, "good"),
    ]


def test_an_engine_has_an_agreement_of_its_own() -> None:
    """Wrong is the one that is; one that a look does not name was not looked at."""
    looks = samples(
        [sample(1.0), sample(2.0, 4), sample(3.0, 4), blind_sample(4.0, **{HIT: "replaying"})]
    )

    assert agreement(looks, end=5.0, engine=HIT) == [
        Stretch(1.0, 2.0, "none"),
        Stretch(2.0, 4.0, "bad"),
        Stretch(4.0, 5.0, "blank"),
    ]
    assert agreement(looks, end=5.0, engine=OTHER) == [Stretch(1.0, 5.0, "none")]


def test_a_ghost_is_told_though_no_block_is_wrong() -> None:
    """A pod in the index that is not alive."""
    looks = samples([sample(1.0), sample(2.0, ghosts=["gone"], agrees=False), sample(3.0)])

    assert ghosts(looks, end=4.0) == [Stretch(2.0, 3.0, "ghost")]


def test_what_changes_all_the_time_is_drawn_by_columns() -> None:
    """No more stretches than can be seen; a column is as bad as the worst in it."""
    looks = samples([sample(at / 10, at % 2) for at in range(10_000)])

    assert agreement(looks, end=1000.0) == [Stretch(0.0, 1000.0, "bad")]
    assert len(agreement(samples([sample(at, at // 3 % 2) for at in range(3000)]), end=3000.0)) <= (
        COLUMNS
    )


def test_an_engines_rate_is_that_between_two_totals() -> None:
    """A stream that began anew counts nothing backwards; a gap is told when it was counted."""
    told = flows([rates(1.0, 10), rates(2.0, 14), rates(4.0, 20, gaps=1), rates(5.0, 3, gaps=1)])

    assert told == {HIT: Flow(((1.0, 4.0), (2.0, 3.0), (4.0, 0.0), (5.0, None)), 3, 6, (4.0,))}


def test_a_streams_own_gaps_are_the_exact_ones() -> None:
    """An engine is named though no rate of it was recorded."""
    engine = {"pod": ENGINES[1], "rank": 0}
    gap = event(3.25, "stream", engine=engine, what="gap", seq=4, missing=2, reason="")

    assert flows([gap]) == {HIT: Flow((), 0, 0, (3.25,))}
    assert flows([rates(1.0, 1), rates(4.0, 2, gaps=1), gap])[HIT].gaps == (3.25,)


def test_long_series_keep_their_extremes() -> None:
    """What is drawn is bounded, and the one value that matters is in it."""
    points = [(float(at), 900.0 if at == 4321 else 1.0) for at in range(20_000)]

    kept = thinned(points)

    assert (4321.0, 900.0) in kept
    assert kept[-1] == points[-1]
    assert len(kept) <= 2 * COLUMNS
    assert thinned(points[:100]) == points[:100]


def test_a_rate_over_a_long_time_is_a_mean() -> None:
    """Not its extremes: those say nothing of a stream."""
    assert smoothed([(0.0, 2.0), (1.0, 4.0), (2.0, None), (3.0, None)], 2) == [(0, 3), (2, None)]
