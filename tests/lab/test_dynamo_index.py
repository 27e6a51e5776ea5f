"""A real router's index before the judge: Dynamo's indexer, the engine double and the oracle.

They share no code, so where they agree both are right about what the engine holds; and where
Dynamo is known to go wrong, the difference says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kvchaos.clock import poll
from kvchaos.errors import RouterUnreachable
from kvchaos.index.compare import Difference, compare
from kvchaos.index.routers.adapters import adapter
from kvchaos.index.routers.protocol import RouterPlace
from kvchaos.observer.observer import Observer
from kvchaos.traffic.prompts import Prompts
from tests.lab.dynamo_process import MODEL, IndexerProcess, needs_dynamo, running_indexer
from tests.lab.sim_processes import CLOCK, HOST, EngineProcess, Link
from tests.played_cluster import PlayedCluster
from tests.streams import NAMESPACE, engine_pod

pytestmark = [pytest.mark.lab, needs_dynamo]

POD = "engine-a"
AGREES = Difference(compared=("engine-a/0",))


class World:
    """One engine with room for eight blocks, Dynamo's indexer, and an observer of the engine."""

    def __init__(self, stack: ExitStack, folder: Path, *, ranks: int = 1) -> None:
        self.engine = stack.enter_context(
            EngineProcess(folder / "engine.log", "--blocks", "8", ranks=ranks)
        )
        self.indexer: IndexerProcess = stack.enter_context(running_indexer(folder / "indexer.log"))
        self.pod = engine_pod(port=self.engine.events)
        self.cluster = PlayedCluster(self.pod)
        self.engines = {HOST: POD}
        self.router = adapter("dynamo")(
            RouterPlace(
                address=lambda: self.indexer.address,
                engines=lambda: self.engines,
                model=MODEL,
                block_size=16,
            )
        )
        self.prompts = Prompts(7)
        self.observer = Observer(
            self.cluster,
            namespace=NAMESPACE,
            selector="",
            event_port=self.engine.events,
            replay_port=self.engine.replay,
            transport="direct",
            ranks=ranks,
            emit=lambda *_: None,
            clock=CLOCK,
        )
        stack.callback(self.observer.stop)
        self.observer.start()
        assert self.observer.wait_ready(15) == {}

    def ask(self, *, times: int = 1, rank: int | None = None) -> list[int]:
        """Prompts of two new blocks, of which the engine keeps the last four; the last of them."""
        for _ in range(times):
            prompt = self.prompts.take(2)
            self.engine.complete(prompt, rank=rank)
        return prompt

    def flush(self) -> None:
        """Ask until a prompt is indexed: events that were lost show with a later one alone."""

        def indexed() -> bool:
            return self.router.match(self.ask()).get(POD) == 32

        seen, _ = poll(indexed, bool, timeout=20, every=0.2, clock=CLOCK)
        assert seen

    def difference(self) -> Difference:
        return compare(
            self.observer.expected(), self.router.snapshot(), alive=self.observer.alive()
        )

    def settled(self, wanted: Difference = AGREES) -> Difference:
        """The difference once it is as wanted, or after 15 s."""
        found, _ = poll(
            self.difference, lambda it: it == wanted, timeout=15, every=0.1, clock=CLOCK
        )
        return found

    def counted(self, until: Callable[[int, int], bool]) -> tuple[int, int]:
        """How many blocks are missing and phantom, once that is as wanted, or after 15 s."""

        def count() -> tuple[int, int]:
            found = self.difference().counts()
            return found["missing"], found["phantom"]

        found, _ = poll(count, lambda it: until(*it), timeout=15, every=0.1, clock=CLOCK)
        return found

    def held(self) -> int:
        """The blocks that the oracle knows of."""
        expected = self.observer.expected().values()
        return sum(len(blocks) for each in expected for blocks in each.blocks.values())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_dynamos_index_is_what_the_engine_holds(stack: ExitStack, tmp_path: Path) -> None:
    """Stored, evicted, cleared and stored again: nothing is missing, nothing phantom."""
    world = World(stack, tmp_path)
    world.indexer.register(world.engine)
    world.flush()

    last = world.ask(times=10)

    assert world.settled() == AGREES
    assert world.held() > 4
    assert world.router.match(last) == {POD: 32}
    assert world.engine.reset() == {"success": True}
    world.ask()
    assert world.settled() == AGREES
    assert world.held() == 2


def test_dynamos_ranks_are_the_engines(stack: ExitStack, tmp_path: Path) -> None:
    """Each rank's blocks are compared with that rank's."""
    world = World(stack, tmp_path, ranks=2)
    for rank in (0, 1):
        world.indexer.register(world.engine, rank=rank)
        world.ask(times=3, rank=rank)

    found = world.settled(Difference(compared=("engine-a/0", "engine-a/1")))

    assert found == Difference(compared=("engine-a/0", "engine-a/1"))
    assert world.held() > 4


@pytest.mark.parametrize("replay", [True, False])
def test_events_that_dynamo_lost_are_told(
    stack: ExitStack, tmp_path: Path, *, replay: bool
) -> None:
    """Without a replay what was stored meanwhile is missing, and what was evicted is phantom."""
    world = World(stack, tmp_path)
    link = stack.enter_context(Link(world.engine.events))
    world.indexer.register(world.engine, port=link.port, replay=replay)
    world.flush()
    world.ask(times=6)  # what was published before the indexer had joined is evicted by now
    assert world.settled() == AGREES

    link.cut()
    world.ask(times=5)
    link.heal()
    world.flush()

    if replay:
        assert world.settled() == AGREES
    else:
        missing, phantom = world.counted(lambda missing, phantom: missing > 0 < phantom)
        assert (missing > 0, phantom > 0) == (True, True)


def test_dynamo_keeps_the_blocks_of_an_engine_that_restarted(
    stack: ExitStack, tmp_path: Path
) -> None:
    """It takes the new life's batches for old ones, until the engine is registered anew."""
    world = World(stack, tmp_path)
    world.indexer.register(world.engine)
    world.flush()
    world.ask(times=10)
    assert world.settled() == AGREES
    held = world.held()

    world.engine.restart()
    assert world.observer.wait_ready(15) == {}
    world.ask()
    kept = (2, held)
    assert world.counted(lambda *counts: counts == kept) == kept

    world.indexer.unregister()
    assert world.counted(lambda *counts: counts == (2, 0)) == (2, 0)
    world.indexer.register(world.engine)
    world.flush()
    assert world.settled() == AGREES


def test_a_pod_that_dynamo_still_knows_is_a_ghost(stack: ExitStack, tmp_path: Path) -> None:
    """Nothing but whoever registered it takes it out of the index."""
    world = World(stack, tmp_path)
    world.indexer.register(world.engine)
    world.flush()
    assert world.settled() == AGREES

    world.cluster.change("DELETED", world.pod)
    world.engines.clear()

    ghost = Difference(ghosts=(f"worker 1 at {HOST}",))
    assert world.settled(ghost) == ghost
    world.indexer.unregister()
    assert world.settled(Difference()) == Difference()


def test_an_indexer_that_was_told_of_no_engine_does_not_answer(
    stack: ExitStack, tmp_path: Path
) -> None:
    """Its empty index says nothing of an engine that nobody registered."""
    world = World(stack, tmp_path)

    with pytest.raises(RouterUnreachable, match="saw no worker at all"):
        world.router.snapshot()
    with pytest.raises(RouterUnreachable, match="saw no worker at all"):
        world.router.match([1])
