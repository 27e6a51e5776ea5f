"""Payloads of every dialect to values; the golden ones are vLLM 0.33.0's own bytes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kvchaos.errors import WireError
from kvchaos.kvevents import wire
from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Event,
    UnknownEvent,
    block_hash,
    decode,
    encode,
    hashes,
)

GOLDEN = {
    "93cb3ff80000000000009181a474797065b0416c6c426c6f636b73436c656172656400": AllBlocksCleared(),
    "93cb3ff80000000000009184a474797065ac426c6f636b52656d6f766564ac626c6f636b5f68617368657391"
    "01a66d656469756da3475055a967726f75705f6964780000": BlockRemoved([1], "GPU", 0),
    "93cb3ff800000000000091de000aa474797065ab426c6f636b53746f726564ac626c6f636b5f686173686573"
    "920102b1706172656e745f626c6f636b5f68617368c0a9746f6b656e5f696473980001020304050607aa626c"
    "6f636b5f73697a6504a76c6f72615f6964c0a66d656469756da3475055a96c6f72615f6e616d65c0aa657874"
    "72615f6b65797392c0c0a967726f75705f6964780000": BlockStored(
        [1, 2], None, list(range(8)), 4, None, "GPU", None, [None, None], 0
    ),
}


def batch(*events: Any, ts: Any = 1.5, rank: Any = 0) -> bytes:
    """A payload of plain values, as any MessagePack encoder would make it."""
    return msgspec.msgpack.encode([ts, list(events), rank])


@pytest.mark.parametrize(("payload", "event"), GOLDEN.items())
def test_vllm_payloads_decode_to_their_values(payload: str, event: Event) -> None:
    """What vLLM 0.33.0 wrote is read as what it meant."""
    assert decode(bytes.fromhex(payload)) == Batch(1.5, [event], 0)


@pytest.mark.parametrize(("payload", "event"), GOLDEN.items())
def test_our_bytes_are_those_of_vllm(payload: str, event: Event) -> None:
    """A consumer cannot tell the double from vLLM, not even by the size of a map's header."""
    assert encode(Batch(1.5, [event], 0)).hex() == payload


@pytest.mark.parametrize(
    ("array", "event"),
    [
        (["BlockStored", [1], None, [7], 1, None], BlockStored([1], None, [7], 1)),
        (["BlockStored", [2], 1, [7], 1, 3, "GPU"], BlockStored([2], 1, [7], 1, 3, "GPU")),
        (
            ["BlockStored", [2], 1, [7], 1, 3, "CPU", "lora", [["salt"]], 4],
            BlockStored([2], 1, [7], 1, 3, "CPU", "lora", [["salt"]], 4),
        ),
        (["BlockRemoved", [1]], BlockRemoved([1])),
        (["BlockRemoved", [1], "GPU"], BlockRemoved([1], "GPU")),
        (["AllBlocksCleared"], AllBlocksCleared()),
    ],
)
def test_array_events_of_every_age_decode_like_maps(array: list[Any], event: Event) -> None:
    """The array form grew field by field; equal content is equal, also in its class."""
    (found,) = decode(batch(array)).events

    assert found == event
    assert type(found) is type(event)


def test_sglang_metadata_map_is_dropped() -> None:
    """SGLang 0.5.18 appends a map to a salted event, where vLLM has lora_name."""
    array = ["BlockStored", [-2], 1, [7], 1, None, "GPU", {"cache_salt": "s"}]

    assert decode(batch(array)) == Batch(1.5, [BlockStored([-2], 1, [7], 1, None, "GPU")], 0)


def test_rank_may_be_absent() -> None:
    """The first vLLM with events sent batches of two elements."""
    assert decode(msgspec.msgpack.encode([1.5, [["AllBlocksCleared"]]])) == Batch(
        1.5, [AllBlocksCleared()]
    )


def test_no_events_are_a_batch() -> None:
    """An empty batch still has its seq, and so must be read."""
    assert decode(batch()) == Batch(1.5, [], 0)


