"""Copies counted by set and rest are those counted one by one; sets by place are sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet

from hypothesis import given
from hypothesis import strategies as st

from kvchaos.index.blockset import BlockSet
from kvchaos.index.names import Block, BlockKey, Blocks
from kvchaos.index.oracle import Copies

STEPS = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 4), max_size=5)), max_size=12)
PLACES = st.sampled_from([BlockKey("GPU", None), BlockKey("GPU", 0), BlockKey("CPU", None)])
HELD = st.dictionaries(PLACES, st.frozensets(st.integers(0, 4)))


@given(steps=STEPS)
def test_what_is_held_is_what_a_plain_count_says(steps: list[tuple[bool, list[int]]]) -> None:
    """After any stores and removals; those of what is not held are counted, and change nothing."""
    copies, plain = Copies(), Counter[int]()

    for is_store, blocks in steps:
        unmatched = 0
        for block in blocks:
            unmatched += not is_store and not plain[block]
            plain[block] = max(0, plain[block] + (1 if is_store else -1))
        told = copies.remove(blocks) if not is_store else 0
        if is_store:
            copies.store(blocks)

        assert told == unmatched
        assert {block: 1 + copies.more.get(block, 0) for block in copies.held} == +plain


def flat(places: Blocks) -> frozenset[Block]:
    return frozenset(Block(*key, block) for key, found in places.items() for block in found)


@given(left=HELD, right=HELD)
def test_a_set_by_places_is_the_set_of_its_blocks(left: Blocks, right: Blocks) -> None:
    """For all that is asked of it."""
    mine, theirs = BlockSet(left), BlockSet(right)

    as_set: AbstractSet[Block] = mine
    assert as_set == flat(left)
    assert len(mine) == len(flat(left))
    assert mine & theirs == flat(left) & flat(right)
    assert mine - theirs == flat(left) - flat(right)
    assert (mine == theirs) is (flat(left) == flat(right))
