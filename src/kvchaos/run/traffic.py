"""The background load of a run: seeded requests through the router."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from kvchaos.clock import poll
from kvchaos.errors import KVChaosError, RouterUnreachable
from kvchaos.run.requests import completions
from kvchaos.run.session import Run
from kvchaos.traffic.completions import Completion
from kvchaos.traffic.load import Load, Shape

logger = logging.getLogger(__name__)

LOOK = 0.1  # seconds between two looks whether there still is a load
SHORTEST = 0.05  # seconds: what is left after the last whole second may be nothing


def start(
    run: Run, *, rate: float, prefixes: int, blocks: int, held: float = 0.0
) -> dict[str, Any]:
    """Begin the load, and wait ``held`` seconds; an earlier one is stopped first."""
    stop(run)
    ask = completions(run)

    def send(prompt: Sequence[int]) -> Completion:
        try:
            return ask.router(run.router.address(), prompt)
        except RouterUnreachable:
            run.router.forget()
            raise

    shape = Shape(rate=rate, families=prefixes, prefix_blocks=blocks)
    run.load = Load(send, run.prompts, seed=run.settings.seed, clock=run.clock, shape=shape)
    run.load.start()
    _hold(run, held)
    return {"rate": rate, "prefixes": prefixes, "blocks": blocks, "seed": run.settings.seed}


def stop(run: Run, *, held: float = 0.0) -> dict[str, Any]:
    """Stop the load, in ``held`` seconds, and record its figures; nothing when there is none."""
    _hold(run, held)
    load = run.load
    if load is None:
        return {"sent": 0}
    figures = load.stop()
    tell_second(run)
    run.load = None
    run.history.add("traffic", **figures)
    return figures


def _hold(run: Run, seconds: float) -> None:
    """Let the load go on for so long, as long as there is one."""
    poll(lambda: run.load is None, bool, timeout=seconds, every=LOOK, clock=run.clock)


def tell_second(run: Run) -> None:
    """Record what came of the load since this was done last; what cannot be recorded is lost."""
    load = run.load  # another thread may end it now
    if load is None:
        return
    span = load.lately()
    if span.until - span.since < SHORTEST and not span.figures.sent:
        return
    times = {"from": round(run.at_of(span.since), 4), "to": round(run.at_of(span.until), 4)}
    try:
        run.history.add("traffic_second", **times, **span.summary())
    except KVChaosError as error:  # what a report draws is not what a verdict rests on
        logger.warning("A second of the traffic could not be recorded: %s", error)


def failures(run: Run, *, last: int) -> dict[str, Any]:
    """How many of the latest requests failed; none while there is no load."""
    load = run.load
    outcomes = load.outcomes(last=last) if load else []
    failed = outcomes.count(False)
    return {"failed": failed, "of": len(outcomes), "last": last}
