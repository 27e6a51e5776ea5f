"""Faults of Chaos Mesh, from creation to the last trace: the life cycle that ``mesh`` relies on.

The pods ask each other over their own network interfaces; the tests ask the pods through the API
server. Datagrams tell directions apart, which TCP cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import NETWORKCHAOS, PODCHAOS, PODNETWORKCHAOS, PODS, Kind, Object
from kvchaos.errors import ClusterError, Invalid, NotFound
from tests.contract.world import World, pod, until

TOKENS = itertools.count()
RUNNING = ["Running"]


@pytest.fixture(scope="module")
def pair(world: World) -> tuple[str, str]:
    """Two pods that reach each other."""
    for name in ("a", "b"):
        world.start(pod(name))
    until(lambda: reaches(world, "a", "b") and reaches(world, "b", "a"))
    return "a", "b"


@pytest.fixture
def victim(world: World) -> Iterator[str]:
    """A pod to be broken: a new one each time, since restarts are backed off."""
    name = f"victim-{next(TOKENS)}"
    world.start(pod(name))
    yield name
    with suppress(NotFound):
        world.delete(PODS, name, grace=0)


def select(world: World, app: str) -> Object:
    return {"namespaces": [world.namespace], "labelSelectors": {"app": app}}


def partition(world: World, name: str, *, duration: str = "60s", direction: str = "both") -> Object:
    return {
        "metadata": {"name": name, "labels": {"kvchaos.io/run": "contract"}},
        "spec": {
            "action": "partition",
            "mode": "all",
            "selector": {**select(world, "a"), "podPhaseSelectors": RUNNING},
            "direction": direction,
            "target": {"mode": "all", "selector": select(world, "b")},
            "duration": duration,
        },
    }


def pod_fault(world: World, name: str, action: str, app: str = "nobody", **spec: Any) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {"action": action, "mode": "all", "selector": select(world, app), **spec},
    }


def conditions(fault: Object) -> dict[str, bool]:
    found = fault.get("status", {}).get("conditions") or []
    return {each["type"]: each["status"] == "True" for each in found}


def records(fault: Object) -> list[Object]:
    return list(fault.get("status", {}).get("experiment", {}).get("containerRecords") or [])


def is_injected(fault: Object) -> bool:
    """Everything selected, and every record injected."""
    found = conditions(fault)
    counted = [each.get("injectedCount", 0) >= 1 for each in records(fault)]
    return bool(found.get("Selected") and found.get("AllInjected") and counted and all(counted))


def is_recovered(fault: Object) -> bool:
    """Stopped, and every record recovered as often as it was injected."""
    counted = [
        each.get("injectedCount", 0) >= 1 and each.get("recoveredCount", 0) >= each["injectedCount"]
        for each in records(fault)
    ]
    stopped = fault.get("status", {}).get("experiment", {}).get("desiredPhase") == "Stop"
    return bool(stopped and conditions(fault).get("AllRecovered") and counted and all(counted))


def reaches(world: World, source: str, target: str) -> bool:
    """Whether a TCP connection from pod to pod carries a question and its answer."""
    address = pods.address(world.pod(target))
    return world.agent(source).ask("reach", address, 7000) == "yes"


def datagram_arrives(world: World, source: str, target: str) -> bool:
    """Whether a datagram from pod to pod arrives within a second."""
    token = f"t{next(TOKENS)}"
    address = pods.address(world.pod(target))
    for _ in range(5):
        world.agent(source).ask("send", address, token)
        if world.agent(target).ask("heard", token) == "yes":
            return True
    return False


def sources(world: World, pod_name: str) -> set[str]:
    """The faults that still have something in the pod's network."""
    found = world.get(PODNETWORKCHAOS, pod_name)
    spec = (found or {}).get("spec", {})
    lists = [spec.get(part) or [] for part in ("iptables", "ipsets", "tcs")]
    return {entry["source"] for part in lists for entry in part}


def inject(world: World, kind: Kind, body: Object) -> Object:
    world.create(kind, body)
    return world.wait(kind, body["metadata"]["name"], is_injected)


