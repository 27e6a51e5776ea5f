"""How engines are reached, and the observer's bounds; all times in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """How engines are reached. ``auto`` is direct inside the cluster, port-forward from outside."""

    AUTO = "auto"
    PORT_FORWARD = "port-forward"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where engines publish and replay: rank r at these ports + r, as in vLLM."""

    event: int = 5557
    replay: int = 5558
    ranks: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long things may take, and how much is taken at once."""

    poll: float = 0.05
    """The receive loop wakes at least this often: for its end, for pods, for time-outs."""
    crowd: int = 64
    rest: float = 0.000_01
    """With more than ``crowd`` links the receive loop rests after each round, this long for each:
    what comes meanwhile is taken at once, and to look at a thousand links costs no whole core."""
    silence: float = 2.0
    """A replay that does not go on for so long has failed; it is tried again."""
    confirm: float = 0.25
    """So long after a replay one more is asked for: a batch that was published while the new
    subscription was on its way to the engine is in neither the first replay nor the stream."""
    late: float = 2.0
    """An observer that was held up for longer (by the network, by a busy machine) knows nothing."""
    redial: float = 1.0
    """A pod that had no address is tried again after this."""
    heartbeat: float = 2.0
    heartbeat_timeout: float = 10.0
    drain: int = 256
    """Batches of one engine that are applied before the others get their turn."""
    stop: float = 5.0
    """Within which the observer's threads end."""
