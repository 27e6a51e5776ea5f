"""The moments of a recovery, read from samples."""

from __future__ import annotations

import pytest

from kvchaos.sampling.timeline import Marks, Progress, Sample, agreed_at, timeline


def sample(
    at: float,
    agrees: bool | None = True,
    *,
    seq: int = 5,
    gaps: int = 0,
    replays: int = 0,
    started: float = 1.0,
    engine: str = "a/0",
    ghosts: list[str] | None = None,
) -> Sample:
    return Sample(
        began=at,
        at=at,
        agrees=agrees,
        counts={"ghosts": ghosts or []},
        router_started=started,
        progress={engine: Progress(seq=seq, gaps=gaps, replays=replays)},
    )


def test_agreement_is_the_first_of_as_many_agreeing_samples_as_wanted() -> None:
    """One agreeing sample between two others is no recovery."""
    samples = [sample(1), sample(2, False), sample(3), sample(4), sample(5)]

    assert agreed_at(samples, Marks(healed=0, judged=0), needed=3, apart=0.0) == 3


def test_an_unknown_sample_interrupts_the_row() -> None:
    """What was not known did not agree."""
    samples = [sample(1), sample(2, None), sample(3), sample(4, None), sample(5)]

    assert agreed_at(samples, Marks(healed=0, judged=0), needed=2, apart=0.0) is None


def test_agreement_counts_only_once_every_engine_has_published_again() -> None:
    """A lost tail shows only then: an index that agreed before and not after has not recovered."""
    samples = [sample(1), sample(2), sample(3), sample(4, False), sample(5), sample(6)]
    marks = Marks(healed=1, judged=3.5)

    assert agreed_at(samples, marks, needed=2, apart=0.0) == 5
    assert agreed_at(samples, marks, needed=3, apart=0.0) is None


def test_agreement_that_lasts_counts_from_its_first_sample() -> None:
    """The wait for every engine to publish is the judge's, not the router's."""
    samples = [sample(1, False), sample(2), sample(3), sample(4), sample(5)]

    assert agreed_at(samples, Marks(healed=1, judged=3.5), needed=2, apart=0.0) == 2


def test_a_look_that_began_before_the_flush_does_not_count_as_after_it() -> None:
    """Its answer may be older than what was published meanwhile."""
    late = Sample(began=3, at=4, agrees=True)

    assert agreed_at([late], Marks(healed=1, judged=3.5), needed=1, apart=0.0) is None


def test_samples_before_the_heal_do_not_count() -> None:
    """An index that agreed while nothing was published has not recovered from anything."""
    samples = [sample(1), sample(2), sample(3), sample(4)]

    assert agreed_at(samples, Marks(healed=3, judged=3), needed=2, apart=0.0) == 3


def test_looks_that_follow_closely_count_once() -> None:
    """Three looks within milliseconds are one: the index has to stay right for a while."""
    close = [sample(1 + number / 200) for number in range(30)]
    marks = Marks(healed=0, judged=0)

    assert agreed_at(close, marks, needed=3, apart=0.1) is None
    assert agreed_at([*close, sample(1.2), sample(1.31)], marks, needed=3, apart=0.1) == 1


def test_a_router_that_flaps_has_not_recovered() -> None:
    """Right for 45 ms of every 200, looked at every 5 ms."""
    flapping = [sample(number / 200, number % 40 < 9) for number in range(400)]

    assert agreed_at(flapping, Marks(healed=0, judged=0), needed=3, apart=0.1) is None


def test_an_event_on_its_way_does_not_break_the_row() -> None:
    """The flush's own blocks, seen between an engine's publishing and the router's taking in."""
    marks = Marks(healed=0, judged=3.0)
    before, after = [sample(0.3), sample(2.9)], [sample(3.01), sample(3.12), sample(3.23)]

    assert agreed_at([*before, sample(3.0, False), *after], marks, needed=3, apart=0.1) == 0.3


@pytest.mark.parametrize(
    "wrong",
    [
        [sample(2.9, False), sample(3.01, False)],
        [sample(3.01, False, ghosts=["pod"])],
        [sample(3.01, None)],
    ],
    ids=["too long", "a ghost", "not known"],
)
def test_what_is_more_than_an_event_on_its_way_breaks_the_row(wrong: list[Sample]) -> None:
    """Then the agreement before it was none for good."""
    marks = Marks(healed=0, judged=3.0)
    after = [sample(3.02), sample(3.13), sample(3.24)]

    assert agreed_at([sample(0.3), *wrong, *after], marks, needed=3, apart=0.1) == 3.02


