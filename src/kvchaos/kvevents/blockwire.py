"""Payloads read for the blocks in them alone; pure.

Half of the time that decoding takes goes into the prompts' tokens, which nobody needs who wants to
know which blocks there are. The rule guarded here: what ``wire.decode`` refuses is refused here
too, and what it accepts says the same of every block. So tokens are checked to be numbers, all
of them, without one being made; whatever is not the plain case is left to ``wire.decode``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from kvchaos.kvevents.wire import (
    MAX_PAYLOAD,
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    decode,
    holds_arrays,
)


class StoredBlocks(BlockStored, frozen=True, gc=False, tag="BlockStored"):
    """``BlockStored`` with its tokens as they came."""

    token_ids: msgspec.Raw  # type: ignore[assignment]  # as they came: that is the point


class BlockBatch(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """``Batch`` with such events."""

    ts: float
    events: list[StoredBlocks | BlockRemoved | AllBlocksCleared]
    data_parallel_rank: int | None = None


_decode: Final = msgspec.msgpack.Decoder(BlockBatch).decode
_BAD: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError)
_ARRAY: Final = b"\xdc"
_TWO_BYTES: Final = b"\xcd"
_RUN: Final = 4 * 2**20  # bytes of payloads that are decoded at once
_NUMBERS: Final = re.compile(
    rb"(?:[\x90-\x9f]|\xdc..|\xdd....)"  # an array, and in it nothing but numbers of 0 to 8 bytes:
    rb"(?:\xcd..|\xce....|[\x00-\x7f\xe0-\xff]|[\xcc\xd0].|\xd1..|\xd2....|[\xcf\xd3].{8})*+",
    re.DOTALL,
)


def decode_blocks(payload: bytes) -> Batch | BlockBatch:
    """The batch in ``payload``, as by ``wire.decode``, its tokens perhaps left as they came.

    ``WireError`` on anything else.
    """
    try:
        if len(payload) > MAX_PAYLOAD or holds_arrays(payload):
            return decode(payload)
        batch = _decode(payload)
    except _BAD:
        return decode(payload)
    for event in batch.events:
        if type(event) is StoredBlocks and not _are_numbers(event.token_ids):
            return decode(payload)
    return batch


def decode_run(payloads: Sequence[bytes]) -> Sequence[Batch | BlockBatch]:
    """As ``decode_blocks`` of each; ``WireError`` if any is none."""
    try:
        if sum(map(len, payloads)) <= _RUN and not any(map(holds_arrays, payloads)):
            batches = list(map(_decode, payloads))
            if _are_all_numbers(batches):
                return batches
    except _BAD:
        pass
    return list(map(decode_blocks, payloads))


def _are_all_numbers(batches: Sequence[BlockBatch]) -> bool:
    """``_are_numbers`` of all tokens in them."""
    tokens = [
        event.token_ids
        for batch in batches
        for event in batch.events
        if type(event) is StoredBlocks
    ]
    return _all_take_two_bytes(tokens) or all(map(_are_numbers, tokens))


def _all_take_two_bytes(tokens: Sequence[msgspec.Raw]) -> bool:
    """Whether each is an array of numbers of two bytes, and not empty; their forms are whole.

    In all of them as one string each third byte says so: a number there, or where an array begins.
    One is longer than a number, so its first byte begins an array; so none is within another.
    """
    if not all(size > 3 and size % 3 == 0 for size in set(map(len, tokens))):
        return False
    return b"".join(tokens)[::3].translate(None, _TWO_BYTES) == _ARRAY * len(tokens)


def _are_numbers(tokens: msgspec.Raw) -> bool:
    """Whether they are an array of numbers, for tokens whose form was found to be whole.

    Mostly all take two bytes: then each third byte says so.
    """
    raw = bytes(tokens)
    if raw[:1] == _ARRAY and len(raw) % 3 == 0 and not raw[3::3].strip(_TWO_BYTES):
        return True
    return _NUMBERS.fullmatch(raw) is not None