def test_partition_is_recorded_on_both_sides(world: World, pair: tuple[str, str]) -> None:
    """Records by pod and selector, and a source in each pod's PodNetworkChaos; delete ends all."""
    fault = inject(world, NETWORKCHAOS, partition(world, "recorded"))
    cut = [reaches(world, "a", "b"), reaches(world, "b", "a")]
    source = f"{world.namespace}/recorded"
    named = [sources(world, name) for name in pair]

    world.delete(NETWORKCHAOS, "recorded")
    world.wait_gone(NETWORKCHAOS, "recorded")

    said = sorted((each["id"], each["selectorKey"], each["phase"]) for each in records(fault))
    assert said == [
        (f"{world.namespace}/a", ".", "Injected"),
        (f"{world.namespace}/b", ".Target", "Injected"),
    ]
    assert [each["injectedCount"] for each in records(fault)] == [1, 1]
    assert fault["status"]["experiment"]["desiredPhase"] == "Run"
    assert fault["metadata"]["finalizers"] == ["chaos-mesh/records"]
    assert cut == [False, False]
    assert named == [{source}, {source}]
    until(lambda: not any(sources(world, name) for name in pair))
    until(lambda: reaches(world, "a", "b") and reaches(world, "b", "a"))


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("to", (False, True)), ("from", (True, False)), ("both", (False, False))],
)
def test_partition_cuts_the_given_direction(
    world: World, pair: tuple[str, str], direction: str, expected: tuple[bool, bool]
) -> None:
    """``to``: what selector sends to target; ``from``: what target sends; ``both``."""
    name = f"direction-{direction}"
    inject(world, NETWORKCHAOS, partition(world, name, direction=direction))
    try:
        seen = datagram_arrives(world, "a", "b"), datagram_arrives(world, "b", "a")
        tcp = reaches(world, "a", "b")
    finally:
        world.discard(NETWORKCHAOS, name)

    assert seen == expected
    assert not tcp
    until(lambda: datagram_arrives(world, "a", "b") and datagram_arrives(world, "b", "a"))


def test_way_through_the_api_server_stays_open_while_cut(
    world: World, pair: tuple[str, str]
) -> None:
    """Port-forwards into cut pods go on: the observer does not share the faulted link."""
    inject(world, NETWORKCHAOS, partition(world, "observed"))
    try:
        answers = [world.agent(name).ask("echo", "here") for name in pair]
        ready = [pods.is_ready(world.pod(name)) for name in pair]
    finally:
        world.discard(NETWORKCHAOS, "observed")

    assert answers == ["here", "here"]
    assert ready == [True, True]


def test_partition_ends_by_its_duration(world: World, pair: tuple[str, str]) -> None:
    """The object stays, recovered; the link is open; its deletion is plain."""
    injected = inject(world, NETWORKCHAOS, partition(world, "expiring", duration="3s"))

    expired = world.wait(NETWORKCHAOS, "expiring", is_recovered)
    open_again = until(lambda: reaches(world, "a", "b"))
    left = [sources(world, name) for name in pair]
    world.discard(NETWORKCHAOS, "expiring")

    assert not is_recovered(injected)
    assert [each["phase"] for each in records(expired)] == ["Not Injected", "Not Injected"]
    assert [each["recoveredCount"] for each in records(expired)] == [1, 1]
    assert open_again
    assert left == [set(), set()]


def test_fault_without_targets_selects_nothing(world: World) -> None:
    """Selected stays false and there are no records; deletion is plain."""
    world.create(PODCHAOS, pod_fault(world, "nobody", "pod-kill"))

    idle = world.wait(PODCHAOS, "nobody", lambda fault: "Selected" in conditions(fault))
    world.discard(PODCHAOS, "nobody")

    assert conditions(idle)["Selected"] is False
    assert records(idle) == []


def test_killed_pod_is_gone_and_the_fault_stays_injected(world: World, victim: str) -> None:
    """pod-kill is one-shot: AllInjected, never AllRecovered; its object goes at once."""
    before = pods.uid(world.pod(victim))

    fault = inject(world, PODCHAOS, pod_fault(world, "kill", "pod-kill", victim))
    until(lambda: (found := world.get(PODS, victim)) is None or pods.uid(found) != before)
    world.discard(PODCHAOS, "kill")

    assert [each["id"] for each in records(fault)] == [f"{world.namespace}/{victim}"]
    assert conditions(fault)["AllRecovered"] is False
    assert fault["status"]["experiment"]["desiredPhase"] == "Run"


def test_failed_pod_is_not_ready_until_the_duration_is_over(world: World, victim: str) -> None:
    """pod-failure: the containers stop working, the pod and its uid stay, and it comes back."""
    before = world.pod(victim)
    world.create(PODCHAOS, pod_fault(world, "failure", "pod-failure", victim, duration="6s"))

    injected = world.wait(PODCHAOS, "failure", is_injected)
    world.wait(PODS, victim, lambda body: pods.restarts(body) > pods.restarts(before))
    silent = world.agent(victim).ask("echo", "x")
    world.wait(PODCHAOS, "failure", is_recovered)
    until(lambda: world.agent(victim).ask("echo", "back") == "back")
    after = world.wait(PODS, victim, pods.is_ready)
    world.discard(PODCHAOS, "failure")

    assert conditions(injected)["AllInjected"]
    assert silent == ""
    assert pods.uid(after) == pods.uid(before)
    assert after["spec"]["containers"][0]["image"] == before["spec"]["containers"][0]["image"]


