"""What an experiment can ask: plain JSON answers, never None, never a judgement by exception.

An answer that could not be had says so with ``null`` in its deciding key (and why in ``unknown``),
which no shipped tolerance accepts. All need ``kvchaos.control`` in the experiment.
"""

from __future__ import annotations

from typing import Any

from kvchaos.run import agreement, faults, healing, recovery, requests, streams, traffic
from kvchaos.run.answers import answers
from kvchaos.run.current import NOTHING_TO_UNDO, current, did_not_start

__all__ = [
    "canary_visible",
    "event_stream",
    "fault_in_effect",
    "index_difference",
    "index_recovered",
    "no_residue",
    "prefix_routing",
    "traffic_failures",
]


@answers("visible")
def canary_visible(within: float = 10.0) -> dict[str, Any]:
    """Whether a new block of every engine and rank appears in the router's index in ``within`` s.

    Returns ``visible`` (true, false, or null when it cannot be known) and ``missing`` engines. Ask
    this before any fault: an index that does not learn at all makes later answers meaningless.
    """
    return requests.canary(current(), within=within)


@answers("agrees")
def index_difference(settle: float = 10.0) -> dict[str, Any]:
    """How far the router's index is from the engines' events, after at most ``settle`` seconds.

    Returns ``agrees`` (null: unknown), ``missing`` and ``phantom`` blocks in all and per engine,
    ``ghosts`` (pods in the index that are not alive), ``unknown`` with reasons, and ``waited`` s.
    """
    return agreement.difference(current(), settle=settle)


@answers("recovered")
def index_recovered(budget: float = 60.0, samples: int = 3) -> dict[str, Any]:
    """Wait until the index agrees ``samples`` times in a row, at most ``budget`` s from the heal.

    Returns ``recovered`` (null: unknown), the timeline in run seconds and counted from the heal,
    its resolution, and what stayed wrong.
    """
    return recovery.recovered(current(), budget=budget, needed=samples)


@answers("complete")
def event_stream() -> dict[str, Any]:
    """What the observer knows of every engine's event stream: epoch, head seq, gaps, completeness.

    Returns ``complete``: whether the oracle knows the blocks of every engine.
    """
    return streams.event_stream(current())


@answers("effect")
def fault_in_effect(within: float = 20.0) -> dict[str, Any]:
    """Whether the last fault took effect: its records, the pods, and what the observer saw.

    Waits at most ``within`` s. Returns ``effect``: confirmed, not effective or inconclusive, with
    the evidence and the run second of the first effect.
    """
    return faults.in_effect(current(), within=within)


@answers("followed")
def prefix_routing(within: float = 10.0, blocks: int = 8) -> dict[str, Any]:
    """Whether the router sends a prompt to the one engine that holds its prefix; each used once.

    Returns ``followed``, and per engine the pod that answered and how many tokens it had cached.
    """
    return requests.prefix_routing(current(), within=within, blocks=blocks)


@answers("clean")
def no_residue() -> dict[str, Any]:
    """Whether anything of this run's faults is left: Chaos Mesh objects, entries in its pods.

    Returns ``clean`` and what is ``left``.
    """
    if did_not_start():
        return dict(NOTHING_TO_UNDO)
    return healing.residue_of(current())


@answers("failed")
def traffic_failures(last: int = 20) -> dict[str, Any]:
    """How many of the ``last`` requests of the traffic failed, for a stop condition.

    Returns ``failed`` (0 while there is no traffic, null: unknown) and ``of`` how many.
    """
    return traffic.failures(current(), last=last)
