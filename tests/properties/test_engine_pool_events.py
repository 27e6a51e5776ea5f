"""What an engine published is what its pool holds, whatever was asked of it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kvchaos.index.oracle import Holdings
from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Event,
    block_hash,
)
from kvchaos.sim.engine.hashing import BlockHasher
from kvchaos.sim.engine.pool import BlockPool
from kvchaos.sim.engine.scheduler import Request, Scheduler

BLOCKS = 8
PROMPTS = st.lists(st.integers(0, 1), min_size=1, max_size=10)
ASKED = st.tuples(PROMPTS, st.integers(1, 4))
ACTS = st.lists(st.one_of(ASKED, st.just("step"), st.just("reset")), max_size=40)
Act = tuple[list[int], int] | str


def told(events: list[Event]) -> Counter[int]:
    """How many copies of each hash there are, by the events alone."""
    copies: Counter[int] = Counter()
    for event in events:
        if isinstance(event, BlockStored):
            copies.update(block_hash(name) for name in event.block_hashes)
        elif isinstance(event, BlockRemoved):
            copies.subtract(block_hash(name) for name in event.block_hashes)
        elif isinstance(event, AllBlocksCleared):
            copies.clear()
    return +copies


def play(engine: Scheduler, acts: list[Act]) -> list[Event]:
    """All events of ``acts``, and of the steps that empty the engine after them."""
    events: list[Event] = []
    for act in acts:
        if act == "reset":
            engine.reset()
        elif isinstance(act, tuple):
            engine.add(Request(list(act[0]), act[1]))
        else:
            events += engine.step().events
    while engine.load:
        events += engine.step().events
    return events + engine.step().events


@given(acts=ACTS, budget=st.integers(1, 12))
def test_published_events_equal_the_pool(acts: list[Act], budget: int) -> None:
    """Stored minus removed, since the last clear, is exactly what the pool has cached."""
    pool = BlockPool(BLOCKS)
    engine = Scheduler(pool, hasher=BlockHasher(), block_size=2, budget=budget)

    events = play(engine, acts)

    held = Counter({block_hash(name): copies for name, copies in pool.held().items()})
    assert told(events) == held
    oracle = Holdings(epoch=0, complete=True, reason="")
    oracle.apply(Batch(0.0, events), seq=0)
    assert (oracle.unmatched, oracle.unknown) == (0, 0)
    assert pool.free == BLOCKS


@given(acts=ACTS)
def test_a_stored_run_follows_its_parent(acts: list[Act]) -> None:
    """A child is told only while its parent is cached, so that a consumer can chain it."""
    engine = Scheduler(BlockPool(BLOCKS), hasher=BlockHasher(), block_size=2)

    events = play(engine, acts)

    for number, event in enumerate(events):
        if isinstance(event, BlockStored) and event.parent_block_hash is not None:
            assert told(events[:number])[block_hash(event.parent_block_hash)] > 0
