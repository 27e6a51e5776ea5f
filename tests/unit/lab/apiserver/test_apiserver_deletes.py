"""Deletion: grace, finalizers, owners, namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    DEPLOYMENTS,
    PODS,
    Api,
    config,
    deployment,
    owned,
    pod,
    seen,
)


def test_plain_object_is_gone_at_once(api: Api) -> None:
    """The answer is a Status with the uid of what went."""
    made = api.create(CONFIGMAPS, config("a"))

    answer = api.delete(f"{CONFIGMAPS}/a")

    assert answer == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    assert api.refusal("GET", f"{CONFIGMAPS}/a")[:2] == (404, "NotFound")
    assert api.refusal("DELETE", f"{CONFIGMAPS}/a")[:2] == (404, "NotFound")


def test_pod_on_a_node_goes_when_its_node_says_so(api: Api) -> None:
    """Marked first, with its grace; gone when the node deletes with 0 seconds."""
    api.create(PODS, pod("a", nodeName="n", terminationGracePeriodSeconds=7))

    marked = api.delete(f"{PODS}/a")
    again = api.delete(f"{PODS}/a")
    api.delete(f"{PODS}/a", {"gracePeriodSeconds": 0})

    assert marked["metadata"]["deletionTimestamp"] == "2027-01-15T08:00:07Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert marked["metadata"]["generation"] == 2
    assert again == marked
    assert api.names(PODS) == []


def test_shorter_grace_replaces_a_longer_one(api: Api) -> None:
    """And never the other way round."""
    api.create(PODS, pod("a", nodeName="n"))

    graces = [
        api.delete(f"{PODS}/a?gracePeriodSeconds={seconds}")["metadata"][
            "deletionGracePeriodSeconds"
        ]
        for seconds in (20, 5, 10)
    ]

    assert graces == [20, 5, 5]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pod_that_has_ended_needs_no_grace(api: Api, phase: str) -> None:
    """There is nothing left to stop."""
    api.create(PODS, pod("a", nodeName="n"))
    api.patch(f"{PODS}/a/status", {"status": {"phase": phase}})

    api.delete(f"{PODS}/a")

    assert api.names(PODS) == []


def test_pod_without_a_node_is_gone_at_once(api: Api) -> None:
    """Nobody runs it; the answer is the pod."""
    made = api.create(PODS, pod("a"))

    assert api.delete(f"{PODS}/a")["metadata"]["uid"] == made["metadata"]["uid"]
    assert api.names(PODS) == []


def test_pod_of_no_grace_period_is_gone_at_once(api: Api) -> None:
    """terminationGracePeriodSeconds 0 in the spec."""
    api.create(PODS, pod("a", nodeName="n", terminationGracePeriodSeconds=0))

    api.delete(f"{PODS}/a")

    assert api.names(PODS) == []


def test_finalizer_holds_an_object_until_it_is_taken_away(api: Api) -> None:
    """As Chaos Mesh does to recover first."""
    api.create(CONFIGMAPS, config("a", finalizers=["x/y"]))
    watch = api.watch(f"{CONFIGMAPS}?watch=true&resourceVersion={_version(api)}")

    held = api.delete(f"{CONFIGMAPS}/a")
    api.patch(f"{CONFIGMAPS}/a", {"data": {"k": "w"}})
    api.patch(f"{CONFIGMAPS}/a", {"metadata": {"finalizers": None}})

    assert held["metadata"]["deletionTimestamp"] == "2027-01-15T08:00:00Z"
    assert api.names(CONFIGMAPS) == []
    assert [kind for kind, _ in seen(watch)] == ["MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]


def _version(api: Api) -> str:
    return str(api.get(CONFIGMAPS)["metadata"]["resourceVersion"])


def test_no_finalizer_is_added_to_what_is_going(api: Api) -> None:
    """Or it might never go."""
    api.create(CONFIGMAPS, config("a", finalizers=["x/y"]))
    api.delete(f"{CONFIGMAPS}/a")

    code, _, message = api.refusal(
        "PATCH", f"{CONFIGMAPS}/a", {"metadata": {"finalizers": ["x/y", "x/z"]}}
    )

    assert code == 422
    assert "no new finalizers can be added" in message


def test_pod_that_its_node_let_go_still_waits_for_its_finalizers(api: Api) -> None:
    """Grace and finalizers are two holds."""
    body = pod("a", nodeName="n")
    body["metadata"]["finalizers"] = ["x/y"]
    api.create(PODS, body)
    api.delete(f"{PODS}/a")
    api.delete(f"{PODS}/a?gracePeriodSeconds=0")

    between = api.names(PODS)
    api.patch(f"{PODS}/a", {"metadata": {"finalizers": []}})

    assert (between, api.names(PODS)) == (["a"], [])


def test_pod_without_finalizers_still_waits_for_its_node(api: Api) -> None:
    """The other order."""
    body = pod("a", nodeName="n")
    body["metadata"]["finalizers"] = ["x/y"]
    api.create(PODS, body)
    api.delete(f"{PODS}/a")
    api.patch(f"{PODS}/a", {"metadata": {"finalizers": []}})

    assert api.names(PODS) == ["a"]


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_precondition_that_fails_is_a_conflict(api: Api, field: str) -> None:
    """Whoever means one life of a name never deletes another."""
    made = api.create(CONFIGMAPS, config("a"))

    wrong = api.refusal("DELETE", f"{CONFIGMAPS}/a", {"preconditions": {field: "other"}})
    api.delete(f"{CONFIGMAPS}/a", {"preconditions": {field: made["metadata"][field]}})

    assert wrong[:2] == (409, "Conflict")
    assert "Precondition failed" in wrong[2]
    assert api.names(CONFIGMAPS) == []


@pytest.mark.parametrize(
    "options",
    [b"{", [], {"gracePeriodSeconds": "soon"}, {"propagationPolicy": "Sideways"}],
)
def test_options_that_make_no_sense_are_refused(api: Api, options: Any) -> None:
    """And nothing is deleted."""
    api.create(CONFIGMAPS, config("a"))

    assert api.refusal("DELETE", f"{CONFIGMAPS}/a", options)[0] in {400, 422}
    assert api.names(CONFIGMAPS) == ["a"]


def test_collection_is_deleted_by_selector(api: Api) -> None:
    """What went is listed."""
    for name in ("a", "b"):
        api.create(CONFIGMAPS, config(name, labels={"is": name}))

    answer = api.delete(f"{CONFIGMAPS}?labelSelector=is=a")

    assert [item["metadata"]["name"] for item in answer["items"]] == ["a"]
    assert api.names(CONFIGMAPS) == ["b"]


def family(api: Api, *, blocking: bool = False) -> Any:
    """A deployment that owns a config map that owns another."""
    top = api.create(DEPLOYMENTS, deployment("top"))
    middle = api.create(CONFIGMAPS, owned("middle", top, blocking=blocking))
    api.create(CONFIGMAPS, owned("bottom", middle, blocking=blocking))
    return top


@pytest.mark.parametrize("options", [None, {"propagationPolicy": "Background"}])
def test_what_an_object_owns_goes_after_it(api: Api, options: Any) -> None:
    """Background is the default; it reaches all generations."""
    family(api)

    api.delete(f"{DEPLOYMENTS}/top", options)

    assert (api.names(DEPLOYMENTS), api.names(CONFIGMAPS)) == ([], [])


def test_owner_in_the_foreground_goes_last(api: Api) -> None:
    """It waits for the dependents that block it."""
    top = api.create(DEPLOYMENTS, deployment("top"))
    body = owned("middle", top, blocking=True)
    body["metadata"]["finalizers"] = ["x/y"]
    api.create(CONFIGMAPS, body)

    held = api.delete(f"{DEPLOYMENTS}/top", {"propagationPolicy": "Foreground"})
    between = api.names(DEPLOYMENTS)
    api.patch(f"{CONFIGMAPS}/middle", {"metadata": {"finalizers": None}})

    assert held["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert between == ["top"]
    assert (api.names(DEPLOYMENTS), api.names(CONFIGMAPS)) == ([], [])


def test_foreground_reaches_all_generations(api: Api) -> None:
    """From the bottom up, in one go when nothing else holds."""
    family(api, blocking=True)

    api.delete(f"{DEPLOYMENTS}/top?propagationPolicy=Foreground")

    assert (api.names(DEPLOYMENTS), api.names(CONFIGMAPS)) == ([], [])


@pytest.mark.parametrize("options", [{"propagationPolicy": "Orphan"}, {"orphanDependents": True}])
def test_orphans_stay_and_forget_their_owner(api: Api, options: Any) -> None:
    """kubectl delete --cascade=orphan."""
    family(api)

    api.delete(f"{DEPLOYMENTS}/top", options)

    assert api.names(CONFIGMAPS) == ["bottom", "middle"]
    assert api.get(f"{CONFIGMAPS}/middle")["metadata"]["ownerReferences"] == []


def test_object_of_two_owners_goes_with_the_second(api: Api) -> None:
    """One owner left is enough to stay."""
    owners = [api.create(CONFIGMAPS, config(name)) for name in ("one", "two")]
    api.create(CONFIGMAPS, owned("child", *owners))

    api.delete(f"{CONFIGMAPS}/one")
    references = api.get(f"{CONFIGMAPS}/child")["metadata"]["ownerReferences"]
    api.delete(f"{CONFIGMAPS}/two")

    assert [reference["name"] for reference in references] == ["two"]
    assert api.names(CONFIGMAPS) == []


def test_object_that_comes_after_its_owner_went_goes_too(api: Api) -> None:
    """A controller that was about to create it cannot leave it behind."""
    owner = api.create(CONFIGMAPS, config("owner"))
    api.delete(f"{CONFIGMAPS}/owner")

    api.create(CONFIGMAPS, owned("late", owner))

    assert api.names(CONFIGMAPS) == []


def test_namespace_goes_with_all_that_is_in_it(api: Api) -> None:
    """Terminating while something holds; then gone."""
    api.create(CONFIGMAPS, config("a"))
    api.create(PODS, pod("p", nodeName="n"))

    going = api.delete("/api/v1/namespaces/ns")
    left = api.names(CONFIGMAPS)
    refused = api.refusal("POST", CONFIGMAPS, config("b"))
    still = api.get("/api/v1/namespaces/ns")["status"]["phase"]
    api.delete(f"{PODS}/p?gracePeriodSeconds=0")

    assert going["status"]["phase"] == "Terminating"
    assert left == []
    assert refused[:2] == (403, "Forbidden")
    assert "because it is being terminated" in refused[2]
    assert still == "Terminating"
    assert api.refusal("GET", "/api/v1/namespaces/ns")[:2] == (404, "NotFound")


def test_empty_namespace_is_gone_at_once(api: Api) -> None:
    """Its name is free again."""
    api.delete("/api/v1/namespaces/ns")

    api.create("/api/v1/namespaces", {"metadata": {"name": "ns"}})

    assert api.names(CONFIGMAPS) == []


def test_permanent_namespaces_stay(api: Api) -> None:
    """default and the system's own."""
    assert api.refusal("DELETE", "/api/v1/namespaces/default")[:2] == (403, "Forbidden")
