"""Dynamo's indexer, from answers of the shapes that it gives: by pod, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from kvchaos.errors import RouterUnreachable
from kvchaos.index.compare import compare
from kvchaos.index.names import BlockKey, EngineId
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Expected
from kvchaos.index.routers.dynamo import DynamoIndexer, kept_at
from kvchaos.index.routers.protocol import RouterPlace
from tests.said import Said, Session, answering
from tests.streams import CPU, GPU

MODEL = "demo"
ENGINES = {"10.0.0.5": "engine-a", "10.0.0.6": "engine-b", "fd00::7": "engine-c"}
STORAGE = BlockKey("STORAGE", None)


def worker(number: int, *endpoints: str, status: str = "active", **fields: Any) -> dict[str, Any]:
    """As ``/workers`` tells of one that publishes each rank at its endpoint."""
    ranks = {str(rank): endpoint for rank, endpoint in enumerate(endpoints)}
    return {
        "instance_id": number,
        "source": "zmq",
        "status": status,
        "model_name": MODEL,
        "routing_group": "default",
        "block_size": 16,
        "endpoints": ranks,
        "listeners": {rank: {"endpoint": at, "status": status} for rank, at in ranks.items()},
        **fields,
    }


def held(number: int, *hashes: int, rank: int = 0, tier: str = "device") -> dict[str, Any]:
    """As ``/dump`` tells of blocks of a worker's rank that follow each other."""
    blocks = [{"block_hash": each, "tokens_hash": 7, "mm_extra_info": None} for each in hashes]
    stored = {"parent_hash": None, "start_position": None, "blocks": blocks}
    event = {"event_id": 0, "data": {"stored": stored}, "dp_rank": rank}
    return {
        "worker_id": number,
        "storage_tier": tier,
        "residency_domain": "worker",
        "event": event,
    }


def dump(*events: dict[str, Any], index: str = f"{MODEL}:default") -> dict[str, Any]:
    return {index: {"block_size": 16, "events": list(events)}}


def told(**answers: Any) -> AbstractContextManager[Session]:
    """An indexer that answers each path with this value, or with each of a tuple in its turn."""
    coming = {f"/{path}": answer for path, answer in answers.items()}

    def said(path: str) -> Said:
        answer = coming[path]
        if isinstance(answer, tuple):
            answer, coming[path] = answer[0], answer[1:] or answer
        return Said(json.dumps(answer).encode())

    return answering(said)


def indexer(engines: dict[str, str] = ENGINES) -> DynamoIndexer:
    return DynamoIndexer(
        RouterPlace(
            address=lambda: "10.0.0.1:8090", engines=lambda: engines, model=MODEL, block_size=16
        )
    )


A = worker(1, "tcp://10.0.0.5:5557")
B = worker(2, "tcp://10.0.0.6:5557")


def test_a_snapshot_has_each_workers_blocks_by_its_pod() -> None:
    """A worker is the pod at whose address it listens; what it does not hold is nothing."""
    events = [held(1, 1, 2**64 - 1), held(1, 3), held(1, 4, tier="host_pinned")]

    with told(workers=[A, B], dump=dump(*events)) as session:
        found = indexer().snapshot()

    assert found == Observed(
        {
            ("engine-a", 0): EngineView({GPU: frozenset({1, 3, 2**64 - 1}), CPU: frozenset({4})}),
            ("engine-b", 0): EngineView({}),
        },
        place=kept_at,
    )
    assert session.asked == [("GET /workers", None), ("GET /dump", None)]


def test_what_the_indexer_does_not_say_is_none() -> None:
    """No life of the pod, no seq, no gaps; and "active" is no proof that anything arrives."""
    with told(workers=[A], dump=dump(held(1, 1))):
        (view,) = indexer().snapshot().engines.values()

    assert view == EngineView(
        {GPU: frozenset({1})},
        uid=None,
        seq=None,
        connected=None,
        gaps=None,
        replays=None,
        restarts=None,
        lost=None,
    )


@pytest.mark.parametrize("status", ["pending", "paused", "failed"])
def test_a_listener_that_does_not_listen_is_told(status: str) -> None:
    """What the index holds is told all the same: it is what routing goes by."""
    deaf = worker(1, "tcp://10.0.0.5:5557", status=status)

    with told(workers=[deaf], dump=dump(held(1, 1))):
        found = indexer().snapshot().engines

    assert found == {("engine-a", 0): EngineView({GPU: frozenset({1})}, connected=False)}


def test_ranks_are_told_apart() -> None:
    """Also one that only the batches name: it is of the same pod."""
    both = worker(1, "tcp://10.0.0.5:5557", "tcp://10.0.0.5:5558")

    with told(workers=[both], dump=dump(held(1, 1, rank=1), held(1, 2, rank=5))):
        found = indexer().snapshot().engines

    assert {rank: view.blocks for rank, view in found.items()} == {
        ("engine-a", 0): {},
        ("engine-a", 1): {GPU: frozenset({1})},
        ("engine-a", 5): {GPU: frozenset({2})},
    }


