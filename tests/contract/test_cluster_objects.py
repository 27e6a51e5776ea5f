"""Objects without pods: the rules of the API that every part of kvchaos relies on."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kvchaos.cluster import pages
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import (
    CONFIGMAPS,
    CUSTOMRESOURCEDEFINITIONS,
    DEPLOYMENTS,
    NAMESPACES,
    NETWORKCHAOS,
    NODES,
    PODCHAOS,
    PODNETWORKCHAOS,
    PODS,
    Kind,
    Object,
)
from kvchaos.errors import AlreadyExists, Conflict, Invalid, NotFound
from tests.contract.world import World, pod, until

UNKNOWN = Kind("nobody.example", "v1", "things", "Thing")


def config(name: str, *, labels: dict[str, str] | None = None, **data: str) -> Object:
    return {"metadata": {"name": name, "labels": labels or {}}, "data": data}


def names(found: list[Object]) -> list[str]:
    return sorted(each["metadata"]["name"] for each in found)


def test_server_says_its_version(cluster: Cluster) -> None:
    """kubectl and preflight choose by the version, so there is one, in Kubernetes' own form."""
    assert cluster.version().startswith("v1.")


@pytest.mark.parametrize(
    "kind", [PODS, NODES, DEPLOYMENTS, NETWORKCHAOS, PODCHAOS, PODNETWORKCHAOS], ids=str
)
def test_kinds_that_faults_need_are_served(cluster: Cluster, kind: Kind) -> None:
    """Discovery tells whether Chaos Mesh is installed."""
    assert cluster.has_kind(kind)


def test_kind_that_nobody_installed_is_not_served(cluster: Cluster) -> None:
    """No group, no kind."""
    assert not cluster.has_kind(UNKNOWN)


def test_object_of_unknown_kind_is_not_found_and_the_error_says_kind(world: World) -> None:
    """A missing CRD must not look like a missing object."""
    with pytest.raises(NotFound, match="no such kind on this cluster"):
        world.cluster.get(UNKNOWN, "any", namespace=world.namespace)


def test_chaos_mesh_kinds_are_listed_as_definitions(cluster: Cluster) -> None:
    """Preflight reads their schema from the API."""
    found = cluster.get(CUSTOMRESOURCEDEFINITIONS, "networkchaos.chaos-mesh.org")

    assert found["spec"]["names"]["kind"] == "NetworkChaos"


def test_administrator_may_do_what_an_experiment_does(world: World) -> None:
    """The access review answers for a verb, a kind and a namespace."""
    assert world.cluster.can("create", NETWORKCHAOS, namespace=world.namespace)


def test_nodes_are_ready(cluster: Cluster) -> None:
    """There is somewhere for pods to run."""
    conditions = [
        each["status"]
        for node in cluster.list(NODES)
        for each in node["status"]["conditions"]
        if each["type"] == "Ready"
    ]

    assert conditions
    assert set(conditions) == {"True"}


def test_created_object_carries_identity(world: World) -> None:
    """Everything later is keyed by uid and version."""
    made = world.create(CONFIGMAPS, config("identity", k="v"))

    assert made["data"] == {"k": "v"}
    assert (made["apiVersion"], made["kind"]) == ("v1", "ConfigMap")
    assert made["metadata"]["namespace"] == world.namespace
    assert made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"]
    assert made["metadata"]["creationTimestamp"].endswith("Z")
    assert world.get(CONFIGMAPS, "identity") == made


def test_second_object_of_a_name_already_exists(world: World) -> None:
    """A duplicate is an error of its own, never a success."""
    world.create(CONFIGMAPS, config("twice"))

    with pytest.raises(AlreadyExists):
        world.create(CONFIGMAPS, config("twice"))


def test_missing_object_is_not_found(world: World) -> None:
    """The error names kind, name and namespace."""
    with pytest.raises(NotFound, match=f"configmaps missing in namespace {world.namespace}"):
        world.cluster.get(CONFIGMAPS, "missing", namespace=world.namespace)


def test_generated_names_differ(world: World) -> None:
    """``generateName`` makes unique names from a prefix."""
    body = {"metadata": {"generateName": "made-"}}

    first, second = (world.create(CONFIGMAPS, body)["metadata"]["name"] for _ in range(2))

    assert first.startswith("made-")
    assert first != second


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("set=s,colour=red", ["s-red"]),
        ("set=s,colour!=red", ["s-blue", "s-none"]),
        ("set=s,colour in (red,blue)", ["s-blue", "s-red"]),
        ("set=s,colour notin (red)", ["s-blue", "s-none"]),
        ("set=s,colour", ["s-blue", "s-red"]),
        ("set=s,!colour", ["s-none"]),
        ("set=s,colour=green", []),
    ],
)
def test_label_selector_selects(world: World, labels: str, found: list[str]) -> None:
    """Equality, sets, presence and absence, joined by "and"."""
    for colour in ("red", "blue", ""):
        name = f"s-{colour or 'none'}"
        if world.get(CONFIGMAPS, name) is None:
            more = {"colour": colour} if colour else {}
            world.create(CONFIGMAPS, config(name, labels={"set": "s", **more}))

    assert names(world.list(CONFIGMAPS, labels)) == found


def test_field_selector_selects_by_name(world: World) -> None:
    """``metadata.name`` works for every kind."""
    world.create(CONFIGMAPS, config("field-a"))
    world.create(CONFIGMAPS, config("field-b"))

    assert names(world.list(CONFIGMAPS, fields="metadata.name=field-b")) == ["field-b"]


