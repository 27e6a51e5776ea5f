"""Sets of blocks by place: like any set of blocks, without making them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kvchaos.index.blockset import BlockSet, beyond
from kvchaos.index.names import Block, BlockKey
from tests.streams import CPU, GPU


def numbers(*hashes: int) -> frozenset[int]:
    return frozenset(hashes)


def gpu(*hashes: int) -> frozenset[Block]:
    return frozenset(Block("GPU", None, each) for each in hashes)


def test_it_is_the_set_of_its_blocks() -> None:
    """Whoever compares, counts or goes through it cannot tell it from a plain set."""
    found: AbstractSet[Block] = BlockSet({GPU: numbers(1, 2), CPU: numbers(1)})

    assert found == {*gpu(1, 2), Block("CPU", None, 1)}
    assert gpu(1, 2) != found
    assert len(found) == 3
    assert Block("CPU", None, 1) in found
    assert Block("CPU", None, 2) not in found
    assert ("GPU", None, 1) not in found


def test_places_that_hold_nothing_are_no_places() -> None:
    """Nothing is nothing, wherever it is not."""
    assert BlockSet({GPU: numbers(), CPU: numbers()}).places == {}
    assert not BlockSet({GPU: numbers()})


def test_its_form_tells_what_it_holds() -> None:
    """For whoever reads a test that failed."""
    assert repr(BlockSet({GPU: numbers(1)})) == f"BlockSet({{{GPU!r}: frozenset({{1}})}})"


def test_what_two_have_in_common_is_found_place_by_place() -> None:
    """The same hash in another place is another block."""
    left = BlockSet({GPU: numbers(1, 2), CPU: numbers(3)})
    right = BlockSet({GPU: numbers(2, 3), BlockKey("GPU", 1): numbers(1)})

    assert left & right == gpu(2)
    assert left & left is left
    assert left & BlockSet({GPU: left.places[GPU]}) == gpu(1, 2)


def test_what_one_has_beyond_the_other_is_found_place_by_place() -> None:
    """As above."""
    left = BlockSet({GPU: numbers(1, 2), CPU: numbers(3)})
    right = BlockSet({GPU: numbers(2, 3), BlockKey("GPU", 1): numbers(1)})

    assert left - right == {Block("GPU", None, 1), Block("CPU", None, 3)}


def test_it_takes_part_in_what_plain_sets_do() -> None:
    """Also where the other one is no set by places."""
    mine = BlockSet({GPU: numbers(1, 2)})

    assert mine & gpu(2, 3) == gpu(2)
    assert gpu(2, 3) & mine == gpu(2)
    assert mine - gpu(2) == gpu(1)
    assert mine | gpu(3) == gpu(1, 2, 3)


def test_what_is_left_whole_is_not_copied() -> None:
    """A router that lost everything misses a million blocks at no cost."""
    whole = numbers(1, 2)

    assert beyond(whole, numbers()) is whole
    assert beyond(whole, whole) == numbers()
    assert beyond(whole, numbers(2)) == numbers(1)


def test_without_nothing_it_is_itself() -> None:
    """Of any kind of nothing: a million blocks are not gone through for that."""
    found = BlockSet({GPU: numbers(1, 2)})

    assert found - frozenset() is found
    assert found - BlockSet({}) is found
