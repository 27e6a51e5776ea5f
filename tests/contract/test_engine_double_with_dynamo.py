"""The engine double before a real consumer: Dynamo's standalone indexer reads its events.

``KVCHAOS_DYNAMO_PYTHON`` names a Python that has ``ai-dynamo-runtime`` (1.6.1 was tried). Digests
as hashes are left out: that release reads 64-bit numbers only.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from kvchaos.clock import poll
from tests.lab.sim_processes import CLOCK, HOST, EngineProcess, free_port

PYTHON = os.environ.get("KVCHAOS_DYNAMO_PYTHON", "")
MODEL = "kvchaos-demo"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not PYTHON, reason="KVCHAOS_DYNAMO_PYTHON names no Python with Dynamo"),
]


class Indexer:
    """Dynamo's indexer, asked over its HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{HOST}:{port}"

    def is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self._url}/health", timeout=1).ok
        return False

    def register(self, engine: EngineProcess, *, rank: int = 0) -> None:
        """Let it follow one rank of ``engine``."""
        worker = {
            "instance_id": 1,
            "dp_rank": rank,
            "endpoint": f"tcp://{HOST}:{engine.events + rank}",
            "replay_endpoint": f"tcp://{HOST}:{engine.replay + rank}",
            "model_name": MODEL,
            "block_size": 16,
        }
        self._post("/register", worker)

    def matched(self, tokens: list[int]) -> dict[str, int]:
        """How many of ``tokens`` it says each rank holds."""
        answer = self._post("/query", {"token_ids": tokens, "model_name": MODEL})
        ranks: dict[str, int] = answer["scores"].get("1", {})
        return ranks

    def held(self) -> set[int]:
        """All engine hashes that it has."""
        dump = requests.get(f"{self._url}/dump", timeout=5).json()
        return {
            block["block_hash"]
            for group in dump.values()
            for event in group["events"]
            for block in event["event"]["data"]["stored"]["blocks"]
        }

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(self._url + path, json=body, timeout=5)
        answer.raise_for_status()
        value: dict[str, Any] = answer.json()
        return value


@pytest.fixture
def indexer(tmp_path: Path) -> Iterator[Indexer]:
    port = free_port()
    with (tmp_path / "indexer.log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", "dynamo.indexer", "--port", str(port)], stdout=log, stderr=log
        )
    try:
        indexer = Indexer(port)
        healthy, _ = poll(indexer.is_healthy, bool, timeout=20, every=0.1, clock=CLOCK)
        assert healthy
        yield indexer
    finally:
        process.kill()
        process.wait(10)


def prompt(start: int) -> list[int]:
    """Two full blocks and one token more."""
    return list(range(start, start + 33))


def flushed(indexer: Indexer, engine: EngineProcess, *, rank: int = 0) -> None:
    """Send unique prompts until one is indexed: it asks for a replay at a live batch alone."""

    starts = itertools.count(10_000 + rank, 100)

    def flush() -> dict[str, int]:
        tokens = prompt(next(starts))
        engine.complete(tokens, rank=rank)
        return indexer.matched(tokens)

    seen, _ = poll(flush, lambda seen: str(rank) in seen, timeout=20, every=0.2, clock=CLOCK)
    assert seen == {str(rank): 32}


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("--dialect", "array", "--replay-frames", "3"),
        ("--hashes", "signed", "--replay-frames", "3"),
    ],
    ids=" ".join,
)
def test_dynamo_indexes_what_the_double_tells(
    indexer: Indexer, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Live and replayed, stored and evicted, in every dialect: its blocks are the engine's."""
    with EngineProcess(tmp_path / "log", "--blocks", "8", *flags) as engine:
        for start in range(0, 500, 100):
            engine.complete(prompt(start))
        indexer.register(engine)

        flushed(indexer, engine)
        held, _ = poll(
            lambda: (indexer.held(), engine.held()),
            lambda both: both[0] == both[1],
            timeout=15,
            every=0.1,
            clock=CLOCK,
        )

        assert held[0] == held[1]


def test_dynamo_tells_ranks_apart(indexer: Indexer, tmp_path: Path) -> None:
    """Ports and batches name the rank that holds a prefix."""
    with EngineProcess(tmp_path / "log", ranks=2) as engine:
        for rank in (0, 1):
            indexer.register(engine, rank=rank)
            engine.complete(prompt(100 * rank), rank=rank)
            flushed(indexer, engine, rank=rank)

        assert [indexer.matched(prompt(start)) for start in (0, 100)] == [{"0": 32}, {"1": 32}]
