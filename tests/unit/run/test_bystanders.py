"""What else restarted while a fault was on: told of each pod that no pod fault was to restart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kvchaos.mesh.fault import Target
from kvchaos.run import bystanders
from kvchaos.run.session import Bystander
from tests.run_world import Made, World, active, engine_pod, router_pod
from tests.scripted import partition, pod_fault

WAS = {"a-uid": Bystander("a", 0, ("a-p0",)), "b-uid": Bystander("b", 1, ("b-p1",))}


def world_after(made: Made, action: str = "partition") -> World:
    """Both pods as they were, after a fault that hit ``a``."""
    world = made()
    body = partition() if action == "partition" else pod_fault(action)
    active(world.run, body=body, targets=[Target("a", "a-uid", "kvchaos")], pods=WAS)
    world.cluster.add(router_pod(restarts=1))
    return world


AGAIN = "a restarted 2 times more than it was killed"
CHANGES: list[tuple[str, Callable[[World], object], list[str]]] = [
    ("partition", lambda world: None, []),
    ("partition", lambda world: world.cluster.add(engine_pod(restarts=1)), ["a restarted"]),
    ("partition", lambda world: world.cluster.add(router_pod(restarts=2)), ["b restarted"]),
    ("partition", lambda world: world.cluster.add(engine_pod(uid="new")), ["a is gone"]),
    ("partition", lambda world: world.cluster.add(engine_pod(process="other")), ["a stopped"]),
    ("pod-kill", lambda world: world.cluster.add(engine_pod(uid="new")), []),
    ("pod-kill", lambda world: world.cluster.add(router_pod(restarts=2)), ["b restarted"]),
    ("container-kill", lambda world: world.cluster.add(engine_pod(restarts=1)), []),
    ("container-kill", lambda world: world.cluster.add(engine_pod(process="other")), []),
    ("container-kill", lambda world: world.cluster.add(engine_pod(restarts=3)), [AGAIN]),
    ("container-kill", lambda world: world.cluster.add(engine_pod(uid="new")), ["a is gone"]),
    ("pod-failure", lambda world: world.cluster.add(engine_pod(restarts=3)), []),
]


@pytest.mark.parametrize(("action", "change", "told"), CHANGES)
def test_what_no_pod_fault_was_to_restart_is_told(
    made: Made, action: str, change: Callable[[World], object], told: list[str]
) -> None:
    """Whom a partition cut off, too: it comes back with an index that nothing recovered."""
    world = world_after(made, action)

    change(world)

    assert bystanders.changed(world.run) == told


def test_without_a_fault_nothing_is_compared(made: Made) -> None:
    """There is no moment to compare with."""
    assert bystanders.changed(made().run) == []
