"""Engine double, reference router and observer together: two readers of one stream must agree.

Router and oracle share no code for order and blocks, so each is a test of the other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from kvchaos.clock import poll
from kvchaos.index.compare import Difference, compare
from kvchaos.index.routers.reference import ReferenceRouter
from kvchaos.observer.observer import Observer
from kvchaos.sim.router.http import Router
from kvchaos.sim.router.receiver import Receiver
from kvchaos.traffic.completions import Completions
from kvchaos.traffic.prompts import Prompts
from tests.lab.sim_processes import CLOCK, EngineProcess, as_found, free_port
from tests.played_cluster import PlayedCluster
from tests.streams import NAMESPACE, engine_pod

pytestmark = pytest.mark.lab

ASK = Completions(model="kvchaos-demo", clock=CLOCK)


@contextmanager
def served(app: web.Application) -> Iterator[str]:
    """The address at which ``app`` is served, by a thread with a loop of its own."""
    port, loop, up = free_port(), asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        up.set()
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(10)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class World:
    """One engine process, a router and an observer of it."""

    def __init__(self, stack: ExitStack, log: Path, recovery: str) -> None:
        self.engine = stack.enter_context(EngineProcess(log, "--blocks", "32"))
        receiver = Receiver(recover=recovery == "replay", clock=CLOCK)
        receiver.start()
        stack.callback(receiver.stop)
        receiver.found(as_found(self.engine, pod="engine-a"))
        app = Router(
            receiver, recovery=recovery, is_ready=lambda: True, timeout=5.0, clock=CLOCK
        ).application()
        self.router_address = stack.enter_context(served(app))
        self.router = ReferenceRouter(lambda: self.router_address)
        self.observer = Observer(
            PlayedCluster(engine_pod(port=self.engine.events)),
            namespace=NAMESPACE,
            selector="",
            event_port=self.engine.events,
            replay_port=self.engine.replay,
            transport="direct",
            emit=lambda *_: None,
            clock=CLOCK,
        )
        stack.callback(self.observer.stop)
        self.observer.start()
        assert self.observer.wait_ready(15) == {}

    def ask(self, prompt: list[int]) -> None:
        ASK.engine(f"127.0.0.1:{self.engine.port}", prompt)

    def difference(self) -> Difference:
        return compare(
            self.observer.expected(), self.router.snapshot(), alive=self.observer.alive()
        )

    def settled(self, *, agrees: bool) -> Difference:
        """The difference once it is as wanted, or after 15 s."""
        found, _ = poll(
            self.difference, lambda it: it.agrees is agrees, timeout=15, every=0.05, clock=CLOCK
        )
        return found

    def held(self) -> int:
        """The blocks that the oracle knows of."""
        expected = self.observer.expected().values()
        return sum(len(blocks) for each in expected for blocks in each.blocks.values())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_router_and_oracle_agree_on_warmed_and_evicted_blocks(
    stack: ExitStack, tmp_path: Path
) -> None:
    """More prompts than the cache has blocks: stores, evictions, and what routing makes of them."""
    world = World(stack, tmp_path / "log", "replay")
    prompts = Prompts(7)
    asked = [prompts.take(4) for _ in range(20)]

    for prompt in asked:
        world.ask(prompt)

    assert world.settled(agrees=True) == Difference(compared=("engine-a/0",))
    (expected,) = world.observer.expected().values()
    assert sum(len(blocks) for blocks in expected.blocks.values()) > 16
    assert world.router.match(asked[-1]) == {"engine-a": 64}
    routed = ASK.router(world.router_address, asked[-1])
    assert routed.pod == "engine-a"
    assert (routed.cached_tokens or 0) >= 48


@pytest.mark.parametrize(("recovery", "agrees"), [("replay", True), ("none", False)])
def test_only_a_router_that_recovers_agrees_after_a_restart(
    stack: ExitStack, tmp_path: Path, recovery: str, *, agrees: bool
) -> None:
    """The other one keeps blocks that the new process does not have: phantoms."""
    world = World(stack, tmp_path / "log", recovery)
    connected, _ = poll(
        lambda: [view.connected for view in world.router.snapshot().engines.values()],
        lambda seen: seen == [True],
        timeout=15,
        every=0.05,
        clock=CLOCK,
    )
    assert connected == [True]
    prompts = Prompts(7)
    world.ask(prompts.take(4))
    held, _ = poll(world.held, lambda count: count > 0, timeout=15, every=0.05, clock=CLOCK)
    assert held == 4  # before that, nothing agrees with nothing
    assert world.settled(agrees=True).agrees is True

    assert world.observer.wait_ready(15) == {}  # it has seen that the engine keeps a history
    world.engine.restart()
    (engine,) = world.observer.engines()
    assert world.observer.wait_ready(15) == {}
    world.ask(prompts.take(2))
    epoch, _ = poll(
        lambda: world.observer.expected()[engine].epoch,
        lambda seen: seen == 1,
        timeout=15,
        every=0.05,
        clock=CLOCK,
    )
    assert epoch == 1

    wanted = {} if agrees else {"engine-a/0": 4}
    counted, _ = poll(
        lambda: {name: len(blocks) for name, blocks in world.difference().phantom.items()},
        lambda seen: seen == wanted,
        timeout=15,
        every=0.05,
        clock=CLOCK,
    )
    assert counted == wanted
    assert world.settled(agrees=agrees).agrees is agrees
