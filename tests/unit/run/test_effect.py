"""What the observer takes for a fault's effect."""

from __future__ import annotations

from kvchaos.index.compare import Difference
from kvchaos.index.names import Block
from kvchaos.run.effect import LASTING, Seen, lost_blocks, router_restarted
from kvchaos.run.timeline import Sample

AGREES = Difference(compared=("a/0", "b/0"))


def misses(engine: str) -> Difference:
    blocks = frozenset({Block("GPU", None, 1), Block("GPU", None, 2)})
    return Difference(compared=("a/0", "b/0"), missing={engine: blocks})


def test_blocks_that_stay_missing_on_a_target_are_the_effect_of_a_cut() -> None:
    """The effect began with the first of the samples that show it."""
    samples = [Sample(at=1, difference=AGREES)]
    samples += [Sample(at=at, difference=misses("a/0")) for at in (2, 2.1, 2 + LASTING)]

    seen = lost_blocks(["a"])(samples)

    assert seen == Seen(True, "2 blocks that a published are not in the router's index", 2)


def test_blocks_missing_for_a_moment_are_no_effect() -> None:
    """An event on its way is not a cut link."""
    samples = [Sample(at=at, difference=misses("a/0")) for at in (2, 1.9 + LASTING)]
    samples += [Sample(at=9, difference=AGREES)]

    assert lost_blocks(["a"])(samples).holds is False


def test_blocks_missing_on_another_engine_are_no_effect_on_the_target() -> None:
    """Only what the fault hit proves the fault."""
    samples = [Sample(at=at, difference=misses("b/0")) for at in (2, 3)]

    assert lost_blocks(["a"])(samples).holds is False


def test_a_router_that_cannot_be_read_leaves_a_cut_unproven() -> None:
    """What could not be seen is inconclusive, not a missing effect."""
    samples = [Sample(at=1, difference=None, reason="no answer")]

    assert lost_blocks(["a"])(samples) == Seen(None, "no answer")
    assert lost_blocks(["a"])([]).holds is None


def test_a_router_that_says_it_started_anew_was_restarted() -> None:
    """Its own start time tells one life from the next."""
    samples = [
        Sample(at=1, difference=AGREES, router_started=10.0),
        Sample(at=2, difference=AGREES, router_started=20.0),
    ]

    assert router_restarted(10.0)(samples).at == 2
    assert router_restarted(10.0)(samples[:1]).holds is False
    assert router_restarted(None)(samples[:1]).holds is None


def test_a_router_that_does_not_answer_is_away() -> None:
    """Silence after the fault is its effect."""
    samples = [Sample(at=3, difference=None, reason="refused")]

    assert router_restarted(10.0)(samples) == Seen(True, "the router did not answer: refused", 3)