def test_killed_container_restarts_in_the_same_pod(world: World, victim: str) -> None:
    """container-kill: one restart, same uid; recorded by pod and container."""
    before = world.pod(victim)

    body = pod_fault(world, "container", "container-kill", victim, containerNames=["agent"])
    fault = inject(world, PODCHAOS, body)
    after = world.wait(
        PODS,
        victim,
        lambda body: pods.restarts(body) == pods.restarts(before) + 1 and pods.is_ready(body),
    )
    world.discard(PODCHAOS, "container")

    assert [each["id"] for each in records(fault)] == [f"{world.namespace}/{victim}/agent"]
    assert conditions(fault)["AllRecovered"] is False
    assert pods.uid(after) == pods.uid(before)
    assert pods.container_started_at(after) != pods.container_started_at(before)


def test_spec_of_a_fault_cannot_change(world: World) -> None:
    """Whoever wants another fault makes another object."""
    world.create(NETWORKCHAOS, partition(world, "fixed"))
    try:
        with pytest.raises(ClusterError, match="Cannot update chaos spec"):
            world.patch(NETWORKCHAOS, "fixed", {"spec": {"duration": "61s"}})
    finally:
        world.discard(NETWORKCHAOS, "fixed")


def without(body: Object, *path: str) -> Object:
    place = body
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    return body


def having(body: Object, value: object, *path: str) -> Object:
    place = body
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return body


@pytest.mark.parametrize(
    ("value", "path", "told"),
    [
        ("partitoin", ("spec", "action"), "spec.action: Unsupported value"),
        ("some", ("spec", "mode"), "spec.mode: Unsupported value"),
        ("sideways", ("spec", "direction"), "spec.direction: Unsupported value"),
        ({"app": "a"}, ("spec", "selector", "labelSelector"), 'unknown field "spec.selector.label'),
        ("30s", ("spec", "durration"), 'unknown field "spec.durration"'),
    ],
)
def test_network_fault_outside_the_schema_is_refused(
    world: World, value: object, path: tuple[str, ...], told: str
) -> None:
    """422 for values, 400 for unknown fields; nothing is stored."""
    with pytest.raises(Invalid, match=told):
        world.create(NETWORKCHAOS, having(partition(world, "refused"), value, *path))

    assert world.get(NETWORKCHAOS, "refused") is None


@pytest.mark.parametrize("missing", ["action", "mode"])
def test_pod_fault_without_a_required_field_is_refused(world: World, missing: str) -> None:
    """422 names the field."""
    with pytest.raises(Invalid, match=f"spec.{missing}"):
        world.create(PODCHAOS, without(pod_fault(world, "refused", "pod-kill"), "spec", missing))


@pytest.mark.parametrize(
    ("action", "spec", "told"),
    [
        ("pod-failure", {"duration": "30"}, "duration"),
        ("container-kill", {}, "the name of container is required"),
        ("pod-kill", {"mode": "fixed", "value": "0"}, "value must be greater than 0"),
        ("pod-kill", {"gracePeriod": -1}, "gracePeriod"),
    ],
)
def test_pod_fault_that_the_webhook_refuses(
    world: World, action: str, spec: dict[str, Any], told: str
) -> None:
    """Rules beyond the schema: duration in Go's form, container names, a positive count."""
    with pytest.raises(ClusterError, match=told):
        world.create(PODCHAOS, pod_fault(world, "refused", action, **spec))

    assert world.get(PODCHAOS, "refused") is None


def test_fault_without_a_selector_would_hit_the_whole_namespace(world: World) -> None:
    """The server fills in its own namespace as the selector: so kvchaos must refuse it before."""
    body = without(pod_fault(world, "wide", "pod-kill"), "spec", "selector")

    accepted = world.create(PODCHAOS, body, dry_run=True)

    assert accepted["spec"]["selector"] == {"namespaces": [world.namespace]}


def test_dry_run_of_a_fault_is_checked_and_stored_nowhere(world: World) -> None:
    """Preflight can ask the server whether it would take a fault."""
    world.create(NETWORKCHAOS, partition(world, "dry"), dry_run=True)

    assert world.get(NETWORKCHAOS, "dry") is None
    with pytest.raises(ClusterError):
        world.create(
            NETWORKCHAOS, having(partition(world, "dry"), "some", "spec", "mode"), dry_run=True
        )