@pytest.mark.parametrize("endpoint", ["tcp://[fd00::7]:5557", "tcp://[fd00:0:0::0:7]:5557"])
def test_an_address_is_found_however_it_is_written(endpoint: str) -> None:
    """IPv6 has many ways to write one address; what is none is nobody's."""
    with told(workers=[worker(1, endpoint)], dump=dump()):
        found = indexer({"?": "engine-x", **ENGINES}).snapshot()

    assert list(found.engines) == [("engine-c", 0)]


def test_hashes_are_unsigned_numbers_of_64_bits() -> None:
    """As everywhere in kvchaos."""
    with told(workers=[A], dump=dump(held(1, -1, 2))):
        (view,) = indexer().snapshot().engines.values()

    assert view.blocks == {GPU: frozenset({2**64 - 1, 2})}


@pytest.mark.parametrize("odd", [2**64, -(2**63) - 1, 10**4000])
def test_a_hash_of_more_than_64_bits_is_refused(odd: int) -> None:
    """Cut short it would be another block's."""
    with (
        told(workers=[A], dump=dump(held(1, 5, odd))),
        pytest.raises(RouterUnreachable, match="GET /dump of the router: wanted 64-bit hashes"),
    ):
        indexer().snapshot()


def test_a_worker_at_nobodys_address_is_a_ghost() -> None:
    """Its pod is gone and it is still in the index: routing may choose it."""
    gone = worker(7, "tcp://10.0.0.9:5557")

    with told(workers=[A, gone], dump=dump(held(1, 1), held(7, 2))):
        observed = indexer().snapshot()

    expected = {EngineId("engine-a", "uid", 0): Expected({GPU: frozenset({1})}, complete=True)}
    found = compare(expected, observed, alive={"engine-a"})
    assert found.ghosts == ("worker 7 at 10.0.0.9",)
    assert found.agrees is False


def test_blocks_of_a_worker_that_is_not_registered_are_a_ghosts() -> None:
    """Whoever held them, nobody says any more."""
    with told(workers=[A], dump=dump(held(1, 1), held(8, 2))) as session:
        found = indexer().snapshot().engines

    assert list(found) == [("engine-a", 0), ("worker 8", 0)]
    assert [question for question, _ in session.asked] == [
        "GET /workers",
        "GET /dump",
        "GET /workers",
    ]


def test_a_worker_registered_between_the_questions_is_no_ghost() -> None:
    """Then the workers are asked for again."""
    with told(workers=([A], [A, B]), dump=dump(held(1, 1), held(2, 2))):
        assert list(indexer().snapshot().engines) == [("engine-a", 0), ("engine-b", 0)]


def test_two_workers_of_one_engine_are_not_told_apart() -> None:
    """Together they could agree though each of them is wrong."""
    again = worker(2, "tcp://10.0.0.5:5557")

    with (
        told(workers=[A, again], dump=dump(held(1, 1), held(2, 2))),
        pytest.raises(RouterUnreachable, match=r"engine-a/0 is not said: .* saw workers 1 and 2"),
    ):
        indexer().snapshot()


def test_an_engine_in_two_indexes_is_not_told_by_both_together() -> None:
    """A worker's number is its own in one routing group; what one lacks the other may have."""
    blue = worker(1, "tcp://10.0.0.5:5557", routing_group="blue")
    indexes = {**dump(held(1, 1)), **dump(held(1, 2), index=f"{MODEL}:blue")}

    with (
        told(workers=[A, blue], dump=indexes),
        pytest.raises(RouterUnreachable, match=r"engine-a/0 is not said: .* saw workers 1 and 1"),
    ):
        indexer().snapshot()


def test_blocks_in_an_index_that_a_worker_left_are_not_those_of_where_it_is() -> None:
    """They would make up for what is missing there."""
    indexes = {**dump(held(1, 1)), **dump(held(1, 2), index=f"{MODEL}:blue")}

    with told(workers=[A], dump=indexes):
        found = indexer().snapshot().engines

    assert {rank: view.blocks for rank, view in found.items()} == {
        ("engine-a", 0): {GPU: frozenset({1})},
        ("worker 1", 0): {GPU: frozenset({2})},
    }


@pytest.mark.parametrize(
    "endpoint", ["tcp://engine-a.engines:5557", "ipc:///tmp/a", "tcp://[::1", "tcp://", ""]
)
def test_a_worker_without_an_address_is_nobody_known(endpoint: str) -> None:
    """Its pod cannot be told; that is no ghost, and no engine that holds nothing."""
    with (
        told(workers=[worker(1, endpoint)], dump=dump(held(1, 1))),
        pytest.raises(RouterUnreachable, match=r"which pod worker 1 .* cannot be told"),
    ):
        indexer().snapshot()


