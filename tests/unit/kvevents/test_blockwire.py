"""Payloads read for their blocks: as ``wire.decode`` reads them, tokens left as they came."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kvchaos.errors import WireError
from kvchaos.kvevents.blockwire import BlockBatch, StoredBlocks, decode_blocks, decode_run
from kvchaos.kvevents.wire import (
    MAX_PAYLOAD,
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    Event,
    EventForm,
    UnknownEvent,
    decode,
    encode,
)

EVENTS: list[Event] = [
    BlockStored([1, b"\xff" * 32], 7, [1, 300, 70_000, 2**40, -1, -200], 4, None, "CPU", None),
    BlockRemoved([1], "GPU"),
    AllBlocksCleared(),
]
TWO_BYTES = list(range(1000, 1032))


def stored(tokens: Any, **others: Any) -> bytes:
    """A batch that stores one block, with such tokens."""
    event = {
        "type": "BlockStored",
        "block_hashes": [5],
        "parent_block_hash": None,
        "token_ids": tokens,
        "block_size": 16,
        **others,
    }
    return msgspec.msgpack.encode([1.5, [event], 0])


@pytest.mark.parametrize("tokens", [[], [1], TWO_BYTES, [*TWO_BYTES, 70_000], [-1, 2**63, 255]])
def test_numbers_are_left_as_they_came(tokens: list[int]) -> None:
    """All that says something of the blocks is read."""
    batch = decode_blocks(stored(tokens, medium="CPU", group_idx=3))

    assert isinstance(batch, BlockBatch)
    (event,) = batch.events
    assert isinstance(event, StoredBlocks)
    assert (event.block_hashes, event.medium, event.group_idx) == ([5], "CPU", 3)
    assert msgspec.msgpack.decode(event.token_ids) == tokens


@pytest.mark.parametrize(
    "tokens",
    [
        None,
        "text",
        {"a": 1},
        ["a"],
        [*TWO_BYTES, "ab"],
        [*TWO_BYTES, None],
        [[1]],
        [1.5],
        7,
        b"\xdc",
    ],
)
def test_what_are_no_numbers_is_no_batch(tokens: object) -> None:
    """As for whoever needs them: a publisher that sends such events says nothing for sure."""
    for read in (decode, decode_blocks):
        with pytest.raises(WireError):
            read(stored(tokens))


def test_all_events_of_maps_are_read() -> None:
    """In their order."""
    batch = decode_blocks(encode(Batch(1.5, EVENTS, 2)))

    assert (batch.ts, batch.data_parallel_rank) == (1.5, 2)
    assert [
        event.__class__.__mro__[:-1].count(kind)
        for event, kind in zip(
            batch.events, (BlockStored, BlockRemoved, AllBlocksCleared), strict=True
        )
    ] == [1, 1, 1]
    assert batch.events[1:] == EVENTS[1:]


@pytest.mark.parametrize(
    "payload",
    [
        encode(Batch(1.5, EVENTS, 0), Dialect(EventForm.ARRAY)),
        encode(Batch(1.5, [*EVENTS, UnknownEvent("Novel")], 0)),
        encode(Batch(1.5, [], None)),
    ],
    ids=["arrays", "an unknown type", "nothing"],
)
def test_what_is_not_plain_is_decoded_in_full(payload: bytes) -> None:
    """By the one who knows all dialects."""
    found, whole = decode_blocks(payload), decode(payload)

    assert (found.ts, found.events, found.data_parallel_rank) == (
        whole.ts,
        whole.events,
        whole.data_parallel_rank,
    )


@pytest.mark.parametrize("payload", [b"", b"\x93", b"\x93" + bytes(MAX_PAYLOAD)])
def test_what_is_no_payload_is_refused_alike(payload: bytes) -> None:
    """With the same error."""
    with pytest.raises(WireError) as whole:
        decode(payload)
    with pytest.raises(WireError) as caught:
        decode_blocks(payload)

    assert str(caught.value) == str(whole.value)


@pytest.mark.parametrize("tokens", [TWO_BYTES, [1], [], [*TWO_BYTES, 70_000]])
def test_a_run_is_read_for_its_blocks_alone(tokens: list[int]) -> None:
    """Whatever numbers there are beside those that take two bytes; removals have none."""
    removal = encode(Batch(1.5, EVENTS[1:], 0))

    found = decode_run([stored(TWO_BYTES), removal, stored(tokens)])

    assert [type(batch) for batch in found] == [BlockBatch] * 3
    assert [len(batch.events) for batch in found] == [1, 2, 1]


@pytest.mark.parametrize("tokens", [7000, [[]], [*TWO_BYTES, [7000]], [7000, [7000, 7000]], "dd"])
def test_what_are_no_numbers_hides_in_no_run(tokens: object) -> None:
    """An array where a number should be, and a number where an array: counted, they are as many."""
    for others in ([7000], [TWO_BYTES], [TWO_BYTES, 7000]):
        run = [stored(each) for each in (tokens, *others)]
        with pytest.raises(WireError):
            decode_run(run)
        with pytest.raises(WireError):
            decode_run(run[::-1])


def test_a_run_of_big_payloads_is_read_one_by_one() -> None:
    """So that what is decoded at once stays small; what is too big is refused as ever."""
    big = [stored(list(range(1000, 1100)), session_id="s" * 3 * 2**20)] * 2

    assert [len(batch.events) for batch in decode_run(big)] == [1, 1]
    with pytest.raises(WireError):
        decode_run([*big, b"\x93" + bytes(MAX_PAYLOAD)])
