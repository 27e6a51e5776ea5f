"""An engine as the router knows it from its Pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object


class RankPorts(NamedTuple):
    """Where one rank publishes and where it answers replays."""

    events: int
    replay: int


@dataclass(frozen=True, slots=True)
class Ports:
    """What the router assumes of pods that declare no event ports."""

    http: int = 8000
    events: int = 5557
    replay: int = 5558


@dataclass(frozen=True, slots=True)
class Engine:
    """One pod with an address: what to subscribe to and where to send requests."""

    pod: str
    uid: str
    address: str
    port: int
    ready: bool
    restarts: int
    ranks: tuple[RankPorts, ...]

    @property
    def url(self) -> str:
        """Where its completions are."""
        return f"http://{_host(self.address)}:{self.port}/v1/completions"

    def endpoint(self, port: int) -> str:
        """A port of its in ZMQ's words."""
        return f"tcp://{_host(self.address)}:{port}"

    def is_at(self, other: Engine) -> bool:
        """Whether ``other`` publishes at the same place."""
        return (self.address, self.ranks) == (other.address, other.ranks)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def engine_of(pod: Object, ports: Ports) -> Engine | None:
    """The engine in ``pod``; None while it has no address, or when it is finished or going."""
    address = pods.address(pod)
    if not address or not pods.is_alive(pod):
        return None
    return Engine(
        pod=pods.name(pod),
        uid=pods.uid(pod),
        address=address,
        port=ports.http,
        ready=pods.is_ready(pod),
        restarts=pods.restarts(pod),
        ranks=_ranks(pod, ports),
    )


def _ranks(pod: Object, ports: Ports) -> tuple[RankPorts, ...]:
    declared = pods.event_ports(pod)
    publish = declared.publish or (ports.events,)
    replay = declared.replay or tuple(ports.replay + rank for rank in range(len(publish)))
    return tuple(map(RankPorts, publish, replay))
