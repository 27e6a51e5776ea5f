"""Seeded events for routers' own tests."""

from __future__ import annotations

from itertools import islice

import pytest

from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    Dialect,
    decode,
)
from kvchaos.pytest.events import EventGenerator

ENGINE = EngineId("engine", "uid", 0)


def test_the_oracle_holds_what_the_generator_says() -> None:
    """After every batch: the generator's pool and the oracle come to the same by other ways."""
    generator, oracle = EventGenerator(7), Oracle()
    oracle.begin(ENGINE, epoch=0, complete=True, reason="")

    for seq, batch in enumerate(generator.batches(400)):
        oracle.apply(ENGINE, batch, seq=seq)
        held = {hash_ for blocks in oracle.expected()[ENGINE].blocks.values() for hash_ in blocks}

        assert held == generator.held()


def test_every_kind_of_event_comes() -> None:
    """Stores, evictions and resets: a stream without one of them proves little."""
    kinds = {type(event) for batch in EventGenerator(7).batches(400) for event in batch.events}

    assert kinds == {BlockStored, BlockRemoved, AllBlocksCleared}


@pytest.mark.parametrize("other", [EventGenerator(8), EventGenerator(7, engine="b")])
def test_the_seed_and_the_engine_decide_it_all(other: EventGenerator) -> None:
    """The same twice, another from another."""
    first = list(EventGenerator(7).payloads(20))

    assert list(EventGenerator(7).payloads(20)) == first
    assert list(islice(other.payloads(20), 20)) != first


def test_payloads_are_the_batches_in_a_dialect() -> None:
    """What is decoded from them has the same blocks in the same order."""
    dialects = [decode(each) for each in EventGenerator(7).payloads(50, dialect=Dialect())]

    assert [len(each.events) for each in dialects] == [
        len(each.events) for each in EventGenerator(7).batches(50)
    ]
