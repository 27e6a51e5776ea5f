"""What the observer takes for a fault's effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kvchaos.sampling.effect import LASTING, Seen, lost_blocks, router_restarted, streams_ended
from kvchaos.sampling.sampler import unanswered
from kvchaos.sampling.timeline import Sample


def look(at: float, *, started: float | None = 10.0, **fresh: int) -> Sample:
    counted = {f"{pod}/0": count for pod, count in fresh.items()}
    return Sample(began=at, at=at, agrees=not fresh, fresh=counted, router_started=started)


def silent(at: float) -> Sample:
    return unanswered(at, at, "no answer")


def test_blocks_that_stay_missing_on_a_target_are_the_effect_of_a_cut() -> None:
    """The effect began with the first of the samples that show it."""
    samples = [look(1), look(2, a=2), look(2.1, a=2), look(2 + LASTING, a=2)]

    seen = lost_blocks(["a"])(samples)

    assert seen == Seen(True, "2 blocks that a published are not in the index", 2)


def test_blocks_missing_for_a_moment_are_no_effect() -> None:
    """An event on its way is not a cut link."""
    samples = [look(2, a=2), look(1.9 + LASTING, a=2), look(9)]

    assert lost_blocks(["a"])(samples).holds is False


def test_blocks_missing_on_another_engine_are_no_effect_on_the_target() -> None:
    """Only what the fault hit proves the fault."""
    assert lost_blocks(["a"])([look(2, b=2), look(3, b=2)]).holds is False


def test_blocks_that_were_missing_before_the_fault_do_not_prove_it() -> None:
    """What an earlier fault left is no evidence for this one: only fresh ones are counted."""
    left_over = Sample(began=1, at=1, agrees=False, counts={"missing": 9}, fresh={})

    assert lost_blocks(["a"])([left_over, left_over]).holds is False


def test_a_router_that_cannot_be_read_leaves_a_cut_unproven() -> None:
    """What could not be seen is inconclusive, not a missing effect."""
    assert lost_blocks(["a"])([silent(1)]) == Seen(None, "no answer")
    assert lost_blocks(["a"])([]).holds is None


def test_a_router_that_says_it_started_anew_was_restarted() -> None:
    """Its own start time tells one life from the next; the effect began when it went silent."""
    samples = [look(1), silent(2), silent(3), look(4, started=20.0)]

    assert router_restarted(10.0)(samples) == Seen(True, "the router says that it started anew", 2)
    assert router_restarted(10.0)(samples[:1]).holds is False
    assert router_restarted(None)(samples[:1]).holds is None


def test_a_router_that_does_not_answer_may_be_cut_off_from_us() -> None:
    """Our own link may be down: silence alone proves nothing."""
    assert router_restarted(10.0)([look(1), silent(3)]) == Seen(None, "no answer")
    assert router_restarted(10.0)([look(1), silent(3), look(4)]).holds is False
    assert router_restarted(10.0)([]).holds is None


@pytest.mark.parametrize("before", [None, 10.0])
def test_a_router_that_does_not_say_when_it_started_proves_nothing(before: float | None) -> None:
    """Neither that it restarted nor that it did not."""
    seen = router_restarted(before)([look(1, started=None), silent(2), look(3, started=None)])

    assert seen == Seen(None, "the router does not say when it started")


@dataclass
class Told:
    """What an observer told."""

    what: Sequence[tuple[float, str, str]] = ()
    uids: set[str] = field(default_factory=lambda: {"u"})

    def events(self) -> list[dict[str, Any]]:
        return [
            {"event": "stream", "at": at, "engine": {"pod": pod}, "what": what}
            for at, pod, what in self.what
        ]

    def followed(self) -> set[str]:
        return self.uids

    def at(self) -> float:
        return 9.0


@dataclass
class Target:
    """A pod as it was."""

    pod: str = "a"
    uid: str = "u"


def test_a_stream_that_began_anew_is_the_effect_of_a_restart() -> None:
    """It began when the stream broke off."""
    told = Told([(1, "a", "restart"), (5, "a", "disconnected"), (6, "a", "restart")])

    seen = streams_ended(told, [Target()], since=4)([])

    assert seen == Seen(True, "the stream of a began anew", 5)


def test_a_stream_that_went_with_its_pod_is_the_effect_of_a_kill() -> None:
    """The pod's uid is followed no more."""
    assert streams_ended(Told(uids={"new"}), [Target()], since=4)([]) == Seen(
        True, "the stream of a went with its pod", 9.0
    )


def test_a_stream_that_only_broke_off_proves_nothing_yet() -> None:
    """Our own link may have hiccuped."""
    told = Told([(5, "a", "disconnected"), (6, "b", "restart")])

    assert streams_ended(told, [Target()], since=4)([]).holds is None


def test_a_stream_that_went_on_shows_no_effect() -> None:
    """What happened before the fault does not count."""
    told = Told([(3, "a", "restart"), (3, "a", "disconnected")])

    assert streams_ended(told, [Target()], since=4)([]).holds is False
