"""Pods as processes: start, readiness, logs, restarts, graceful end."""

from __future__ import annotations

import pytest

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import Invalid, NotFound
from tests.contract.world import World, container, pod, pod_spec, until

PROBE = {"httpGet": {"path": "/", "port": 7001}, "periodSeconds": 1, "failureThreshold": 1}
FIELDS = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP", "POD_NS": "metadata.namespace"}


@pytest.fixture(scope="module")
def plain(world: World) -> str:
    """The name of a pod with one agent, ports and the downward API."""
    env = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in FIELDS.items()
    ]
    agent = container(
        env=[*env, {"name": "PLAIN", "value": "text"}],
        ports=[{"name": "kv-events", "containerPort": 5557}],
    )
    world.start(pod("plain", containers=[agent]))
    return "plain"


@pytest.fixture(scope="module")
def two(world: World) -> str:
    """The name of a pod of two containers that are told apart by readiness."""
    second = container(
        "second", command=["python3", "-c", "import time\nprint('second')\ntime.sleep(1e6)"]
    )
    world.start(pod("two", containers=[container(), second]))
    return "two"


def test_ready_pod_tells_where_and_since_when(world: World, plain: str) -> None:
    """Phase, node, address, container state: what the observer keys epochs by."""
    body = world.pod(plain)

    assert pods.phase(body) == "Running"
    assert pods.is_ready(body)
    assert pods.is_alive(body)
    assert pods.restarts(body) == 0
    assert pods.container_started_at(body)
    assert pods.address(body).count(".") == 3
    assert body["spec"]["nodeName"]
    assert pods.event_ports(body) == pods.EventPorts(publish=(5557,), replay=())


def test_pod_is_listed_by_phase(world: World, plain: str) -> None:
    """``status.phase`` is a field selector of pods."""
    running = [pods.name(each) for each in world.list(PODS, fields="status.phase=Running")]

    assert plain in running
    assert world.list(PODS, fields=f"status.phase=Failed,metadata.name={plain}") == []


def test_container_gets_its_environment(world: World, plain: str) -> None:
    """Plain values and the downward API."""
    agent = world.agent(plain)

    said = [agent.ask("env", name) for name in ("PLAIN", *FIELDS)]

    assert said == ["text", plain, pods.address(world.pod(plain)), world.namespace]


def test_logs_hold_what_was_printed(world: World, plain: str) -> None:
    """In order, and the tail alone when asked."""
    agent = world.agent(plain)
    agent.ask("say", "one")
    agent.ask("say", "two")

    until(lambda: "two" in world.cluster.logs(plain, namespace=world.namespace))
    lines = world.cluster.logs(plain, namespace=world.namespace).splitlines()

    assert lines[0] == "agent started"
    assert lines[-2:] == ["one", "two"]
    assert world.cluster.logs(plain, namespace=world.namespace, tail=1) == "two\n"


def test_logs_of_another_container(world: World, two: str) -> None:
    """By name; without a name the server wants one, or takes the first."""
    assert until(lambda: world.cluster.logs(two, namespace=world.namespace, container="agent"))
    with pytest.raises(Invalid, match="container nobody is not valid"):
        world.cluster.logs(two, namespace=world.namespace, container="nobody")


def test_logs_of_missing_pod_are_not_found(world: World) -> None:
    """404 names the pod."""
    with pytest.raises(NotFound, match="nobody"):
        world.cluster.logs("nobody", namespace=world.namespace)


def test_container_that_exits_is_started_again_in_the_same_pod(world: World, two: str) -> None:
    """Same uid and address, one restart of that container alone, with its exit code kept."""
    before = world.pod(two)

    world.agent(two).tell("exit", 3)
    after = world.wait(PODS, two, lambda body: pods.restarts(body) == 1 and pods.is_ready(body))

    status = pods.container_status(after, "agent")
    assert status is not None
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert pods.restarts(after, "second") == 0
    assert pods.uid(after) == pods.uid(before)
    assert pods.address(after) == pods.address(before)
    assert pods.container_started_at(after) != pods.container_started_at(before)
    assert pods.container_started_at(after, "second") == pods.container_started_at(before, "second")
    previous = world.cluster.logs(two, namespace=world.namespace, container="agent", previous=True)
    assert previous.startswith("agent started")


def test_readiness_follows_the_probe(world: World) -> None:
    """Not ready until the probe says so, and not any more when it fails."""
    agent = container(readinessProbe=PROBE, env=[{"name": "READY", "value": "no"}])
    world.create(PODS, pod("probed", containers=[agent]))
    started = world.wait(PODS, "probed", pods.container_started_at)

    line = world.agent("probed")
    until(lambda: line.ask("ready", "yes"))
    world.wait(PODS, "probed", pods.is_ready)
    line.ask("ready", "no")
    unready = world.wait(PODS, "probed", lambda body: not pods.is_ready(body))

    assert not pods.is_ready(started)
    assert pods.phase(unready) == "Running"
    assert pods.restarts(unready) == 0


def test_failing_liveness_probe_restarts(world: World) -> None:
    """The container is ended and started again."""
    agent = container(livenessProbe=PROBE)
    world.start(pod("lively", containers=[agent]))

    world.agent("lively").ask("ready", "no")

    restarted = world.wait(PODS, "lively", lambda body: pods.restarts(body) >= 1)
    assert pods.name(restarted) == "lively"


def test_deleted_pod_may_finish_within_its_grace(world: World) -> None:
    """Terminating first, with the signal sent; then gone."""
    agent = container(env=[{"name": "LINGER", "value": "2"}])
    world.start(pod("graceful", grace=20, containers=[agent]))

    world.delete(PODS, "graceful")
    going = world.pod("graceful")
    until(lambda: "asked to stop" in world.cluster.logs("graceful", namespace=world.namespace))
    world.wait_gone(PODS, "graceful")

    assert going["metadata"]["deletionTimestamp"]
    assert going["metadata"]["deletionGracePeriodSeconds"] == 20
    assert not pods.is_alive(going)


def test_pod_deleted_without_grace_is_gone_at_once(world: World) -> None:
    """``gracePeriodSeconds: 0``: the object does not wait for the process."""
    world.start(pod("forced", grace=30))

    world.delete(PODS, "forced", grace=0)

    assert world.get(PODS, "forced") is None


def test_pod_that_may_not_restart_ends(world: World) -> None:
    """``restartPolicy: Never``: Succeeded or Failed, by the exit code."""
    script = ["python3", "-c", "raise SystemExit(4)"]
    body = {"metadata": {"name": "once"}, "spec": pod_spec(restartPolicy="Never")}
    body["spec"]["containers"] = [container(command=script)]
    world.create(PODS, body)

    ended = world.wait(PODS, "once", lambda found: pods.phase(found) == "Failed")

    status = pods.container_status(ended)
    assert status is not None
    assert status["state"]["terminated"]["exitCode"] == 4
    assert not pods.is_alive(ended)


def test_command_that_does_not_exist_is_told(world: World) -> None:
    """The container waits with a reason and is never ready."""
    world.create(PODS, pod("hopeless", containers=[container(command=["/no/such/program"])]))

    reason = until(
        lambda: pods.waiting_reason(world.pod("hopeless")).replace("ContainerCreating", "")
    )

    assert reason in (
        "RunContainerError",
        "CrashLoopBackOff",
        "CreateContainerError",
        "ErrImagePull",
    )
