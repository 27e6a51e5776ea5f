"""The scheduler of the engine double: what it computes, caches and tells."""

from __future__ import annotations

from kvchaos.kvevents.wire import AllBlocksCleared, BlockRemoved, BlockStored, Event, block_hash
from kvchaos.sim.engine.hashing import BlockHasher
from kvchaos.sim.engine.pool import BlockPool
from kvchaos.sim.engine.scheduler import Request, Scheduler

HASHER = BlockHasher()


def scheduler(blocks: int = 16, *, budget: int = 8192) -> Scheduler:
    return Scheduler(BlockPool(blocks), hasher=HASHER, block_size=4, budget=budget)


def complete(engine: Scheduler, tokens: range, *, max_tokens: int = 1) -> list[list[Event]]:
    """The events of each step that a request for ``tokens`` took, alone in the engine."""
    engine.add(Request(list(tokens), max_tokens))
    steps = []
    while engine.load:
        steps.append(engine.step().events)
    return steps


def names(tokens: range) -> list[int]:
    """The hashes of ``tokens``' full blocks as events carry them."""
    found: list[bytes] = []
    for start in range(0, len(tokens) - 3, 4):
        found.append(HASHER.block(found[-1] if found else None, tokens[start : start + 4]))
    return [block_hash(name) for name in found]


def stored(hashes: list[int], *, tokens: range, parent: int | None = None) -> BlockStored:
    return BlockStored(
        block_hashes=list(hashes),
        parent_block_hash=parent,
        token_ids=list(tokens),
        block_size=4,
        medium="GPU",
        extra_keys=[None] * len(hashes),
        group_idx=0,
        kv_cache_spec_kind="full_attention",
    )


def test_a_prompt_is_told_as_one_event() -> None:
    """A run of newly cached blocks is one BlockStored, without parent at the beginning."""
    steps = complete(scheduler(), range(10))

    assert steps == [[stored(names(range(8)), tokens=range(8))]]


def test_a_longer_prompt_is_told_from_where_the_cache_ended() -> None:
    """Hits are not told again; the new run names the last hit as its parent."""
    engine = scheduler()
    complete(engine, range(10))

    steps = complete(engine, range(18))

    chain = names(range(16))
    assert steps == [[stored(chain[2:], tokens=range(8, 16), parent=chain[1])]]
    assert (engine.counts.queries, engine.counts.hits) == (28, 8)


def test_a_prompt_of_whole_blocks_caches_its_last_block_twice() -> None:
    """The last prompt token is always computed, so its block gets a second copy, as in vLLM."""
    engine = scheduler()
    first = complete(engine, range(8))

    second = complete(engine, range(8))

    chain = names(range(8))
    assert first == [[stored(chain, tokens=range(8))]]
    assert second == [[stored(chain[1:], tokens=range(4, 8), parent=chain[0])]]


def test_a_hit_in_full_tells_nothing() -> None:
    """No new block, no event, no batch."""
    engine = scheduler()
    complete(engine, range(9))

    assert complete(engine, range(9)) == [[]]


def test_generated_tokens_fill_blocks_too() -> None:
    """The block is told in the step that computes its last token, not when that is sampled."""
    engine = scheduler()

    steps = complete(engine, range(6), max_tokens=3)

    tokens = [0, 1, 2, 3, 4, 5, *_continuation(5, 2)]
    parent = HASHER.block(None, tokens[:4])
    second = block_hash(HASHER.block(parent, tokens[4:]))
    assert [len(events) for events in steps] == [1, 0, 1]
    assert isinstance(last := steps[2][0], BlockStored)
    assert (last.block_hashes, last.parent_block_hash) == ([second], block_hash(parent))


def _continuation(token: int, count: int) -> list[int]:
    out: list[int] = []
    for _ in range(count):
        out.append(((out[-1] if out else token) * 31 + 7) % 32_000)
    return out


def test_a_long_prompt_is_told_chunk_by_chunk() -> None:
    """A step computes no more than its budget; each step tells what it completed."""
    steps = complete(scheduler(budget=6), range(10))

    chain = names(range(8))
    assert steps == [
        [stored(chain[:1], tokens=range(4))],
        [stored(chain[1:], tokens=range(4, 8), parent=chain[0])],
    ]


def test_eviction_is_told_one_event_a_block_before_what_took_its_place() -> None:
    """The tail goes first; each BlockRemoved names one hash."""
    engine = scheduler(3)
    complete(engine, range(12))

    steps = complete(engine, range(100, 108))

    chain = names(range(12))
    assert steps == [
        [
            BlockRemoved(block_hashes=[chain[2]], medium="GPU", group_idx=0),
            BlockRemoved(block_hashes=[chain[1]], medium="GPU", group_idx=0),
            stored(names(range(100, 108)), tokens=range(100, 108)),
        ]
    ]


def test_requests_wait_for_free_blocks() -> None:
    """A request that does not fit beside the running ones is admitted when they end."""
    engine = scheduler(3)
    first, second = Request(list(range(8)), 2), Request(list(range(50, 58)), 1)
    engine.add(first)
    engine.add(second)

    finished = [engine.step().finished for _ in range(3)]

    assert finished == [[], [first], [second]]


def test_requests_of_one_step_share_what_the_first_computes() -> None:
    """Blocks are cached when they are scheduled, so a twin in the same step hits them."""
    engine = scheduler()
    twins = [Request(list(range(9)), 1), Request(list(range(9)), 1)]
    for twin in twins:
        engine.add(twin)

    step = engine.step()

    assert (len(step.events), [twin.cached_tokens for twin in twins]) == (1, [0, 8])


def test_a_reset_is_told_with_the_next_step() -> None:
    """An idle engine keeps AllBlocksCleared to itself until it has something to do."""
    engine = scheduler()
    complete(engine, range(4))

    done, idle = engine.reset(), engine.step().events
    assert (done, idle) == (True, [AllBlocksCleared()])

    engine.reset()
    assert complete(engine, range(4)) == [
        [AllBlocksCleared(), stored(names(range(4)), tokens=range(4))]
    ]


def test_a_reset_is_refused_while_a_request_runs() -> None:
    """Blocks in use cannot be forgotten."""
    engine = scheduler()
    engine.add(Request(list(range(4)), 5))
    engine.step()

    assert not engine.reset()


def test_a_salted_prompt_does_not_hit_the_plain_one() -> None:
    """The salt is an extra key of the first block, and told as such."""
    engine = scheduler()
    complete(engine, range(8))
    salted = Request(list(range(8)), 1, salt="tenant")
    engine.add(salted)

    (event,) = engine.step().events

    assert isinstance(event, BlockStored)
    assert (salted.cached_tokens, event.extra_keys) == (0, [("tenant",), None])


def test_whole_digests_are_told_when_asked_for() -> None:
    """VLLM_KV_EVENTS_USE_INT_BLOCK_HASHES=0 puts the 32 bytes on the wire."""
    engine = Scheduler(BlockPool(4), hasher=HASHER, block_size=4, external=bytes)

    steps = complete(engine, range(4))

    assert isinstance(event := steps[0][0], BlockStored)
    assert event.block_hashes == [HASHER.block(None, range(4))]
