"""What an experiment can do: warm and flush engines, send traffic, inject and recover faults.

Every function takes and returns plain JSON, changes one thing, waits (bounded) until it changed,
and raises when it did not. All need ``kvchaos.control`` in the experiment.
"""

from __future__ import annotations

from typing import Any

from kvchaos.run import faults, healing, requests, traffic
from kvchaos.run.answers import needs_run
from kvchaos.run.current import NOTHING_TO_UNDO, current, did_not_start

__all__ = [
    "flush_engines",
    "inject_fault",
    "recover_fault",
    "start_traffic",
    "stop_traffic",
    "warm_engines",
]


@needs_run
def inject_fault(
    template: str, values: dict[str, Any] | None = None, timeout: float = 30.0
) -> dict[str, Any]:
    """Inject the fault that ``template`` renders to and return once Chaos Mesh has it everywhere.

    ``template`` is the name of a shipped template, or a path: from the experiment's folder, the one
    above it, or the working directory. ``values`` are its variables.
    Returns the fault's kind, namespace and name, its targets, and the seconds that it took. Raises
    when nothing is selected, when it is refused, or when it is not injected within ``timeout`` s.
    """
    return faults.inject(current(), template, values or {}, timeout=timeout)


@needs_run
def recover_fault(held: float = 0.0, timeout: float = 60.0) -> dict[str, Any]:
    """Recover every fault of this run: after it was in effect for ``held`` seconds, at once if 0.

    Returns the faults and when they were healed: the link open again, the pods ready again. Fine
    when there is none. Raises when a fault is not gone, or left something, after ``timeout`` s.
    """
    if did_not_start():
        return dict(NOTHING_TO_UNDO)
    return healing.recover(current(), held=held, timeout=timeout)


@needs_run
def warm_engines(
    prefixes: int = 4, blocks: int = 8, visible_within: float | None = None
) -> dict[str, Any]:
    """Give each engine and rank ``prefixes`` unique prompts of ``blocks`` blocks, directly.

    Returns the blocks that each engine published. With ``visible_within``, also waits until the
    router's index agrees, and raises when it does not within that many seconds.
    """
    return requests.warm(current(), prefixes=prefixes, blocks=blocks, visible_within=visible_within)


@needs_run
def flush_engines(within: float = 20.0) -> dict[str, Any]:
    """Send one unique request to each engine and rank, so that a lost tail of events shows.

    Returns the seq that each published then; raises when one published nothing in ``within`` s.
    """
    return requests.flush(current(), within=within)


@needs_run
def start_traffic(
    rate: float = 10.0, prefixes: int = 8, blocks: int = 8, held: float = 0.0
) -> dict[str, Any]:
    """Send seeded requests through the router, ``rate`` a second, until ``stop_traffic``.

    They share ``prefixes`` prefixes of ``blocks`` blocks. Returns these figures and the seed, once
    the traffic has gone on for ``held`` seconds, so that a report shows how it was before a fault.
    """
    return traffic.start(current(), rate=rate, prefixes=prefixes, blocks=blocks, held=held)


@needs_run
def stop_traffic(held: float = 0.0) -> dict[str, Any]:
    """Stop the traffic, ``held`` seconds from now, so that a report shows how it is after a fault.

    Returns its counts, hit ratio and latencies (seconds), or ``sent: 0``.
    """
    if did_not_start():
        return dict(NOTHING_TO_UNDO)
    return traffic.stop(current(), held=held)
