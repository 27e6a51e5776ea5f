"""Deployments: rollout, scale, replacement, and what goes with them."""

from __future__ import annotations

import pytest

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import DEPLOYMENTS, PODS, Object
from tests.contract.world import World, container, until


def deployment(name: str, replicas: int, *, version: str = "1") -> Object:
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [container(env=[{"name": "VERSION", "value": version}])],
                },
            },
        },
    }


def is_rolled_out(body: Object) -> bool:
    """As ``kubectl rollout status`` decides."""
    wanted, status = body["spec"]["replicas"], body.get("status", {})
    return bool(
        status.get("observedGeneration", 0) >= body["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def rolled_out(world: World, name: str) -> Object:
    return world.wait(DEPLOYMENTS, name, is_rolled_out)


def pods_of(world: World, name: str) -> list[Object]:
    return world.list(PODS, f"app={name}")


@pytest.fixture(scope="module")
def app(world: World) -> str:
    """The name of a deployment of two, rolled out."""
    world.create(DEPLOYMENTS, deployment("app", 2))
    rolled_out(world, "app")
    return "app"


def test_rolled_out_deployment_has_its_pods_ready(world: World, app: str) -> None:
    """As many as asked for, owned by a controller, all ready."""
    body = rolled_out(world, app)
    found = pods_of(world, app)

    assert body["status"]["readyReplicas"] == 2
    assert [pods.is_ready(each) for each in found] == [True, True]
    owners = [each["metadata"]["ownerReferences"] for each in found]
    assert [(len(each), each[0]["controller"]) for each in owners] == [(1, True)] * 2
    assert all(pods.name(each).startswith("app-") for each in found)


def test_available_condition_is_true(world: World, app: str) -> None:
    """``kubectl wait --for=condition=Available`` reads it."""
    conditions = {
        each["type"]: each["status"] for each in rolled_out(world, app)["status"]["conditions"]
    }

    assert conditions["Available"] == "True"


@pytest.mark.parametrize("subresource", ["", "scale"], ids=["spec", "scale"])
def test_deployment_scales_up_and_down(world: World, app: str, subresource: str) -> None:
    """By its spec or by the scale subresource; the pods that stay are the same."""
    before = {pods.uid(each) for each in pods_of(world, app)}

    world.patch(DEPLOYMENTS, app, {"spec": {"replicas": 3}}, subresource)
    rolled_out(world, app)
    more = {pods.uid(each) for each in pods_of(world, app)}
    world.patch(DEPLOYMENTS, app, {"spec": {"replicas": 2}}, subresource)
    rolled_out(world, app)
    until(lambda: len(pods_of(world, app)) == 2)

    assert before < more
    assert len(more) == 3


def test_deleted_pod_is_replaced_by_another(world: World, app: str) -> None:
    """Another name, another uid; the other pod is untouched."""
    victim, other = (pods.name(each) for each in pods_of(world, app))

    world.delete(PODS, victim)
    world.wait_gone(PODS, victim)
    rolled_out(world, app)

    now = [pods.name(each) for each in pods_of(world, app)]
    assert other in now
    assert victim not in now
    assert len(now) == 2


def test_changed_template_replaces_every_pod(world: World, app: str) -> None:
    """A new revision: pods with the new template are ready, the old ones are gone."""
    old = {pods.uid(each) for each in pods_of(world, app)}
    template = deployment(app, 2, version="2")["spec"]["template"]

    world.patch(DEPLOYMENTS, app, {"spec": {"template": template}})
    rolled_out(world, app)
    until(lambda: len(pods_of(world, app)) == 2)

    new = pods_of(world, app)
    assert not old & {pods.uid(each) for each in new}
    for each in new:
        assert until(lambda: world.agent(pods.name(each)).ask("env", "VERSION")) == "2"  # noqa: B023 - used at once


def test_pods_go_with_their_deployment(world: World) -> None:
    """Owner references: nothing is left when the owner is gone."""
    world.create(DEPLOYMENTS, deployment("brief", 1))
    rolled_out(world, "brief")

    world.delete(DEPLOYMENTS, "brief")

    world.wait_gone(DEPLOYMENTS, "brief")
    until(lambda: pods_of(world, "brief") == [])


def test_selector_must_match_the_template(world: World) -> None:
    """422 before anything is stored."""
    body = deployment("mismatch", 1)
    body["spec"]["template"]["metadata"]["labels"] = {"app": "other"}

    with pytest.raises(Exception, match=r"(?s)HTTP 422.*selector"):
        world.create(DEPLOYMENTS, body)
