"""Looks at the router's index: what they say, that they go on, and what is kept of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kvchaos.errors import ClusterUnreachable, KVChaosError
from kvchaos.index.names import BlockKey
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Expected
from kvchaos.sampling.sampler import Sampler, SampleRecord, progress_of, unanswered
from kvchaos.sampling.timeline import Progress, Sample
from tests.run_world import A, FakeObserver, FakeRouter, silent_router

GPU = BlockKey("GPU", None)
TICK = 2.0**-10


@dataclass
class TickingClock:
    """Each look at it is a ``TICK`` later than the one before."""

    seconds: float = 0.0

    def now(self) -> float:
        self.seconds += TICK
        return self.seconds

    def wall(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Kept:
    """Takes samples; ``fails`` are raised, one a sample. ``enough`` is set by the third."""

    fails: list[Exception] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def __call__(self, sample: Sample) -> None:
        self.samples.append(sample)
        if len(self.samples) >= 3:
            self.enough.set()
        if self.fails:
            raise self.fails.pop(0)


Make = Callable[..., Sampler]


@pytest.fixture
def make() -> Iterator[Make]:
    """Samplers that are stopped at the end of their test."""
    made: list[Sampler] = []

    def new(
        observer: FakeObserver,
        router: FakeRouter,
        record: Kept | None = None,
        every: float = 0.001,
    ) -> Sampler:
        clock = TickingClock()
        kept = record or Kept()
        made.append(Sampler(observer, router, record=kept, at=clock.now, every=every, clock=clock))
        return made[-1]

    yield new
    for sampler in made:
        sampler.stop()


def holding(*blocks: int) -> dict[BlockKey, frozenset[int]]:
    return {GPU: frozenset(blocks)}


def published(*looks: tuple[int, ...]) -> FakeObserver:
    """An observer whose engine ``a`` has published these blocks at one look after the other."""
    known = [{A: Expected(holding(*blocks), complete=True)} for blocks in looks]
    return FakeObserver(heads={A: 1}, known=list(known))


def indexing(*blocks: int) -> FakeRouter:
    view = EngineView(holding(*blocks), seq=4, gaps=1, replays=None)
    return FakeRouter(index={("a", 0): view})


def ends(sampler: Sampler) -> bool:
    sampler.stop()
    return not [each for each in threading.enumerate() if each.name == "kvchaos-sampler"]


# -- one look -----------------------------------------------------------------------------------


def test_an_index_with_all_that_was_published_agrees(make: Make) -> None:
    """The sample says when it was asked and answered, and how far the router has come."""
    sample = make(published((1, 2)), indexing(1, 2)).sample()

    assert sample == Sample(
        began=TICK,
        at=2 * TICK,
        agrees=True,
        counts={
            "agrees": True,
            "missing": 0,
            "phantom": 0,
            "ghosts": [],
            "engines": {"a/0": {"missing": 0, "phantom": 0}},
            "unknown": {},
        },
        router_started=7.0,
        progress={"a/0": Progress(seq=4, gaps=1, replays=None)},
    )


@pytest.mark.parametrize(
    ("before", "after", "index"),
    [((1,), (1, 2), (1,)), ((1,), (1, 2), (1, 2)), ((1, 2), (1,), (1,)), ((1, 2), (1,), (1, 2))],
)
def test_what_is_published_while_the_router_answers_is_no_difference(
    make: Make, before: tuple[int, ...], after: tuple[int, ...], index: tuple[int, ...]
) -> None:
    """Whether the router has it already or not yet."""
    assert make(published(before, after), indexing(*index)).sample().agrees is True


def test_what_was_published_before_and_is_not_indexed_is_missing(make: Make) -> None:
    """And what is in the index only is a phantom."""
    sample = make(published((1, 2), (1, 2, 3)), indexing(2, 9)).sample()

    assert (sample.agrees, sample.counts["missing"], sample.counts["phantom"]) == (False, 1, 1)
    assert sample.fresh == {"a/0": 1}


def test_a_pod_that_nobody_follows_makes_agreement_unknown(make: Make) -> None:
    """A replacement that just came up."""
    observer = published((1,))
    observer.living = {"a", "b"}

    sample = make(observer, indexing(1)).sample()

    assert (sample.agrees, sample.counts["unknown"]) == (
        None,
        {"b": "its events are not followed yet"},
    )


def test_an_index_that_cannot_be_compared_is_an_unanswered_sample(make: Make) -> None:
    """An adapter is also asked where its router keeps a block, and may raise there."""

    @dataclass
    class Nowhere(FakeRouter):
        def snapshot(self) -> Observed:
            def place(_: BlockKey) -> BlockKey:
                raise silent_router()

            return replace(super().snapshot(), place=place)

    sample = make(published((1,)), Nowhere()).sample()

    assert (sample.agrees, sample.reason) == (None, str(silent_router()))


@pytest.mark.parametrize(
    "error", [silent_router(), ClusterUnreachable("no answer"), ConnectionResetError("reset")]
)
def test_a_router_that_gave_no_answer_is_an_unanswered_sample(make: Make, error: Exception) -> None:
    """With the reason; nothing is raised, nothing agrees."""
    router = indexing(1)
    router.down = error

    assert make(published((1,)), router).sample() == unanswered(TICK, 2 * TICK, str(error))


def test_an_unanswered_sample_always_has_a_reason() -> None:
    """By it, it is told from a sample that was read."""
    sample = unanswered(1, 2, "")

    assert (sample.agrees, sample.reason, sample.counts["missing"]) == (None, "no answer", 0)


def test_only_what_was_not_missing_before_is_fresh(make: Make) -> None:
    """Blocks that an earlier fault cost prove nothing of the next one."""
    observer, router = published((1, 2, 3)), indexing(3)
    sampler = make(observer, router)

    first = sampler.sample()
    sampler.know_missing()
    second = sampler.sample()
    router.index = indexing(2).index
    third = sampler.sample()

    assert [each.fresh for each in (first, second, third)] == [{"a/0": 2}, {}, {"a/0": 1}]
    assert [each.counts["missing"] for each in (first, second, third)] == [2, 2, 2]


def test_progress_is_by_pod_and_rank() -> None:
    """What the router does not tell stays unknown."""
    observed = Observed(engines={("a", 0): EngineView({}), ("a", 1): EngineView({}, seq=3, gaps=0)})

    assert progress_of(observed) == {
        "a/0": Progress(seq=None, gaps=None, replays=None),
        "a/1": Progress(seq=3, gaps=0, replays=None),
    }


# -- the thread ---------------------------------------------------------------------------------


def test_a_started_sampler_looks_until_it_is_stopped(make: Make) -> None:
    """What it saw can be asked for from any second on."""
    kept = Kept()
    sampler = make(published((1,)), indexing(1), kept)
    assert not sampler.is_up

    sampler.start()
    assert kept.enough.wait(10)
    up = sampler.is_up

    assert up
    assert ends(sampler)
    assert not sampler.is_up
    seen = sampler.samples()
    assert seen[: len(kept.samples)] == kept.samples
    assert sampler.samples(since=seen[1].began) == seen[1:]


def test_while_a_fault_ends_it_looks_closely(make: Make) -> None:
    """Whatever the usual interval: the moment of the recovery is to be told well."""
    kept = Kept()
    sampler = make(published((1,)), indexing(1), kept, every=3600.0)
    sampler.look_closely()

    sampler.start()

    assert kept.enough.wait(10)
    sampler.look_at_ease()
    assert ends(sampler)


def test_when_a_fault_ends_it_looks_at_once(make: Make) -> None:
    """It does not wait for the end of a pause that began before."""
    kept = Kept()
    sampler = make(published((1,)), indexing(1), kept, every=3600.0)
    sampler.start()
    assert sampler.wait(bool, since=0, timeout=1e9)

    sampler.look_closely()

    assert kept.enough.wait(10)
    assert ends(sampler)


def test_samples_that_cannot_be_recorded_are_kept_and_the_sampler_is_not_up(make: Make) -> None:
    """It goes on looking, but what it saw is not all in the history: no pass rests on it."""
    kept = Kept(fails=[KVChaosError("disk full")])
    sampler = make(published((1,)), indexing(1), kept)

    sampler.start()
    assert kept.enough.wait(10)

    assert not sampler.is_up
    assert sampler.samples()[:3] == kept.samples[:3]
    assert ends(sampler)


def test_a_sampler_that_was_never_started_can_be_stopped(make: Make) -> None:
    """A run that could not start is taken apart all the same."""
    assert ends(make(published((1,)), indexing(1)))


# -- waiting ------------------------------------------------------------------------------------


def test_waiting_ends_as_soon_as_the_samples_are_as_wanted(make: Make) -> None:
    """Only those from the second on that was asked for."""
    kept = Kept()
    sampler = make(published((1,)), indexing(1), kept)
    sampler.start()
    assert kept.enough.wait(10)
    since = kept.samples[1].began

    samples = sampler.wait(lambda seen: len(seen) >= 2, since=since, timeout=1e9)

    assert len(samples) >= 2
    assert all(each.began >= since for each in samples)


def test_waiting_is_bounded(make: Make) -> None:
    """Without a sample the answer is none, in time."""
    assert make(published((1,)), indexing(1)).wait(lambda _: False, since=0, timeout=0.05) == []


def test_nobody_waits_on_a_sampler_that_was_stopped(make: Make) -> None:
    """No sample will come any more."""
    sampler = make(published((1,)), indexing(1))
    sampler.stop()

    assert sampler.wait(lambda _: False, since=0, timeout=1e9) == []


# -- the record ---------------------------------------------------------------------------------


def recorded(*samples: Sample) -> list[tuple[str, Any]]:
    """What is written of these samples: the missing blocks of each ``sample`` event."""
    written: list[tuple[str, Any]] = []
    record = SampleRecord(lambda event, **fields: written.append((event, fields["missing"])))
    for sample in samples:
        record(sample)
    return written


def look(at: float, missing: int = 0) -> Sample:
    counts = {"agrees": not missing, "missing": missing}
    return Sample(began=at - 0.1, at=at, agrees=not missing, counts=counts)


def test_each_change_is_written_at_once() -> None:
    """Also back to what it was."""
    samples = [look(1), look(1.1, 2), look(1.2, 2), look(1.3)]

    assert recorded(*samples) == [("sample", 0), ("sample", 2), ("sample", 0)]


def test_what_stays_the_same_is_written_once_a_second() -> None:
    """Of ten looks a second, the history of a quiet hour needs one."""
    samples = [look(n / 8) for n in range(8, 33)]

    assert len(recorded(*samples)) == 4
