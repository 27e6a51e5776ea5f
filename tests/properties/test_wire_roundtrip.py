"""What is encoded in any dialect decodes to the same batch; what is not a batch never breaks."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kvchaos.errors import WireError
from kvchaos.kvevents.frames import Message, join_live, join_reply, split_live, split_reply
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
    block_hash,
    decode,
    encode,
    hashes,
)

U64 = st.integers(0, 2**64 - 1)
HASHES = st.lists(U64, max_size=12)
TEXT = st.none() | st.text(max_size=8)
SMALL = st.none() | st.integers(0, 9)
EVENTS = st.one_of(
    st.builds(
        BlockStored,
        HASHES,
        st.none() | U64,
        st.lists(st.integers(0, 200_000), max_size=20),
        st.integers(1, 256),
        SMALL,
        TEXT,
        TEXT,
        st.none() | st.lists(st.none() | st.lists(st.text(max_size=4), max_size=2), max_size=3),
        SMALL,
    ),
    st.builds(BlockRemoved, HASHES, TEXT, SMALL),
    st.just(AllBlocksCleared()),
    st.sampled_from([UnknownEvent("Novel"), UnknownEvent("")]),
)
BATCHES = st.builds(Batch, st.floats(allow_nan=False), st.lists(EVENTS, max_size=40), SMALL)
DIALECTS = st.builds(Dialect, st.sampled_from(EventForm), st.sampled_from(HashForm))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=9)
    | st.sampled_from(["type", "BlockStored", "BlockRemoved", "AllBlocksCleared", "GPU"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["type", "block_hashes", "medium"]), inner)
    ),
)


def normal(event: Event) -> Event:
    """The event with the hashes that every dialect agrees on."""
    if isinstance(event, BlockStored):
        parent = event.parent_block_hash
        event = msgspec.structs.replace(
            event, parent_block_hash=None if parent is None else block_hash(parent)
        )
    if isinstance(event, BlockStored | BlockRemoved):
        return msgspec.structs.replace(event, block_hashes=list(hashes(event)))
    return event


@given(BATCHES, DIALECTS)
def test_round_trip_in_every_dialect(batch: Batch, dialect: Dialect) -> None:
    """Dialects differ in bytes, not in what they say."""
    found = decode(encode(batch, dialect))

    assert (found.ts, found.data_parallel_rank) == (batch.ts, batch.data_parallel_rank)
    assert [normal(event) for event in found.events] == batch.events


@given(st.binary(max_size=200) | ANYTHING.map(msgspec.msgpack.encode))
def test_any_bytes_are_a_batch_or_a_wire_error(payload: bytes) -> None:
    """Nothing a peer sends raises anything else out of a receive loop."""
    try:
        found: Any = decode(payload)
    except WireError as error:
        found = error
    assert isinstance(found, Batch) or (found.size, found.head) == (len(payload), payload[:32])


@given(
    BATCHES.flatmap(lambda batch: DIALECTS.map(lambda dialect: encode(batch, dialect))),
    st.integers(0, 10_000),
    st.integers(0, 255),
)
def test_damaged_batches_are_a_batch_or_a_wire_error(payload: bytes, at: int, byte: int) -> None:
    """One wrong byte, and one that is cut off, in what was a batch."""
    at %= len(payload)
    for damaged in (payload[:at], payload[:at] + bytes([byte]) + payload[at + 1 :]):
        try:
            found: Any = decode(damaged)
        except WireError as error:
            found = error
        assert isinstance(found, Batch | WireError)


@given(st.binary(max_size=9), st.integers(0, 2**64 - 2), st.binary(min_size=1, max_size=9))
def test_frames_round_trip(topic: bytes, seq: int, payload: bytes) -> None:
    """Live and replayed, a message is the same message."""
    message = Message(topic, seq, payload)

    assert split_live(join_live(message)) == message
    assert split_reply(join_reply(message)) == message
    assert split_reply(join_reply(message, topic_frame=False)) == message._replace(topic=b"")


@given(st.lists(st.binary(max_size=9), max_size=6))
def test_any_frames_are_a_message_or_a_wire_error(frames: list[bytes]) -> None:
    """As for payloads."""
    for split in (split_live, split_reply):
        try:
            found: Any = split(frames)
        except WireError as error:
            found = error
        assert found is None or isinstance(found, Message | WireError)
