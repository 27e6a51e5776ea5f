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
CPU = "us of CPU"
FIGURES = {
    "of_typed": Figure("ratio", Better.HIGHER, TARGET),
    "of_untyped": Figure("ratio", Better.HIGHER, TARGET),
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


FORMS = {
    "map": (Dialect(), Maps),
    "array": (Dialect(EventForm.ARRAY), Arrays),
    "digests": (Dialect(hashes=HashForm.BYTES), Maps),
}


@benchmark("wire.decode_map", unit=CPU, gate=True)
def decode_map(bench: Bench) -> Iterator[float]:
    """Decode a batch of map events (vLLM's form): 8 blocks stored, sometimes 2 evicted."""
    yield from decoding(bench, "map")


@benchmark("wire.decode_array", unit=CPU, gate=True)
def decode_array(bench: Bench) -> Iterator[float]:
    """Decode a batch of array events (older vLLM's form)."""
    yield from decoding(bench, "array")


@benchmark("wire.decode_digests", unit=CPU, gate=True)
def decode_digests(bench: Bench) -> Iterator[float]:
    """Decode a batch of map events whose hashes are digests of 32 bytes."""
    yield from decoding(bench, "digests")


@benchmark("wire.ratio_map", figures=FIGURES)
def ratio_map(bench: Bench) -> Iterator[dict[str, float]]:
    """Decoding map events beside bare msgspec: how much of its speed is left."""
    yield from beside(bench, "map")


@benchmark("wire.ratio_array", figures=FIGURES)
def ratio_array(bench: Bench) -> Iterator[dict[str, float]]:
    """Decoding array events beside bare msgspec: how much of its speed is left."""
    yield from beside(bench, "array")


@benchmark("wire.encode_map", unit=CPU, gate=True)
def encode_map(bench: Bench) -> Iterator[float]:
    """Encode a batch of map events."""
    work = each(encode, [Batch(1.5 + at, events(bench.rng), 0) for at in range(BATCHES)])
    while True:
        yield bench.timed(work, calls=CALLS).cpu / BATCHES * 1e6


def decoding(bench: Bench, form: str) -> Iterator[float]:
    """Microseconds a batch."""
    work = each(decode, made(bench.rng, FORMS[form][0]))
    while True:
        yield bench.timed(work, calls=CALLS).cpu / BATCHES * 1e6


def beside(bench: Bench, form: str) -> Iterator[dict[str, float]]:
    """Bare msgspec's time over ours, the same bytes measured in turn."""
    dialect, typed = FORMS[form]
    frames = made(bench.rng, dialect)
    ours = each(decode, frames)
    bare = each(msgspec.msgpack.Decoder(typed).decode, frames)
    plain = each(msgspec.msgpack.Decoder().decode, frames)
    while True:
        took = bench.timed(ours, calls=CALLS).cpu
        yield {
            "of_typed": bench.timed(bare, calls=CALLS).cpu / took,
            "of_untyped": bench.timed(plain, calls=CALLS).cpu / took,
        }


def made(rng: Random, dialect: Dialect) -> list[bytes]:
    """The batches of some scheduler steps, encoded."""
    return [encode(Batch(1.5 + at, events(rng), 0), dialect) for at in range(BATCHES)]


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