def test_unsupported_field_selector_is_refused(world: World) -> None:
    """Loud, instead of an empty or a full list."""
    with pytest.raises(Invalid, match="HTTP 400"):
        world.list(CONFIGMAPS, fields="data.k=v")


def test_list_in_pages_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """``limit`` and ``continue`` lose and repeat nothing."""
    monkeypatch.setattr(pages, "PAGE", 2)
    made = [f"page-{n}" for n in range(5)]
    for name in made:
        world.create(CONFIGMAPS, config(name, labels={"pages": "yes"}))

    assert names(world.list(CONFIGMAPS, "pages=yes")) == made


def test_list_over_all_namespaces_has_this_one(world: World) -> None:
    """No namespace means all of them, and items say their kind."""
    made = world.create(CONFIGMAPS, config("everywhere", labels={"everywhere": world.namespace}))

    assert world.cluster.list(CONFIGMAPS, labels=f"everywhere={world.namespace}") == [made]


def test_merge_patch_sets_and_removes(world: World) -> None:
    """A key set to null goes away, keys not named stay."""
    world.create(CONFIGMAPS, config("patched", a="1", b="2"))

    patched = world.patch(CONFIGMAPS, "patched", {"data": {"a": None, "c": "3"}})

    assert patched["data"] == {"b": "2", "c": "3"}


def test_patch_of_an_older_version_conflicts(world: World) -> None:
    """Who patches with a resourceVersion learns that another was faster."""
    old = world.create(CONFIGMAPS, config("raced"))["metadata"]["resourceVersion"]
    world.patch(CONFIGMAPS, "raced", {"data": {"winner": "first"}})

    with pytest.raises(Conflict):
        world.patch(
            CONFIGMAPS, "raced", {"metadata": {"resourceVersion": old}, "data": {"winner": "late"}}
        )

    assert world.cluster.get(CONFIGMAPS, "raced", namespace=world.namespace)["data"] == {
        "winner": "first"
    }


def test_patch_that_changes_nothing_keeps_the_version(world: World) -> None:
    """So controllers that write the same again wake nobody."""
    made = world.create(CONFIGMAPS, config("same", k="v"))

    again = world.patch(CONFIGMAPS, "same", {"data": {"k": "v"}})

    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_delete_with_another_uid_conflicts_and_keeps(world: World) -> None:
    """An object that replaced ours under the same name is not ours to delete."""
    world.create(CONFIGMAPS, config("kept"))

    with pytest.raises(Conflict):
        world.cluster.delete(CONFIGMAPS, "kept", namespace=world.namespace, uid=str(uuid.uuid4()))

    assert world.get(CONFIGMAPS, "kept")


def test_deleted_object_is_gone(world: World) -> None:
    """Without finalizers at once; a second delete says so."""
    world.create(CONFIGMAPS, config("short-lived"))

    world.delete(CONFIGMAPS, "short-lived")

    assert world.get(CONFIGMAPS, "short-lived") is None
    with pytest.raises(NotFound):
        world.delete(CONFIGMAPS, "short-lived")


def test_dry_run_checks_and_stores_nothing(world: World) -> None:
    """The object comes back as it would be stored."""
    dry = world.create(CONFIGMAPS, config("dry", k="v"), dry_run=True)

    assert dry["data"] == {"k": "v"}
    assert world.get(CONFIGMAPS, "dry") is None


def test_unknown_field_is_refused_by_name(world: World) -> None:
    """Strict validation: a misspelt field is an error, not silence."""
    with pytest.raises(Invalid, match='unknown field "dta"'):
        world.create(CONFIGMAPS, {"metadata": {"name": "strict"}, "dta": {}})


def test_pod_without_containers_is_refused(world: World) -> None:
    """422 names the field."""
    body = pod("empty")
    body["spec"]["containers"] = []

    with pytest.raises(Invalid, match=r"(?s)HTTP 422.*spec\.containers"):
        world.create(PODS, body)


def test_object_with_finalizer_stays_until_it_is_removed(world: World) -> None:
    """Deletion only marks it; the last finalizer's removal ends it."""
    body = config("held")
    body["metadata"]["finalizers"] = ["kvchaos.io/contract"]
    world.create(CONFIGMAPS, body)

    world.delete(CONFIGMAPS, "held")
    held = world.get(CONFIGMAPS, "held")
    world.patch(CONFIGMAPS, "held", {"metadata": {"finalizers": None}})

    assert held is not None
    assert held["metadata"]["deletionTimestamp"]
    world.wait_gone(CONFIGMAPS, "held")


def test_namespace_goes_with_everything_in_it(cluster: Cluster) -> None:
    """Active, then Terminating, then gone; so do the objects inside."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    cluster.create(NAMESPACES, {"metadata": {"name": name}})
    made = cluster.get(NAMESPACES, name)
    cluster.create(CONFIGMAPS, config("inside"), namespace=name)

    cluster.delete(NAMESPACES, name)

    assert made["status"]["phase"] == "Active"

    def there() -> Any:
        try:
            return cluster.get(NAMESPACES, name)
        except NotFound:
            return None

    until(lambda: there() is None)
    assert cluster.list(CONFIGMAPS, namespace=name) == []


def test_object_in_missing_namespace_is_not_created(cluster: Cluster) -> None:
    """404 names the namespace, not a missing kind."""
    with pytest.raises(NotFound, match='namespaces "nowhere-at-all" not found'):
        cluster.create(CONFIGMAPS, config("lost"), namespace="nowhere-at-all")
