"""The reference router's index of one engine rank."""

from __future__ import annotations

from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Event,
    UnknownEvent,
)
from kvchaos.sim.router.blocks import EngineBlocks
from kvchaos.sim.router.tokens import digests


def stored(
    hashes: list[int | bytes], *, parent: int | bytes | None = None, start: int = 0, **more: object
) -> BlockStored:
    fields: dict[str, object] = {
        "block_hashes": hashes,
        "parent_block_hash": parent,
        "token_ids": list(range(start, start + 2 * len(hashes))),
        "block_size": 2,
        "medium": "GPU",
        "group_idx": 0,
        **more,
    }
    return BlockStored(**fields)  # type: ignore[arg-type]


def removed(*hashes: int | bytes, medium: str | None = "GPU", group: int | None = 0) -> Event:
    return BlockRemoved(block_hashes=list(hashes), medium=medium, group_idx=group)


def after(*events: Event) -> EngineBlocks:
    blocks = EngineBlocks()
    for event in events:
        blocks.apply(Batch(0.0, [event]))
    return blocks


def held(blocks: EngineBlocks) -> dict[tuple[str, int | None], set[int]]:
    return {place: set(hashes) for place, hashes in blocks.holdings()}


def match(blocks: EngineBlocks, tokens: range) -> int:
    return blocks.match(digests(tokens, 2))


def test_stored_blocks_are_held_and_match_their_tokens() -> None:
    """One event may store a run; each block's parent is the one before it."""
    blocks = after(stored([11, 12, 13]))

    assert held(blocks) == {("GPU", 0): {11, 12, 13}}
    assert [match(blocks, range(length)) for length in (0, 1, 2, 5, 6, 9)] == [0, 0, 1, 2, 3, 3]


def test_a_block_is_held_until_its_last_copy_is_removed() -> None:
    """Engines tell of each physical copy."""
    twice = (stored([11]), stored([11]), removed(11))

    assert held(after(*twice)) == {("GPU", 0): {11}}
    assert match(after(*twice), range(2)) == 1
    assert held(after(*twice, removed(11))) == {}
    assert match(after(*twice, removed(11)), range(2)) == 0


def test_places_are_counted_apart() -> None:
    """A block that leaves the GPU may still be on the CPU, and still matches."""
    blocks = after(stored([11]), stored([11], medium="CPU", group_idx=None), removed(11))

    assert held(blocks) == {("CPU", None): {11}}
    assert match(blocks, range(2)) == 1


def test_removing_what_is_not_held_changes_nothing() -> None:
    """Its store may have been lost; the next store counts as one all the same."""
    assert held(after(removed(11), removed(11), stored([11]))) == {("GPU", 0): {11}}


def test_a_child_that_comes_before_its_parent_is_not_lost() -> None:
    """It matches as soon as the parent is known, and is no root meanwhile."""
    child = stored([12], parent=11, start=2)

    assert match(after(child), range(2, 4)) == 0
    assert match(after(child, stored([11])), range(4)) == 2


def test_a_prefix_ends_where_a_block_was_removed() -> None:
    """What is behind a hole does not match."""
    assert match(after(stored([11, 12, 13]), removed(12)), range(6)) == 1


def test_clearing_forgets_everything() -> None:
    """Blocks and links; what comes afterwards counts from nothing."""
    blocks = after(stored([11]), stored([11]), AllBlocksCleared(), stored([21]), removed(21))

    assert (held(blocks), match(blocks, range(2))) == ({}, 0)


def test_all_forms_of_a_hash_are_one() -> None:
    """Digest, signed and unsigned numbers of the same block are the same block."""
    name = 2**64 - 5
    digest = b"\x07" * 24 + name.to_bytes(8, "big")

    blocks = after(stored([digest]), stored([12], parent=-5, start=2), removed(-5))

    assert held(blocks) == {("GPU", 0): {12}}


def test_blocks_with_other_keys_are_held_but_do_not_match() -> None:
    """Tokens alone do not name a block of a LoRA adapter or with a salt."""
    for more in ({"lora_name": "l"}, {"lora_id": 1}, {"extra_keys": [("salt",)]}):
        blocks = after(stored([11], **more))

        assert (held(blocks), match(blocks, range(2))) == ({("GPU", 0): {11}}, 0)


def test_tokens_that_do_not_fit_the_blocks_make_no_links() -> None:
    """Masked blocks are missing among the hashes, and offloading tiers send no tokens."""
    blocks = after(stored([11], token_ids=list(range(4))), stored([12], token_ids=[]))

    assert (held(blocks), match(blocks, range(4))) == ({("GPU", 0): {11, 12}}, 0)


def test_events_of_unknown_types_are_passed_over() -> None:
    """A later engine may tell more than this router knows."""
    assert held(after(UnknownEvent("BlockMoved"), stored([11]))) == {("GPU", 0): {11}}
