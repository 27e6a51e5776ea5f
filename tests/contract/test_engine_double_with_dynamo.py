"""The engine double before a real consumer: Dynamo's standalone indexer reads its events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from kvchaos.clock import poll
from tests.lab.dynamo_process import MODEL, IndexerProcess, needs_dynamo, running_indexer
from tests.lab.sim_processes import CLOCK, EngineProcess

pytestmark = [pytest.mark.lab, needs_dynamo]


def matched(indexer: IndexerProcess, tokens: list[int]) -> dict[str, int]:
    """How many of ``tokens`` it says each rank holds."""
    answer = indexer.post("/query", {"token_ids": tokens, "model_name": MODEL})
    ranks: dict[str, int] = answer["scores"].get("1", {})
    return ranks


def held(indexer: IndexerProcess) -> set[int]:
    """All engine hashes that it has."""
    dump = requests.get(f"http://{indexer.address}/dump", timeout=5).json()
    return {
        block["block_hash"]
        for group in dump.values()
        for event in group["events"]
        for block in event["event"]["data"]["stored"]["blocks"]
    }


@pytest.fixture
def indexer(tmp_path: Path) -> Iterator[IndexerProcess]:
    with running_indexer(tmp_path / "indexer.log") as running:
        yield running


def prompt(start: int) -> list[int]:
    """Two full blocks and one token more."""
    return list(range(start, start + 33))


def flushed(indexer: IndexerProcess, engine: EngineProcess, *, rank: int = 0) -> None:
    """Send unique prompts until one is indexed: it asks for a replay at a live batch alone."""

    starts = itertools.count(10_000 + rank, 100)

    def flush() -> dict[str, int]:
        tokens = prompt(next(starts))
        engine.complete(tokens, rank=rank)
        return matched(indexer, tokens)

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
    indexer: IndexerProcess, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Live and replayed, stored and evicted, in every dialect: its blocks are the engine's."""
    with EngineProcess(tmp_path / "log", "--blocks", "8", *flags) as engine:
        for start in range(0, 500, 100):
            engine.complete(prompt(start))
        indexer.register(engine)

        flushed(indexer, engine)
        both, _ = poll(
            lambda: (held(indexer), engine.held()),
            lambda both: both[0] == both[1],
            timeout=15,
            every=0.1,
            clock=CLOCK,
        )

        assert both[0] == both[1]


def test_dynamo_tells_ranks_apart(indexer: IndexerProcess, tmp_path: Path) -> None:
    """Ports and batches name the rank that holds a prefix."""
    with EngineProcess(tmp_path / "log", ranks=2) as engine:
        for rank in (0, 1):
            indexer.register(engine, rank=rank)
            engine.complete(prompt(100 * rank), rank=rank)
            flushed(indexer, engine, rank=rank)

        assert [matched(indexer, prompt(start)) for start in (0, 100)] == [{"0": 32}, {"1": 32}]
