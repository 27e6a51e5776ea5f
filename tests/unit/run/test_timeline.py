"""The moments of a recovery, read from samples."""

from __future__ import annotations

from collections.abc import Mapping

from kvchaos.index.compare import Difference
from kvchaos.index.names import Block
from kvchaos.run.timeline import Progress, Sample, agreed_at, timeline

AGREES = Difference(compared=("a/0",))
MISSES = Difference(compared=("a/0",), missing={"a/0": frozenset({Block("GPU", None, 1)})})
UNKNOWN = Difference(compared=("a/0",), unknown={"b/0": "not followed"})


def sample(
    at: float,
    difference: Difference | None = AGREES,
    *,
    seq: int = 5,
    gaps: int = 0,
    replays: int = 0,
    started: float = 1.0,
) -> Sample:
    progress: Mapping[str, Progress] = {"a/0": Progress(seq=seq, gaps=gaps, replays=replays)}
    return Sample(at=at, difference=difference, router_started=started, progress=progress)


def test_agreement_is_the_first_of_as_many_agreeing_samples_as_wanted() -> None:
    """One agreeing sample between two others is no recovery."""
    samples = [sample(1), sample(2, MISSES), sample(3), sample(4), sample(5)]

    assert agreed_at(samples, healed=0, judged=0, needed=3) == 3


def test_an_unknown_sample_interrupts_the_row() -> None:
    """What was not known did not agree."""
    samples = [sample(1), sample(2, UNKNOWN), sample(3), sample(4, None), sample(5)]

    assert agreed_at(samples, healed=0, judged=0, needed=2) is None


def test_agreement_counts_only_once_every_engine_has_published_again() -> None:
    """A lost tail shows only then: an index that agreed before and not after has not recovered."""
    samples = [sample(1), sample(2), sample(3), sample(4, MISSES), sample(5), sample(6)]

    assert agreed_at(samples, healed=1, judged=3.5, needed=2) == 5
    assert agreed_at(samples, healed=1, judged=3.5, needed=3) is None


def test_agreement_that_lasts_counts_from_its_first_sample() -> None:
    """The wait for every engine to publish is the judge's, not the router's."""
    samples = [sample(1, MISSES), sample(2), sample(3), sample(4), sample(5)]

    assert agreed_at(samples, healed=1, judged=3.5, needed=2) == 2


def test_samples_before_the_heal_do_not_count() -> None:
    """An index that agreed while nothing was published has not recovered from anything."""
    samples = [sample(1), sample(2), sample(3), sample(4)]

    assert agreed_at(samples, healed=3, judged=0, needed=2) == 3


def test_a_partition_gives_every_moment_in_its_order() -> None:
    """The first event, gap and replay are read from the router's own counters."""
    samples = [
        sample(1, seq=5),
        sample(3, MISSES, seq=5),
        sample(10.2, MISSES, seq=5),
        sample(10.4, MISSES, seq=9, gaps=1),
        sample(10.6, AGREES, seq=9, gaps=1, replays=1),
        sample(10.8, AGREES, seq=9, gaps=1, replays=1),
    ]

    found = timeline(samples, injected=2, effect=3, healed=10, judged=10.3, needed=2)

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


def test_a_restarted_router_counts_from_zero() -> None:
    """Counters of another life of the router are no baseline for this one."""
    samples = [
        sample(1, seq=5, replays=7, started=1.0),
        sample(4, MISSES, seq=5, replays=0, started=3.0),
        sample(5, AGREES, seq=6, replays=1, started=3.0),
    ]

    found = timeline(samples, injected=2, effect=3, healed=3.5, judged=4, needed=1)

    assert found.moments["replayed"] == 5


def test_what_was_not_seen_stays_none() -> None:
    """No samples, no moments; a heal that never came has no agreement."""
    found = timeline([sample(1)], injected=2, effect=None, healed=None, judged=0, needed=1)

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
