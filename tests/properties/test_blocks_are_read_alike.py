"""Whatever comes: who reads the blocks alone and who reads all find the same blocks, or none."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.errors import WireError
from kvchaos.kvevents.blockwire import BlockBatch, decode_blocks, decode_run
from kvchaos.kvevents.wire import (
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    Event,
    EventForm,
    HashForm,
    decode,
    encode,
    hashes,
)
from tests.hostile import damaged, outcome

EVENTS: list[Event] = [
    BlockStored([1, 2**64 - 1], None, [*range(1000, 1016), 2**20, 7], 16, None, "GPU"),
    BlockStored([9], 4, list(range(1000, 1032)), 16, None, None, group_idx=1),
    BlockRemoved([1], "GPU"),
]
VALID = [
    encode(Batch(1.5, EVENTS, 0), Dialect(form, kind)) for form in EventForm for kind in HashForm
]
ODD = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)
STORED = st.fixed_dictionaries(
    {
        "type": st.just("BlockStored"),
        "block_hashes": st.lists(st.integers(0, 9), max_size=3),
        "parent_block_hash": st.none(),
        "token_ids": ODD | st.lists(st.integers(0, 2**17), max_size=40),
        "block_size": st.just(16),
    }
).map(lambda event: msgspec.msgpack.encode([1.5, [event], 0]))


PAYLOADS = damaged(VALID) | STORED | st.sampled_from(VALID) | st.binary(max_size=100)


def told(batch: Batch | BlockBatch) -> list[Any]:
    """What a batch says of blocks."""
    return [
        (isinstance(each, BlockStored), hashes(each), each.medium, each.group_idx)
        if isinstance(each, BlockStored | BlockRemoved)
        else each
        for each in batch.events
    ]


@given(damaged(VALID) | STORED | st.binary(max_size=100))
def test_both_find_the_same_blocks(payload: bytes) -> None:
    """Also where one of them has to give up."""
    whole = outcome(lambda: decode(payload), WireError)
    found = outcome(lambda: decode_blocks(payload), WireError)

    if isinstance(whole, WireError) or isinstance(found, WireError):
        assert str(found) == str(whole)
    else:
        assert (found.ts, found.data_parallel_rank) == (whole.ts, whole.data_parallel_rank)
        assert told(found) == told(whole)


@given(st.lists(PAYLOADS, max_size=4))
def test_those_of_a_run_are_read_as_each_of_them(payloads: list[bytes]) -> None:
    """What is in one is no excuse for another; if one is none, there are none."""
    each = [outcome(partial(decode_blocks, one), WireError) for one in payloads]
    run = outcome(lambda: decode_run(payloads), WireError)

    bad = [one for one in each if isinstance(one, WireError)]
    if bad or isinstance(run, WireError):
        assert str(run) == str(bad[0])
    else:
        good = [one for one in each if not isinstance(one, WireError)]
        assert list(map(told, run)) == list(map(told, good))
