"""Where an engine's ports are reached."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kvchaos.cluster.portforward import Failure
from kvchaos.cluster.tunnel import Target
from kvchaos.errors import EngineUnreachable
from kvchaos.observer.transport import Direct, Forwarded, usual
from tests.streams import NAMESPACE, engine_pod


@dataclass
class ScriptedBridge:
    """A bridge whose failures the test wrote."""

    failures: list[Failure] = field(default_factory=list)

    def address(self, pod: str, port: int, *, namespace: str) -> str:
        return f"127.0.0.1:1 to {namespace}/{pod}:{port}"

    def recent_failures(self) -> list[Failure]:
        return self.failures


@pytest.mark.parametrize(
    ("context", "transport"),
    [("kvchaos-lab", "port-forward"), ("in-cluster", "direct"), ("", "direct")],
)
def test_auto_is_direct_only_inside_the_cluster(context: str, transport: str) -> None:
    """From outside the observer must not share a link with the faults."""
    assert usual(context) == transport


def test_direct_is_the_address_of_the_pod() -> None:
    """An IPv6 address is put into brackets."""
    assert Direct().address(engine_pod(address="10.0.0.7"), 5557) == "10.0.0.7:5557"
    assert Direct().address(engine_pod(address="fd00::7"), 5557) == "[fd00::7]:5557"
    assert Direct().failure(engine_pod(), 5557) == ""


def test_direct_needs_an_address() -> None:
    """A pod that is being made has none."""
    with pytest.raises(EngineUnreachable, match="pod engine-a has no address yet"):
        Direct().address(engine_pod(address=""), 5557)


def test_forwarded_leads_through_the_bridge() -> None:
    """By the pod's name and namespace: its address is never dialled."""
    forwarded = Forwarded(ScriptedBridge())

    assert forwarded.address(engine_pod(), 5557) == f"127.0.0.1:1 to {NAMESPACE}/engine-a:5557"


def test_forwarded_tells_the_last_failure_of_that_very_port() -> None:
    """What failed elsewhere explains nothing here."""
    here, there = Target(NAMESPACE, "engine-a", 5557), Target(NAMESPACE, "engine-b", 5557)
    bridge = ScriptedBridge([Failure(here, "old"), Failure(here, "gone"), Failure(there, "x")])

    assert Forwarded(bridge).failure(engine_pod(), 5557) == "gone"
    assert Forwarded(bridge).failure(engine_pod(), 5558) == ""


def test_a_refused_connection_is_told_in_two_words() -> None:
    """A kubelet's own text names sandboxes and network namespaces."""
    failure = Failure(Target(NAMESPACE, "engine-a", 5557), "in ns: connection refused IPv6 dial")

    assert Forwarded(ScriptedBridge([failure])).failure(engine_pod(), 5557) == "connection refused"
