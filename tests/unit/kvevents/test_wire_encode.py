"""Values to payloads in each dialect."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    Event,
    EventForm,
    HashForm,
    UnknownEvent,
    encode,
)

BIG = 2**64 - 2
STORED = BlockStored([1, BIG], BIG, [5, 6], 1, None, "GPU")


def plain(event: Event, dialect: Dialect) -> Any:
    """The event as it stands on the wire."""
    ts, (found,), rank = msgspec.msgpack.decode(encode(Batch(1.5, [event], 0), dialect))
    assert (ts, rank) == (1.5, 0)
    return found


def test_required_fields_stay_even_when_null() -> None:
    """vLLM always writes lora_id, medium and lora_name, and leaves out other nulls."""
    assert plain(BlockStored([1], None, [5], 1), Dialect()) == {
        "type": "BlockStored",
        "block_hashes": [1],
        "parent_block_hash": None,
        "token_ids": [5],
        "block_size": 1,
        "lora_id": None,
        "medium": None,
        "lora_name": None,
    }


def test_array_events_have_the_fields_of_the_last_array_era() -> None:
    """vLLM 0.23 wrote 11, 3 and no fields after the name, nulls included."""
    arrays = Dialect(EventForm.ARRAY)

    assert plain(STORED, arrays) == [
        *("BlockStored", [1, BIG], BIG, [5, 6], 1, None, "GPU", None, None, None, None, None)
    ]
    assert plain(BlockRemoved([1], "GPU", 2), arrays) == ["BlockRemoved", [1], "GPU", 2]
    assert plain(AllBlocksCleared(), arrays) == ["AllBlocksCleared"]


@pytest.mark.parametrize(
    ("form", "hashes"),
    [
        (HashForm.INT, [1, BIG]),
        (HashForm.SIGNED, [1, -2]),
        (HashForm.BYTES, [(1).to_bytes(32, "big"), BIG.to_bytes(32, "big")]),
    ],
)
def test_hashes_take_the_form_of_the_dialect(form: HashForm, hashes: list[int | bytes]) -> None:
    """Ints are vLLM's default, bytes its option, signed ints SGLang's."""
    stored = plain(STORED, Dialect(hashes=form))
    removed = plain(BlockRemoved([1, BIG]), Dialect(hashes=form))

    assert stored["block_hashes"] == removed["block_hashes"] == hashes
    assert stored["parent_block_hash"] == hashes[1]


def test_digests_go_out_whole_or_shortened() -> None:
    """A publisher that has digests need not know the dialect."""
    event = BlockRemoved([bytes(range(32))])

    assert plain(event, Dialect(hashes=HashForm.BYTES))["block_hashes"] == [bytes(range(32))]
    assert plain(event, Dialect(EventForm.ARRAY))[1] == [0x18191A1B1C1D1E1F]


def test_first_block_has_no_parent_in_any_form() -> None:
    """Null stays null: vLLM does not write 0 there."""
    event = BlockStored([1], None, [5], 1)

    assert plain(event, Dialect(hashes=HashForm.BYTES))["parent_block_hash"] is None


def test_unknown_events_can_be_sent() -> None:
    """So a test can play the publisher of a later version."""
    assert plain(UnknownEvent("Novel"), Dialect()) == {"type": "Novel"}
    assert plain(UnknownEvent("Novel"), Dialect(hashes=HashForm.SIGNED)) == {"type": "Novel"}
    assert plain(UnknownEvent("Novel"), Dialect(EventForm.ARRAY)) == ["Novel"]


def test_batch_has_three_elements_with_and_without_rank() -> None:
    """msgspec leaves out no default of an array, so nor does vLLM."""
    assert msgspec.msgpack.decode(encode(Batch(1.5, []))) == [1.5, [], None]
    assert msgspec.msgpack.decode(encode(Batch(1.5, []), Dialect(EventForm.ARRAY))) == [
        *(1.5, [], None)
    ]
