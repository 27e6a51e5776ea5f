"""How the index came to agree, over samples that a test wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from kvchaos.index.compare import Difference
from kvchaos.index.names import Block
from kvchaos.run import recovery
from kvchaos.sampling.sampler import unanswered
from kvchaos.sampling.timeline import Marks, Sample
from kvchaos.traffic.load import Figures, Load, Span
from tests.looks import NOTHING, sample
from tests.run_world import Made, World, active

Json = dict[str, Any]


def silent(at: float) -> Sample:
    return unanswered(at, at, "no answer")


@dataclass
class Sending:
    """A load that goes on until it is stopped."""

    stopped: bool = False

    def stop(self) -> Json:
        self.stopped = True
        return {"sent": 3}

    def lately(self) -> Span:
        return Span(100.0, 101.0, Figures())


def under_traffic(world: World, *plan: Sample, wrong: Callable[[float], Difference]) -> Sending:
    """Healed in second 9, looked at as planned; ``wrong`` says what is wrong when."""
    load = Sending()
    healed(world, *plan)
    world.run.load = cast(Load, load)
    world.sampler.wrong = wrong
    return load


def lacks(number: int) -> Difference:
    return Difference(("a/0",), missing={"a/0": frozenset({Block("GPU", None, number)})})


def healed(world: World, *plan: Sample, flushed: float | None = 10.0, now: float = 10.0) -> World:
    """Hit in second 2, healed in second 9, and looked at as planned."""
    active(world.run, at=2, healed=9)
    world.run.flushed = flushed
    world.sampler.plan = list(plan)
    world.clock.seconds = 100 + now
    return world


def test_an_index_that_agrees_in_time_recovered(made: Made) -> None:
    """Everything that was measured is in the answer and in the history."""
    world = healed(made(), sample(1), sample(8, agrees=False), sample(11, agrees=False))
    world.sampler.plan += [sample(12), sample(13)]

    answer = recovery.recovered(world.run, budget=20, needed=2)

    moments = {
        "injected": 2.0,
        "effect": 2.5,
        "healed": 9.0,
        "first_event": 12.0,
        "gap_found": None,
        "replayed": None,
        "agreed": 12.0,
    }
    told = {
        "agreed": True,
        "budget": 20,
        "samples_needed": 2,
        "apart": 0.1,
        "flushed": 10.0,
        "resolution": 2.0,
        "quiet": None,
        "timeline": moments,
        "after_heal": {name: None if at is None else at - 9 for name, at in moments.items()},
        "left": NOTHING,
        "waited": 4.0,
    }
    assert answer == {"recovered": True, **told}
    assert world.told("recovery") == [{"event": "recovery", **told}]


def test_once_the_answer_is_known_the_router_is_looked_at_as_usual(made: Made) -> None:
    """The close looks were for the moment of the recovery."""
    world = healed(made(), sample(11), sample(12), sample(13))

    recovery.recovered(world.run, budget=10, needed=2)

    assert world.sampler.closely == [False]


def test_the_sample_that_the_answer_rests_on_is_in_the_history(made: Made) -> None:
    """The sampler tells only changes: the change back may have been told before the heal was."""
    world = healed(made(), sample(9.5), sample(10), sample(10.5), sample(11), now=12)

    recovery.recovered(world.run, budget=60, needed=3)

    names = [each["event"] for each in world.run.history.events()]
    assert names[-2:] == ["sample", "recovery"]
    assert world.told("sample") == [{"event": "sample", **sample(11).counts}]


def test_a_recovery_is_not_told_with_an_event_on_its_way_as_what_is_left(made: Made) -> None:
    """Traffic goes on, and a look after the row may catch one: one more is had."""
    on_its_way = sample(12, agrees=False, engines={"a/0": {"missing": 1, "phantom": 0}})
    world = healed(made(), sample(11), sample(12), on_its_way, sample(12.05))

    answer = recovery.recovered(world.run, budget=20, needed=2)

    assert (answer["recovered"], answer["timeline"]["agreed"]) == (True, 11.0)
    assert (answer["left"], world.told("sample")[-1]["agrees"]) == (NOTHING, True)


def test_what_does_not_go_away_again_is_told_as_left(made: Made) -> None:
    """An agreement that did not last is not made to look like one that did."""
    wrong = {"a/0": {"missing": 1, "phantom": 0}}
    world = healed(made(), sample(11), sample(12), sample(12, agrees=False, engines=wrong))

    answer = recovery.recovered(world.run, budget=5, needed=2)

    assert (answer["recovered"], answer["left"]["engines"]) == (True, wrong)
    assert answer["waited"] == 5.0


def test_an_index_that_agrees_only_after_its_budget_did_not_recover(made: Made) -> None:
    """The clock runs from the heal, however late it was asked."""
    world = healed(made(), *(sample(n, agrees=n > 15) for n in range(10, 19)), now=30)

    answer = recovery.recovered(world.run, budget=5, needed=2)

    assert (answer["recovered"], answer["timeline"]["agreed"]) == (False, 16.0)
    assert answer["waited"] == 21.0  # it was asked late, and waited no more


def test_an_index_that_stays_wrong_did_not_recover(made: Made) -> None:
    """What is left of the difference is told."""
    wrong = {"a/0": {"missing": 8, "phantom": 0}}
    world = healed(made(), *(sample(n, agrees=False, engines=wrong) for n in range(10, 19)))

    answer = recovery.recovered(world.run, budget=6, needed=2)

    assert (answer["recovered"], answer["waited"]) == (False, 6.0)
    assert answer["left"] == {**NOTHING, "engines": wrong}


def test_a_router_that_does_not_answer_leaves_recovery_unknown(made: Made) -> None:
    """What could not be read is neither right nor wrong."""
    world = healed(made(), sample(10, agrees=False), silent(12))

    answer = recovery.recovered(world.run, budget=6, needed=2)

    assert answer["recovered"] is None
    assert answer["left"] == {**NOTHING, "unknown": {"router": "no answer"}}


def test_without_any_sample_recovery_is_unknown(made: Made) -> None:
    """The sampler may have died."""
    answer = recovery.recovered(healed(made()).run, budget=6, needed=2)

    assert (answer["recovered"], answer["left"]["unknown"]) == (
        None,
        {"router": "no sample was taken"},
    )


@pytest.mark.parametrize("flushed", [None, 8.5])
def test_without_a_flush_after_the_heal_recovery_is_unknown_at_once(
    made: Made, flushed: float | None
) -> None:
    """A tail that was lost shows only when every engine has published again: why wait."""
    world = healed(made(), *(sample(n) for n in range(10, 19)), flushed=flushed)

    answer = recovery.recovered(world.run, budget=6, needed=2)

    assert (answer["recovered"], answer["flushed"], answer["waited"]) == (None, None, 1.0)
    assert answer["timeline"]["agreed"] is None


def test_without_a_heal_recovery_is_unknown_at_once(made: Made) -> None:
    """A fault that stands is nothing to recover from."""
    world = made()
    active(world.run, at=2)
    world.run.flushed = 3
    world.sampler.plan = [sample(n) for n in range(9)]
    world.clock.sleep(4)

    answer = recovery.recovered(world.run, budget=60, needed=1)

    assert (answer["recovered"], answer["waited"]) == (None, 0.0)


def test_without_a_fault_recovery_is_unknown_at_once(made: Made) -> None:
    """Nothing was tested."""
    answer = recovery.recovered(made().run, budget=60, needed=1)

    assert (answer["recovered"], answer["waited"]) == (None, 0.0)


def test_the_marks_are_those_of_the_last_fault(made: Made) -> None:
    """With the engines that it hit; none of them means all."""
    world = made()
    assert recovery.marks_of(world.run) == Marks()

    active(world.run, at=2, healed=3)
    active(world.run, targets=(), at=5, healed=6)
    world.run.flushed = 6

    assert recovery.marks_of(world.run) == Marks(5, 5.5, 6, 6, None)

    active(world.run, at=7)
    assert recovery.marks_of(world.run) == Marks(7, 7.5, None, None, frozenset({"a"}))


# -- a router that is behind under traffic ------------------------------------------------------


def test_a_router_that_is_only_behind_is_judged_without_traffic(made: Made) -> None:
    """Another block is on its way at each look: it never agrees, and lost nothing."""
    world = made()
    wrong = [sample(n, agrees=False, missing=1) for n in range(10, 16)]
    load = under_traffic(world, *wrong, *map(sample, (16, 17)), wrong=lambda at: lacks(int(at)))

    answer = recovery.recovered(world.run, budget=20, needed=2)

    assert (answer["recovered"], answer["timeline"]["agreed"]) == (True, 16.0)
    assert (answer["quiet"], load.stopped, world.run.load) == (15.0, True, None)
    assert world.told("traffic") == [{"event": "traffic", "sent": 3}]


def test_while_a_block_stays_wrong_the_traffic_goes_on(made: Made) -> None:
    """A router may need the engines' next events to notice what it lost."""
    world = made()
    wrong = [sample(n, agrees=False, missing=1) for n in range(10, 40)]
    load = under_traffic(world, *wrong, wrong=lambda _at: lacks(7))

    answer = recovery.recovered(world.run, budget=20, needed=2)

    assert (answer["recovered"], answer["quiet"], load.stopped) == (False, None, False)
    assert answer["waited"] == 20.0


@pytest.mark.parametrize("agrees", [True, None])
def test_a_router_that_is_right_or_not_known_is_not_behind(made: Made, agrees: bool | None) -> None:
    """Only what is wrong, and wrong again in another way, is on its way."""
    world = made()
    unlike = Difference(("a/0",)) if agrees else Difference()
    looks = [sample(n, agrees=False) for n in range(10, 40)]
    wrong = {15: unlike}
    load = under_traffic(world, *looks, wrong=lambda at: wrong.get(int(at), lacks(int(at))))

    recovery.recovered(world.run, budget=8, needed=2)

    assert load.stopped is False


def test_a_sampler_that_ended_is_not_waited_for(made: Made) -> None:
    """It says nothing more, however long one waits."""
    world = made()
    load = under_traffic(world, sample(10, agrees=False), wrong=lambda at: lacks(int(at)))
    world.sampler.is_up = False

    answer = recovery.recovered(world.run, budget=20, needed=2)

    assert (answer["recovered"], answer["waited"], load.stopped) == (False, 6.0, False)