@pytest.mark.parametrize("count", [15, 16, 70_000])
@pytest.mark.parametrize("event", [{"type": "AllBlocksCleared"}, ["AllBlocksCleared"]])
def test_batches_of_any_length(count: int, event: Any) -> None:
    """The place of the first event depends on the number of events; all are found."""
    assert decode(batch(*[event] * count)) == Batch(1.5, [AllBlocksCleared()] * count, 0)


def test_unknown_fields_are_harmless() -> None:
    """A later version may add fields to batch, maps and arrays."""
    payload = msgspec.msgpack.encode(
        [
            1.5,
            [
                {"type": "BlockRemoved", "block_hashes": [1], "medium": "GPU", "novel": [{}]},
                {"type": "AllBlocksCleared", "epoch": "x"},
            ],
            0,
            "novel",
        ]
    )
    arrays = batch(["AllBlocksCleared", "novel"])

    assert decode(payload) == Batch(1.5, [BlockRemoved([1], "GPU"), AllBlocksCleared()], 0)
    assert decode(arrays) == Batch(1.5, [AllBlocksCleared()], 0)


@pytest.mark.parametrize("novel", [{"type": "Novel", "x": 1}, ["Novel", 1]])
def test_unknown_events_are_kept_apart(novel: Any) -> None:
    """An event of a later version costs neither its batch nor its place among the others."""
    found = decode(batch(novel, {"type": "BlockRemoved", "block_hashes": [1]}))

    assert found == Batch(1.5, [UnknownEvent("Novel"), BlockRemoved([1])], 0)


def test_unknown_type_is_shortened() -> None:
    """A type becomes a label; a peer cannot make it a long one."""
    assert decode(batch({"type": "N" * 1000})).events == [UnknownEvent("N" * 64)]


def test_batches_may_mix_forms() -> None:
    """Nothing ties the form of one event to that of the next."""
    found = decode(batch({"type": "AllBlocksCleared"}, ["BlockRemoved", [1]]))

    assert found == Batch(1.5, [AllBlocksCleared(), BlockRemoved([1])], 0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x01",
        b"\xc1",
        b"\x93",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000,
        b"\xa4\xff\xff\xff\xff",
        batch()[:-1],
        batch() + b"\x00",
        batch(ts="now"),
        batch(rank="0"),
        batch("BlockRemoved"),
        batch({}),
        batch([]),
        batch([7]),
        batch({"type": 7}),
        batch({"type": "BlockRemoved"}),
        batch({"type": "BlockRemoved", "block_hashes": ["x"]}),
        batch(["BlockStored", [1], None, "tokens", 1]),
    ],
    ids=lambda payload: payload[:24].hex() or "empty",
)
def test_anything_else_is_a_wire_error(payload: bytes) -> None:
    """No bytes whatsoever raise anything but a WireError with their size and first bytes."""
    with pytest.raises(WireError) as caught:
        decode(payload)

    assert (caught.value.size, caught.value.head) == (len(payload), payload[:32])


def test_payload_over_the_bound_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a payload may cost is bounded by its size."""
    monkeypatch.setattr(wire, "MAX_PAYLOAD", 10)

    with pytest.raises(WireError, match="too big"):
        decode(batch())


def test_digests_shorten_to_their_last_eight_bytes() -> None:
    """vLLM's int hashes are the low 64 bits of its digests, big-endian."""
    assert block_hash(bytes(range(32))) == 0x18191A1B1C1D1E1F


def test_signed_hashes_become_unsigned() -> None:
    """SGLang publishes i64, vLLM u64."""
    assert block_hash(-1) == 2**64 - 1


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ([], []),
        ([1, 2**64 - 1], [1, 2**64 - 1]),
        ([1, -2], [1, 2**64 - 2]),
        ([bytes(31) + b"\x07"], [7]),
        ([1, b"\x07"], [1, 7]),
    ],
)
def test_hashes_of_an_event_are_normal(raw: list[int | bytes], normal: list[int]) -> None:
    """Whatever a publisher writes, the same block has the same u64."""
    assert hashes(BlockRemoved(raw)) == normal
