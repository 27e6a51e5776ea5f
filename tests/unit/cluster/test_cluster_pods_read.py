from __future__ import annotations

from typing import Any

import pytest

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object


def a_pod(
    *, ready: str = "True", phase: str = "Running", ports: list[Object] | None = None, **meta: Any
) -> Object:
    running = {"state": {"running": {"startedAt": "2026-08-08T14:03:00Z"}}}
    return {
        "metadata": {"name": "p", "uid": "u", **meta},
        "spec": {"containers": [{"name": "engine", "ports": ports or []}, {"name": "side"}]},
        "status": {
            "phase": phase,
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [
                {"name": "side", "restartCount": 2, "state": {"waiting": {"reason": "Pulling"}}},
                {"name": "engine", "restartCount": 1, **running},
            ],
        },
    }


NEW: Object = {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [{"name": "engine"}]}}


def test_running_pod_is_described() -> None:
    """Identity, address, containers."""
    pod = a_pod()

    assert (pods.name(pod), pods.uid(pod), pods.address(pod)) == ("p", "u", "10.0.0.1")
    assert pods.containers(pod) == ["engine", "side"]
    assert pods.container_started_at(pod) == "2026-08-08T14:03:00Z"
    assert pods.container_started_at(pod, "side") is None
    assert pods.waiting_reason(pod, "side") == "Pulling"
    assert pods.waiting_reason(pod) == ""


def test_new_pod_without_status_answers_every_question() -> None:
    """A pod just created has nothing yet."""
    assert pods.phase(NEW) == "Pending"
    assert pods.is_alive(NEW)
    assert not pods.is_ready(NEW)
    assert pods.address(NEW) == ""
    assert pods.restarts(NEW) == 0
    assert pods.container_status(NEW) is None
    assert pods.container_started_at(NEW) is None
    assert pods.waiting_reason(NEW) == ""


def test_restarts_are_counted_for_one_or_all() -> None:
    """By container name, or together."""
    assert [pods.restarts(a_pod(), name) for name in ("", "engine", "side")] == [3, 1, 2]


@pytest.mark.parametrize(
    ("pod", "alive", "ready"),
    [
        (a_pod(), True, True),
        (a_pod(ready="False"), True, False),
        (a_pod(deletionTimestamp="2026-08-08T14:03:00Z"), False, False),
        (a_pod(phase="Failed", ready="False"), False, False),
        (a_pod(phase="Succeeded", ready="False"), False, False),
    ],
)
def test_pod_about_to_go_is_neither_alive_nor_ready(pod: Object, alive: bool, ready: bool) -> None:
    """Also while its containers still run."""
    assert (pods.is_alive(pod), pods.is_ready(pod)) == (alive, ready)


@pytest.mark.parametrize(
    ("ports", "found"),
    [
        ([], ((), ())),
        ([("http", 8000)], ((), ())),
        ([("", 5557), ("", 5558)], ((5557,), (5558,))),
        ([("kv-events", 9000), ("kv-replay", 9001)], ((9000,), (9001,))),
        ([("kv-events", 9000), ("kv-events-http", 9001)], ((9000,), ())),
        (
            [("kv-events-1", 5558), ("kv-events-0", 5557), ("kv-replay-0", 5657)],
            ((5557, 5558), (5657,)),
        ),
    ],
)
def test_event_ports_are_found_by_name_or_by_convention(
    ports: list[tuple[str, int]], found: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    """By rank; nothing when the engine declares none."""
    declared = [{"name": name, "containerPort": port} for name, port in ports]

    assert pods.event_ports(a_pod(ports=declared)) == found
