"""The reference router's index against real engine processes, discovery being told by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kvchaos.clock import poll
from kvchaos.sim.router.engines import RankPorts
from kvchaos.sim.router.receiver import Receiver
from tests.lab.sim_processes import CLOCK, EngineProcess, Link, as_found

pytestmark = pytest.mark.lab

SOON = 15.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path / "engine.log", "--blocks", "8") as process:
        yield process


@contextmanager
def receiving(*, recover: bool = True) -> Iterator[Receiver]:
    receiver = Receiver(recover=recover, clock=CLOCK)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


def view(receiver: Receiver, number: int = 0) -> dict[str, Any]:
    views = receiver.views()
    return views[number] if len(views) > number else {"blocks": [], "connected": False}


def index(receiver: Receiver, number: int = 0) -> set[int]:
    return {name for place in view(receiver, number)["blocks"] for name in place["hashes"]}


def soon(read: Callable[[], object], wanted: object) -> None:
    """Assert that ``read`` comes to give ``wanted``."""
    value, _ = poll(read, lambda value: value == wanted, timeout=SOON, every=0.02, clock=CLOCK)
    assert value == wanted


def prompt(start: int, blocks: int = 2) -> list[int]:
    """That many full blocks and one token more."""
    return list(range(start, start + 16 * blocks + 1))


def test_a_late_joiner_has_all_blocks_and_follows(engine: EngineProcess) -> None:
    """The replay from 0 brings what was evicted too; live batches go on from it."""
    for start in range(0, 1000, 100):
        engine.complete(prompt(start))

    with receiving() as receiver:
        receiver.found(as_found(engine))
        soon(lambda: index(receiver), engine.held())
        engine.complete(prompt(2000))
        soon(lambda: index(receiver), engine.held())

        assert len(engine.held()) == 6  # a third block of each prompt is never full
        assert view(receiver)["lost"] == 0


def test_without_recovery_a_late_joiner_lacks_what_came_before(engine: EngineProcess) -> None:
    """It sees live batches alone."""
    engine.complete(prompt(0))
    before = engine.held()

    with receiving(recover=False) as receiver:
        receiver.found(as_found(engine))
        soon(lambda: view(receiver)["connected"], wanted=True)
        engine.complete(prompt(100))
        soon(lambda: index(receiver), engine.held() - before)


def test_a_restart_in_place_leaves_no_old_block(engine: EngineProcess) -> None:
    """Found by the link and by content, without the watch; fewer batches than before."""
    for start in range(0, 300, 100):
        engine.complete(prompt(start))

    with receiving() as receiver:
        receiver.found(as_found(engine))
        soon(lambda: index(receiver), engine.held())
        engine.restart()
        engine.complete(prompt(5000))
        soon(lambda: index(receiver), engine.held())

        assert (view(receiver)["restarts"], len(engine.held())) == (1, 2)


def test_without_recovery_a_restart_leaves_old_blocks(engine: EngineProcess) -> None:
    """What the first life held stays beside what the second one tells."""
    with receiving(recover=False) as receiver:
        receiver.found(as_found(engine))
        soon(lambda: view(receiver)["connected"], wanted=True)
        engine.complete(prompt(0))
        old = engine.held()
        soon(lambda: index(receiver), old)
        engine.restart()
        receiver.found(as_found(engine, restarts=1))
        soon(lambda: view(receiver)["connected"], wanted=True)
        engine.complete(prompt(5000))
        soon(lambda: index(receiver), old | engine.held())


def test_the_tail_lost_in_a_cut_comes_back_without_a_new_event(engine: EngineProcess) -> None:
    """The reconnect alone leads to the replay; nothing is published after the heal."""
    with Link(engine.events) as link, receiving() as receiver:
        receiver.found(as_found(engine, ports=[RankPorts(link.port, engine.replay)]))
        engine.complete(prompt(0))
        soon(lambda: index(receiver), engine.held())
        link.cut()
        soon(lambda: view(receiver)["connected"], wanted=False)
        engine.complete(prompt(100))
        unchanged = index(receiver)
        link.heal()
        soon(lambda: index(receiver), engine.held())

        assert unchanged < engine.held()
        assert view(receiver)["replays"] == 2


def test_live_batches_are_indexed_while_replays_are_unanswered(engine: EngineProcess) -> None:
    """With the replay port cut the index says what it lacks, and is whole after the heal."""
    engine.complete(prompt(0))
    before = engine.held()
    with Link(engine.replay) as link, receiving() as receiver:
        link.cut()
        receiver.found(as_found(engine, ports=[RankPorts(engine.events, link.port)]))
        soon(lambda: view(receiver)["connected"], wanted=True)
        engine.complete(prompt(100))
        soon(lambda: index(receiver), engine.held() - before)
        lost = view(receiver)["lost"]
        link.heal()
        soon(lambda: index(receiver), engine.held())

        assert (lost, view(receiver)["lost"]) == (1, 0)


def test_a_pod_that_is_gone_is_forgotten(engine: EngineProcess) -> None:
    """With all its blocks; another life of the name is another uid."""
    engine.complete(prompt(0))

    with receiving() as receiver:
        receiver.found(as_found(engine, pod="a"))
        receiver.found(as_found(engine, pod="b"))
        soon(lambda: index(receiver, 1), engine.held())
        receiver.gone("uid-a")
        soon(lambda: [one["pod"] for one in receiver.views()], ["b"])
        receiver.keep_only(set())
        soon(receiver.views, [])


def test_clearing_the_cache_reaches_the_index_with_the_next_request(engine: EngineProcess) -> None:
    """An idle engine keeps AllBlocksCleared to itself."""
    with receiving() as receiver:
        receiver.found(as_found(engine))
        engine.complete(prompt(0))
        old = engine.held()
        soon(lambda: index(receiver), old)
        assert engine.reset() == {"success": True}
        assert engine.held() == old
        engine.complete(prompt(100))
        soon(lambda: index(receiver), engine.held())

        assert not index(receiver) & old


@pytest.mark.parametrize(
    "flags",
    [
        ("--dialect", "array", "--replay-frames", "3"),
        ("--dialect", "array", "--hashes", "bytes"),
        ("--hashes", "signed"),
        ("--hashes", "bytes", "--prefix-caching-hash-algo", "sha256_cbor"),
    ],
    ids=" ".join,
)
def test_every_dialect_is_understood(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Old and new vLLM, and SGLang's signed hashes."""
    with EngineProcess(tmp_path / "log", "--blocks", "4", *flags) as process:
        for start in range(0, 500, 100):
            process.complete(prompt(start))
        with receiving() as receiver:
            receiver.found(as_found(process))
            soon(lambda: index(receiver), process.held())
            assert [match.tokens for match in receiver.match(prompt(400))] == [32]


def test_ranks_have_streams_of_their_own(tmp_path: Path) -> None:
    """Each rank publishes at its own ports, and holds its own blocks."""
    with EngineProcess(tmp_path / "log", ranks=2) as process:
        ports = [RankPorts(process.events + rank, process.replay + rank) for rank in range(2)]
        process.complete(prompt(0), rank=0)
        process.complete(prompt(100), rank=1)
        with receiving() as receiver:
            receiver.found(as_found(process, ports=ports))
            soon(lambda: [len(index(receiver, rank)) for rank in range(2)], [2, 2])
            (match,) = receiver.match(prompt(100))

            assert (match.rank, match.tokens) == (1, 32)
            assert not index(receiver, 0) & index(receiver, 1)
