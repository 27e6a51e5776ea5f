"""``kvchaos engine``: the vLLM double as a program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import click

from kvchaos.clock import SystemClock
from kvchaos.kvevents.publisher import Publisher
from kvchaos.kvevents.wire import Dialect, EventForm, HashForm, block_hash
from kvchaos.sim.engine.events import DEFAULT, EventsConfig, open_publisher, read_config
from kvchaos.sim.engine.hashing import Algorithm, BlockHasher
from kvchaos.sim.engine.http import Engine
from kvchaos.sim.engine.pool import BlockPool
from kvchaos.sim.engine.rank import Latency, Rank
from kvchaos.sim.engine.scheduler import Scheduler
from kvchaos.sim.serve import serve

logger = logging.getLogger(__name__)

DRAIN = 1.0  # seconds to send what is queued when stopped, as vLLM


@dataclass(frozen=True, slots=True)
class Settings:
    """What the flags say."""

    model: str
    host: str | None
    port: int
    ranks: int
    blocks: int
    block_size: int
    budget: int
    max_running: int
    events: EventsConfig
    dialect: Dialect
    topic_frame: bool
    algorithm: Algorithm
    latency: Latency


async def run(settings: Settings) -> None:
    """Be the engine until a signal to stop."""
    publishers = [
        open_publisher(
            settings.events,
            rank=rank,
            dialect=settings.dialect,
            topic_frame=settings.topic_frame,
        )
        for rank in range(settings.ranks)
    ]
    ranks = [_rank(settings, number, publisher) for number, publisher in enumerate(publishers)]
    engine = Engine(ranks, model=settings.model, clock=SystemClock())
    _announce(settings)
    try:
        async with _running(ranks):
            await serve(engine.application(), port=settings.port, host=settings.host)
    finally:
        for publisher in publishers:
            if publisher is not None:
                publisher.close(drain=DRAIN)
        logger.info("engine stopped")


def _rank(settings: Settings, number: int, publisher: Publisher | None) -> Rank:
    scheduler = Scheduler(
        BlockPool(settings.blocks),
        hasher=BlockHasher(settings.algorithm),
        block_size=settings.block_size,
        budget=settings.budget,
        max_running=settings.max_running,
        external=bytes if settings.dialect.hashes is HashForm.BYTES else block_hash,
    )
    return Rank(number, scheduler, outlet=publisher, latency=settings.latency)


@contextlib.asynccontextmanager
async def _running(ranks: Sequence[Rank]) -> AsyncIterator[None]:
    """The ranks' loops; one that dies takes the engine with it instead of hanging requests."""
    loops = [asyncio.create_task(rank.run()) for rank in ranks]
    for loop in loops:
        loop.add_done_callback(_die_with)
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


def _die_with(loop: asyncio.Task[None]) -> None:
    if not loop.cancelled() and (error := loop.exception()) is not None:
        logger.critical("engine core died", exc_info=error)
        sys.exit(1)


def _announce(settings: Settings) -> None:
    events = settings.events
    where = f"{events.endpoint}, replay {events.replay_endpoint}" if events.publishes else "nowhere"
    logger.info(
        "engine of model %s on port %d: %d rank(s) of %d blocks of %d tokens, events to %s",
        settings.model,
        settings.port,
        settings.ranks,
        settings.blocks,
        settings.block_size,
        where,
    )


_POSITIVE = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0)


@click.command("engine")
@click.option("--model", default="kvchaos-demo", show_default=True, help="Name to serve under.")
@click.option("--host", default=None, help="Address to serve HTTP at, all unless given.")
@click.option("--port", default=8000, show_default=True, help="HTTP port.")
@click.option("--block-size", type=_POSITIVE, default=16, show_default=True, help="In tokens.")
@click.option("--blocks", type=_POSITIVE, default=4096, show_default=True, help="Pool of a rank.")
@click.option("--ranks", type=_POSITIVE, default=1, show_default=True, help="Data-parallel ranks.")
@click.option("--kv-events-config", "events", default=DEFAULT, show_default=True, help="vLLM's.")
@click.option("--dialect", type=click.Choice(["map", "array"]), default="map", show_default=True)
@click.option(
    "--replay-frames",
    type=click.Choice(["4", "3"]),
    default="4",
    show_default=True,
    help="3 as before vLLM 0.26: no topic.",
)
@click.option(
    "--hashes", type=click.Choice(["int", "bytes", "signed"]), default="int", show_default=True
)
@click.option(
    "--prefix-caching-hash-algo",
    "algorithm",
    type=click.Choice([str(algorithm) for algorithm in Algorithm]),
    default=str(Algorithm.SHA256),
    show_default=True,
)
@click.option(
    "--max-num-batched-tokens", "budget", type=_POSITIVE, default=8192, help="Tokens a step."
)
@click.option("--max-num-seqs", "max_running", type=_POSITIVE, default=256, help="Running at once.")
@click.option("--step-latency", type=_SECONDS, default=0.0, help="Seconds that a step takes.")
@click.option("--token-latency", type=_SECONDS, default=0.0, help="Seconds more for each token.")
def main(
    *,
    model: str,
    host: str | None,
    port: int,
    block_size: int,
    blocks: int,
    ranks: int,
    events: str,
    dialect: str,
    replay_frames: str,
    hashes: str,
    algorithm: str,
    budget: int,
    max_running: int,
    step_latency: float,
    token_latency: float,
) -> None:
    """A vLLM double: its block pool, events and HTTP, without a model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings(
        model=model,
        host=host,
        port=port,
        ranks=ranks,
        blocks=blocks,
        block_size=block_size,
        budget=budget,
        max_running=max_running,
        events=read_config(events, ranks=ranks),
        dialect=Dialect(EventForm(dialect), HashForm(hashes)),
        topic_frame=replay_frames == "4",
        algorithm=Algorithm(algorithm),
        latency=Latency(step=step_latency, token=token_latency),
    )
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
