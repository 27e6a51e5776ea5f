"""Comparing the other way round tells the same difference, with missing and phantom exchanged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvchaos.index.compare import compare
from kvchaos.index.names import Block, BlockKey, Blocks, EngineId
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Expected

PODS = ("a", "b", "c")
PLACES = st.sampled_from([BlockKey("GPU", None), BlockKey("GPU", 0), BlockKey("CPU", None)])
HELD = st.dictionaries(PLACES, st.frozensets(st.integers(0, 4), min_size=1))
SIDE = st.dictionaries(st.sampled_from([(pod, rank) for pod in PODS for rank in (0, 1)]), HELD)
ALIVE = st.sets(st.sampled_from(PODS))


def expected(side: dict[tuple[str, int], Blocks]) -> dict[EngineId, Expected]:
    return {
        EngineId(pod, f"uid-{pod}", rank): Expected(blocks, complete=True)
        for (pod, rank), blocks in side.items()
    }


def observed(side: dict[tuple[str, int], Blocks]) -> Observed:
    return Observed({place: EngineView(blocks) for place, blocks in side.items()})


def flat(blocks: Blocks) -> set[Block]:
    return {Block(*key, block) for key, found in blocks.items() for block in found}


@given(left=SIDE, right=SIDE, alive=ALIVE)
def test_missing_and_phantom_are_each_others_mirror(
    left: dict[tuple[str, int], Blocks], right: dict[tuple[str, int], Blocks], alive: set[str]
) -> None:
    """For the engines that both sides know and that are alive."""
    there = compare(expected(left), observed(right), alive=alive)
    back = compare(expected(right), observed(left), alive=alive)

    both = set(there.compared) & set(back.compared)
    assert {name: there.missing.get(name) for name in both} == {
        name: back.phantom.get(name) for name in both
    }


@given(side=SIDE)
def test_a_side_agrees_with_itself(side: dict[tuple[str, int], Blocks]) -> None:
    """Equal sets have no difference, whatever is in them."""
    found = compare(expected(side), observed(side), alive=set(PODS))

    assert found.agrees is (True if side else None)
    assert (found.missing, found.phantom, found.ghosts) == ({}, {}, ())


@given(left=SIDE, right=SIDE, alive=ALIVE)
def test_the_difference_is_that_of_plain_sets(
    left: dict[tuple[str, int], Blocks], right: dict[tuple[str, int], Blocks], alive: set[str]
) -> None:
    """Block by block, for every engine that is expected and alive."""
    found = compare(expected(left), observed(right), alive=alive)

    for (pod, rank), blocks in left.items():
        if pod in alive:
            want, have = flat(blocks), flat(right.get((pod, rank), {}))
            assert found.missing.get(f"{pod}/{rank}", set()) == want - have
            assert found.phantom.get(f"{pod}/{rank}", set()) == have - want
    assert set(found.ghosts) == {pod for pod, _ in right} - alive