def test_a_difference_that_lasts_unseen_breaks_the_row() -> None:
    """At the usual pace nobody knows what was between two looks."""
    marks = Marks(healed=0, judged=0)
    seen = [sample(1), sample(2, False), sample(3), sample(4)]

    assert agreed_at(seen, marks, needed=2, apart=0.1) == 3


def test_the_time_from_the_heal_to_the_first_look_is_part_of_the_resolution() -> None:
    """The index may have become right at any moment of it."""
    samples = [sample(9.9, False), sample(10.5), sample(10.6), sample(10.7)]

    found = timeline(samples, Marks(healed=10, judged=10.1), needed=2, apart=0.1)

    assert (found.moments["agreed"], round(found.resolution, 3)) == (10.5, 0.5)


def test_without_a_heal_or_a_flush_there_is_no_agreement() -> None:
    """There is nothing to recover from, or a lost tail would not show."""
    samples = [sample(1), sample(2)]

    assert agreed_at(samples, Marks(healed=None, judged=0), needed=1, apart=0.0) is None
    assert agreed_at(samples, Marks(healed=0, judged=None), needed=1, apart=0.0) is None


def test_a_partition_gives_every_moment_in_its_order() -> None:
    """The first event, gap and replay are read from the router's own counters."""
    samples = [
        sample(1, seq=5),
        sample(3, False, seq=5),
        sample(10.2, False, seq=5),
        sample(10.4, False, seq=9, gaps=1),
        sample(10.6, seq=9, gaps=1, replays=1),
        sample(10.8, seq=9, gaps=1, replays=1),
    ]

    found = timeline(
        samples, Marks(injected=2, effect=3, healed=10, judged=10.3), needed=2, apart=0.0
    )

    assert found.moments == {
        "injected": 2,
        "effect": 3,
        "healed": 10,
        "first_event": 10.4,
        "gap_found": 10.4,
        "replayed": 10.6,
        "agreed": 10.6,
    }
    assert found.after_heal()["agreed"] == 0.6
    assert round(found.resolution, 3) == 0.2


def test_the_moments_are_those_of_the_engines_that_were_hit() -> None:
    """With traffic on, another engine's next batch says nothing of this link."""
    samples = [
        sample(1, engine="b/0"),
        sample(3, seq=5, engine="b/0"),
        sample(4, seq=6, gaps=1, replays=1, engine="b/0"),
    ]

    found = timeline(
        samples, Marks(injected=2, healed=3, judged=3, pods=frozenset({"a"})), needed=1, apart=0.0
    )

    assert [found.moments[name] for name in ("first_event", "gap_found", "replayed")] == [None] * 3


def test_a_restarted_router_counts_from_zero() -> None:
    """Counters of another life of the router are no baseline for this one."""
    samples = [
        sample(1, seq=5, replays=7, started=1.0),
        sample(4, False, seq=5, replays=0, started=3.0),
        sample(5, seq=6, replays=1, started=3.0),
    ]

    found = timeline(
        samples, Marks(injected=2, effect=3, healed=3.5, judged=4), needed=1, apart=0.0
    )

    assert found.moments["replayed"] == 5


def test_what_was_not_seen_stays_none() -> None:
    """No samples, no moments; a heal that never came has no agreement."""
    found = timeline([sample(1)], Marks(injected=2, judged=0), needed=1, apart=0.0)

    assert found.moments == {
        "injected": 2,
        "effect": None,
        "healed": None,
        "first_event": None,
        "gap_found": None,
        "replayed": None,
        "agreed": None,
    }
    assert found.after_heal()["injected"] is None
    assert found.resolution == 0.0


def test_who_subtracts_moments_gets_what_is_told_of_them() -> None:
    """Checks do, summaries do, and reports take what is told: rounded once, they are the same."""
    marks = Marks(injected=1.0881, healed=7.30291, judged=7.4)

    found = timeline([sample(7.75755), sample(7.9)], marks, needed=1, apart=0.0)

    agreed, healed = found.moments["agreed"], found.moments["healed"]
    assert agreed is not None
    assert healed is not None
    assert (agreed, healed) == (7.758, 7.303)
    assert found.after_heal()["agreed"] == round(agreed - healed, 3) == 0.455
