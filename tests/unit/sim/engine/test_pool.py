"""The block pool of the engine double."""

from __future__ import annotations

from collections import Counter

from kvchaos.sim.engine.pool import BlockPool


def filled(*names: bytes) -> BlockPool:
    """A pool as big as ``names`` that caches them all and uses none, the last one freed first."""
    pool = BlockPool(len(names))
    blocks, _ = pool.take(len(names))
    for block, name in zip(blocks, names, strict=True):
        pool.cache(block, name)
    pool.release(blocks)
    return pool


def test_the_tail_of_a_prefix_is_evicted_before_its_head() -> None:
    """A prefix stays useful as long as its beginning is there."""
    pool = filled(b"1", b"2", b"3")

    _, evicted = pool.take(2)

    assert (evicted, pool.held()) == ([b"3", b"2"], Counter([b"1"]))


def test_a_block_in_use_is_not_evicted() -> None:
    """A hit takes a block out of the queue of free ones."""
    pool = filled(b"1", b"2", b"3")
    pool.use(pool.prefix([b"1", b"2"]))

    _, evicted = pool.take(1)

    assert (evicted, pool.free) == ([b"3"], 0)


def test_what_was_used_last_is_evicted_last() -> None:
    """Freed blocks queue up behind those that were free before."""
    pool = filled(b"1", b"2", b"3")
    used = pool.prefix([b"1"])
    pool.use(used)
    pool.release(used)
    pool.use(again := pool.prefix([b"3"]))
    pool.release(again)

    _, evicted = pool.take(3)

    assert evicted == [b"2", b"1", b"3"]


def test_one_hash_may_have_two_copies() -> None:
    """Evicting one copy leaves the hash to be found in the other."""
    pool = filled(b"1", b"1")

    _, evicted = pool.take(1)

    assert (evicted, pool.held(), len(pool.prefix([b"1"]))) == ([b"1"], Counter([b"1"]), 1)


def test_a_prefix_ends_at_the_first_missing_block() -> None:
    """Blocks behind a hole are of no use to attention."""
    pool = filled(b"1", b"3")

    assert [block.name for block in pool.prefix([b"1", b"2", b"3"])] == [b"1"]


def test_reset_empties_the_cache_unless_blocks_are_in_use() -> None:
    """A reset while a request runs does nothing, as vLLM's."""
    pool = filled(b"1", b"2")
    used = pool.prefix([b"1"])
    pool.use(used)

    refused, held = pool.reset(), pool.held()
    pool.release(used)

    assert (refused, held) == (False, Counter([b"1", b"2"]))
    assert (pool.reset(), pool.held(), pool.take(2)[1]) == (True, Counter(), [])


def test_fits_does_not_count_the_hits_as_free() -> None:
    """Hits are free blocks too, until they are used: they cannot be taken as well."""
    pool = filled(b"1", b"2")

    assert pool.fits([], 2)
    assert not pool.fits(pool.prefix([b"1"]), 2)
    assert pool.fits(pool.prefix([b"1"]), 1)
    assert pool.usage() == 0