def test_a_rank_that_is_not_registered_has_no_address_where_the_others_differ() -> None:
    """One of two pods would be a guess."""
    apart = worker(1, "tcp://10.0.0.5:5557", "tcp://10.0.0.6:5557")

    with (
        told(workers=[apart], dump=dump(held(1, 1, rank=2))),
        pytest.raises(RouterUnreachable, match="cannot be told"),
    ):
        indexer().snapshot()


OTHER = worker(1, "tcp://10.0.0.5:5557", model_name="other")


@pytest.mark.parametrize(
    ("workers", "saw"), [([], "no worker at all"), ([OTHER], "workers of other")]
)
@pytest.mark.parametrize("ask", [DynamoIndexer.snapshot, lambda asked: asked.match([1])])
def test_a_model_that_was_never_there_is_no_answer(
    workers: list[Any], saw: str, ask: Callable[[DynamoIndexer], Any]
) -> None:
    """An empty index would be a verdict on a name that was misspelt."""
    with (
        told(workers=workers, dump=dump(index="other:default")),
        pytest.raises(RouterUnreachable, match=f"the model 'demo': .*saw {saw}; see: docs/"),
    ):
        ask(indexer())


def test_a_model_that_is_there_no_more_is_an_index_that_was_lost() -> None:
    """An indexer that restarts forgets all that was registered: every block is missing."""
    asked = indexer()

    with told(workers=([A], []), dump=(dump(held(1, 1)), {})):
        first, second = asked.snapshot(), asked.snapshot()

    assert (list(first.engines), second) == ([("engine-a", 0)], Observed({}, place=kept_at))
    with told(workers=[]):
        assert asked.match([1]) == {}


def test_indexes_of_other_models_are_left_out() -> None:
    """Even one whose name begins alike; all routing groups of the model count."""
    workers = [
        worker(1, "tcp://10.0.0.5:5557", routing_group="x:y"),
        worker(2, "tcp://10.0.0.6:5557", model_name=f"{MODEL}:x"),
    ]
    indexes = {
        **dump(held(1, 1), index=f"{MODEL}:x:y"),
        **dump(held(2, 2), index=f"{MODEL}:x:default"),
        **dump(held(9, 3), index="other:default"),
    }

    with told(workers=workers, dump=indexes):
        found = indexer().snapshot().engines

    assert found == {("engine-a", 0): EngineView({GPU: frozenset({1})})}


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        (GPU, GPU),
        (BlockKey("GPU", 0), GPU),
        (BlockKey("CPU_PINNED", None), CPU),
        (BlockKey("DISK", 0), STORAGE),
        (BlockKey("GPU", 1), None),
        (BlockKey("FS", None), None),
    ],
)
def test_media_are_told_by_tier_and_groups_not_at_all(key: BlockKey, kept: BlockKey | None) -> None:
    """What it keeps of further groups depends on what no event's hash tells."""
    assert kept_at(key) == kept


def test_a_match_tells_tokens_by_pod() -> None:
    """Of a pod's ranks the one that holds most; a ghost by its name."""
    workers = [worker(1, "tcp://10.0.0.5:5557", "tcp://10.0.0.5:5558"), B]
    workers += [worker(3, "tcp://10.0.0.9:5557")]
    scores = {"1": {"0": 16, "1": 32}, "2": {"0": 48}, "3": {"0": 16}}

    with told(workers=workers, query={"scores": scores, "frequencies": []}) as session:
        found = indexer().match((1, 2, 3))

    assert found == {"engine-a": 32, "engine-b": 48, "worker 3 at 10.0.0.9": 16}
    question = {"token_ids": [1, 2, 3], "model_name": MODEL, "routing_group": "default"}
    assert session.asked == [("GET /workers", None), ("POST /query", question)]


def test_a_match_asks_every_routing_group() -> None:
    """Each has an index of its own."""
    workers = [A, worker(2, "tcp://10.0.0.6:5557", routing_group="blue")]
    answers = ({"scores": {"2": {"0": 16}}}, {"scores": {"1": {"0": 32}}})

    with told(workers=workers, query=answers):
        assert indexer().match([1]) == {"engine-a": 32, "engine-b": 16}


def test_an_error_of_the_indexer_is_told() -> None:
    """As one of any router."""
    with (
        answering(lambda _: Said(b'{"error":"no"}', 503)),
        pytest.raises(RouterUnreachable, match="GET /workers of the router: saw 503"),
    ):
        indexer().snapshot()


CLEARED = {**held(1), "event": {"event_id": 0, "data": "cleared", "dp_rank": 0}}
SHARED = {**held(1, 1), "residency_domain": "cluster"}


@pytest.mark.parametrize(
    "events", [[CLEARED], [SHARED], [held(1, 1, tier="external")], [held(1, 1, rank=-1)]]
)
def test_what_no_dump_was_seen_to_tell_is_refused(events: list[Any]) -> None:
    """Blocks that lie where nobody knows are not left out as if they were not there."""
    with (
        told(workers=[A], dump=dump(*events)),
        pytest.raises(RouterUnreachable, match="GET /dump of the router: wanted its documented"),
    ):
        indexer().snapshot()
