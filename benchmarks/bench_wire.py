"""Batches a second that ``kvevents.wire.decode`` decodes, against bare msgspec on the same bytes.

Bare is msgspec alone, once into plain lists and dicts (``untyped``), once into classes like
vLLM's own (``typed``). The three take turns within each round, so that the ratios of a round
mean the same machine; times are the thread's CPU time; the median of all rounds counts.

    python benchmarks/bench_wire.py [--seed 7] [--rounds 101] [--batches 200] > result.json
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec

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

TARGET = 0.8
BLOCKS = 8
BLOCK_SIZE = 16
DIALECTS = {
    "map": Dialect(),
    "map, digests": Dialect(hashes=HashForm.BYTES),
    "array": Dialect(EventForm.ARRAY),
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
    block_hashes: list[int | bytes]
    medium: str | None
    group_idx: int | None = None


class StoredArray(Stored, tag="BlockStored", array_like=True):
    pass


class RemovedArray(Removed, tag="BlockRemoved", array_like=True):
    pass


class Maps(msgspec.Struct, array_like=True, gc=False):
    ts: float
    events: list[Stored | Removed]
    data_parallel_rank: int | None = None


class Arrays(msgspec.Struct, array_like=True, gc=False):
    ts: float
    events: list[StoredArray | RemovedArray]
    data_parallel_rank: int | None = None


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


def seconds(work: Callable[[bytes], object], payloads: list[bytes]) -> float:
    """CPU time that ``work`` takes over all payloads; their garbage is part of it."""
    start = time.thread_time()
    for payload in payloads:
        work(payload)
    return time.thread_time() - start


def measure(dialect: Dialect, *, seed: int, rounds: int, batches: int) -> dict[str, Any]:
    """Medians for one dialect."""
    rng = Random(seed)
    payloads = [encode(Batch(1.5 + at, events(rng), 0), dialect) for at in range(batches)]
    typed = Maps if dialect.events == EventForm.MAP else Arrays
    ways: dict[str, Callable[[bytes], object]] = {
        "ours": decode,
        "typed": msgspec.msgpack.Decoder(typed).decode,
        "untyped": msgspec.msgpack.Decoder().decode,
    }
    for work in ways.values():
        seconds(work, payloads)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        gc.collect()
        for name, work in ways.items():
            took[name].append(seconds(work, payloads))
    return {
        "payload_bytes": round(statistics.mean(map(len, payloads))),
        **{f"{name}_batches_s": round(batches / statistics.median(took[name])) for name in ways},
        **{
            f"ratio_to_{name}": round(
                statistics.median(
                    bare / ours for bare, ours in zip(took[name], took["ours"], strict=True)
                ),
                3,
            )
            for name in ("typed", "untyped")
        },
    }


def cpu() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def commit() -> str:
    """What was measured; with a + when files differ from it."""
    run = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    return subprocess.run(run, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--batches", type=int, default=200)
    options = parser.parse_args()
    found = {
        name: measure(dialect, seed=options.seed, rounds=options.rounds, batches=options.batches)
        for name, dialect in DIALECTS.items()
    }
    result = {
        "benchmark": "wire decode",
        "machine": {"cpu": cpu(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "msgspec": msgspec.__version__,
        "commit": commit(),
        "seed": options.seed,
        "n": options.rounds,
        "batches": options.batches,
        "blocks_per_batch": BLOCKS,
        "median": found,
        "target": {"ratio_to_untyped": TARGET, "ratio_to_typed": TARGET},
    }
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
