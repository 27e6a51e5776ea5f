"""Frames of an engine's events, decoded and encoded; bare msgspec beside it as the measure.

Bare is msgspec alone, once into classes like vLLM's own (``typed``), once into plain lists and
dicts (``untyped``), on the same bytes and in turn with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec

from kvchaos.bench.suite import Better, Figure, benchmark
from kvchaos.bench.timing import Bench
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
)

BATCHES = 200
CALLS = 20
BLOCKS = 8
BLOCK_SIZE = 16
TARGET = 0.8
FIGURES = {
    "us_per_batch": Figure("us of CPU", gate=True),
    "of_typed": Figure("ratio to bare msgspec", Better.HIGHER, TARGET),
    "of_untyped": Figure("ratio to bare msgspec", Better.HIGHER, TARGET),
}


class Stored(msgspec.Struct, tag="BlockStored", gc=False):
    """vLLM's class, map form, as far as it matters here."""

    block_hashes: list[int | bytes]
    parent_block_hash: int | bytes | None
    token_ids: list[int]
    block_size: int
    lora_id: int | None
    medium: str | None
    lora_name: str | None
    extra_keys: list[Any] | None = None
    group_idx: int | None = None


class Removed(msgspec.Struct, tag="BlockRemoved", gc=False):
    """As above."""

    block_hashes: list[int | bytes]
    medium: str | None
    group_idx: int | None = None


class StoredArray(Stored, tag="BlockStored", array_like=True):
    """As above, array form."""


class RemovedArray(Removed, tag="BlockRemoved", array_like=True):
    """As above, array form."""


class Maps(msgspec.Struct, array_like=True, gc=False):
    """A batch of events in map form."""

    ts: float
    events: list[Stored | Removed]
    data_parallel_rank: int | None = None


class Arrays(msgspec.Struct, array_like=True, gc=False):
    """A batch of events in array form."""

    ts: float
    events: list[StoredArray | RemovedArray]
    data_parallel_rank: int | None = None


@benchmark("wire.decode_map", figures=FIGURES)
def decode_map(bench: Bench) -> Iterator[dict[str, float]]:
    """Decode a batch of map events (vLLM's form): 8 blocks stored, sometimes 2 evicted."""
    yield from decoding(bench, Dialect(), Maps)


@benchmark("wire.decode_array", figures=FIGURES)
def decode_array(bench: Bench) -> Iterator[dict[str, float]]:
    """Decode a batch of array events (older vLLM's form)."""
    yield from decoding(bench, Dialect(EventForm.ARRAY), Arrays)


@benchmark("wire.decode_digests", figures=FIGURES)
def decode_digests(bench: Bench) -> Iterator[dict[str, float]]:
    """Decode a batch of map events whose hashes are digests of 32 bytes."""
    yield from decoding(bench, Dialect(hashes=HashForm.BYTES), Maps)


@benchmark("wire.encode_map", unit="us of CPU", gate=True)
def encode_map(bench: Bench) -> Iterator[float]:
    """Encode a batch of map events."""
    batches = [Batch(1.5 + at, events(bench.rng), 0) for at in range(BATCHES)]
    while True:
        work = each(encode, batches)
        yield bench.timed(work, calls=CALLS).cpu / BATCHES * 1e6


def decoding(bench: Bench, dialect: Dialect, typed: type) -> Iterator[dict[str, float]]:
    """Microseconds a batch, and how fast that is beside bare msgspec."""
    made = [encode(Batch(1.5 + at, events(bench.rng), 0), dialect) for at in range(BATCHES)]
    bare = each(msgspec.msgpack.Decoder(typed).decode, made)
    plain = each(msgspec.msgpack.Decoder().decode, made)
    while True:
        ours = bench.timed(each(decode, made), calls=CALLS).cpu
        yield {
            "us_per_batch": ours / BATCHES * 1e6,
            "of_typed": bench.timed(bare, calls=CALLS).cpu / ours,
            "of_untyped": bench.timed(plain, calls=CALLS).cpu / ours,
        }


def each(work: Callable[[Any], object], items: list[Any]) -> Callable[[], None]:
    """What does ``work`` to all items."""

    def run() -> None:
        for item in items:
            work(item)

    return run


def events(rng: Random) -> list[Event]:
    """One scheduler step: a prompt of eight blocks stored, every fourth time two evicted."""
    stored = BlockStored(
        [rng.getrandbits(64) for _ in range(BLOCKS)],
        rng.getrandbits(64),
        [rng.randrange(128_000) for _ in range(BLOCKS * BLOCK_SIZE)],
        BLOCK_SIZE,
        medium="GPU",
        extra_keys=[None] * BLOCKS,
        group_idx=0,
    )
    gone: list[Event] = [BlockRemoved([rng.getrandbits(64)], "GPU", 0) for _ in range(2)]
    return [stored, *(gone if rng.random() < 0.25 else [])]
