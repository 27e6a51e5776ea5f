"""What the server says it has, and how loud it is about what it has not."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.lab.apiserver.message import Response
from tests.unit.lab.apiserver.speaking import CONFIGMAPS, PODS, Api, config, pod

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


@pytest.mark.parametrize("path", ["/version", "/version/"])
def test_version_is_one_that_kubectl_knows(api: Api, path: str) -> None:
    """With and without the slash that some clients add."""
    found = api.get(path)

    assert (found["major"], found["minor"]) == ("1", "34")
    assert found["gitVersion"].startswith("v1.34.")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_is_plain_text(api: Api, path: str) -> None:
    """As probes read it."""
    answer = api.ask("GET", path)

    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.content_type) == (200, b"ok", "text/plain")


def test_groups_are_listed_with_their_versions(api: Api) -> None:
    """The old form of discovery."""
    groups = {group["name"]: group for group in api.get("/apis")["groups"]}

    assert sorted(groups) == [
        "apiextensions.k8s.io",
        "apps",
        "authorization.k8s.io",
        "chaos-mesh.org",
        "coordination.k8s.io",
        "rbac.authorization.k8s.io",
    ]
    assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
    assert api.get("/apis/apps") == {"kind": "APIGroup", "apiVersion": "v1", **groups["apps"]}
    assert api.get("/api")["versions"] == ["v1"]


def test_resources_are_complete_rows(api: Api) -> None:
    """kubectl needs singular and short names; subresources have neither."""
    rows = {row["name"]: row for row in api.get("/apis/apps/v1")["resources"]}

    assert rows["deployments"] == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "Deployment",
        "verbs": [
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ],
        "shortNames": ["deploy"],
        "categories": ["all"],
    }
    assert rows["deployments/scale"] == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "kind": "Scale",
        "group": "autoscaling",
        "version": "v1",
        "verbs": ["get", "patch", "update"],
    }


def test_aggregated_discovery_says_the_same(api: Api) -> None:
    """kubectl asks for both halves in this form."""
    core, groups = (api.get(path, accept=AGGREGATED) for path in ("/api", "/apis"))

    assert (core["kind"], core["apiVersion"]) == (
        "APIGroupDiscoveryList",
        "apidiscovery.k8s.io/v2",
    )
    both = core["items"] + groups["items"]
    told = {
        (item["metadata"].get("name", ""), one["version"], row["resource"])
        for item in both
        for one in item["versions"]
        for row in one["resources"]
    }
    listed = {("", "v1", row["name"]) for row in api.get("/api/v1")["resources"]}
    for group in api.get("/apis")["groups"]:
        version = group["preferredVersion"]["version"]
        rows = api.get(f"/apis/{group['name']}/{version}")["resources"]
        listed |= {(group["name"], version, row["name"]) for row in rows}
    assert told == {row for row in listed if "/" not in row[2]}


def test_every_kind_has_an_openapi_document_that_takes_field_validation(api: Api) -> None:
    """Without it kubectl apply and create -f refuse to work."""
    places = api.get("/openapi/v3")["paths"]

    kinds = set()
    for place in places.values():
        document = api.get(place["serverRelativeURL"])
        for operations in document["paths"].values():
            patch = operations["patch"]
            kinds.add(patch["x-kubernetes-group-version-kind"]["kind"])
            assert [one["name"] for one in patch["parameters"]] == ["fieldValidation"]
    assert {"Pod", "Deployment", "NetworkChaos", "RoleBinding"} <= kinds
    assert len(places) == 7


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/api/v1/namespaces/ns/persistentvolumeclaims", "persistentvolumeclaims in v1"),
        ("/apis/batch/v1/namespaces/ns/jobs", "jobs.batch/v1"),
        ("/apis/apps/v1/daemonsets", "daemonsets.apps/v1"),
        ("/apis/apps/v2", "/apis/apps/v2"),
        ("/apis/batch", "/apis/batch"),
        ("/api/v2", "/api/v2"),
        ("/openapi/v3/apis/batch/v1", "/openapi/v3/apis/batch/v1"),
        ("/metrics", "/metrics"),
        ("/", "/"),
        ("/api/v1/namespaces/ns/nodes", "nodes in a namespace"),
        ("/api/v1/pods/a", "pods/a without a namespace"),
        ("/api/v1/namespaces/ns/pods/a/log/b", "/api/v1/namespaces/ns/pods/a/log/b"),
        ("/api/v1/namespaces/ns/configmaps/a/status", "configmaps/status"),
    ],
)
def test_what_is_outside_the_table_is_a_loud_404(api: Api, path: str, told: str) -> None:
    """A Status that names what is not served, and by whom."""
    code, reason, message = api.refusal("GET", path)

    assert (code, reason) == (404, "NotFound")
    assert message == (
        f"the server could not find the requested resource (the lab does not serve {told})"
    )


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("POST", "pods/a/exec", "port-forward"),
        ("GET", "pods/a/exec", "port-forward"),
        ("POST", "pods/a/attach", "kubectl logs -f"),
        ("POST", "pods/a/eviction", "delete the pod"),
        ("GET", "pods/a/proxy", "port-forward"),
    ],
)
def test_unsupported_subresource_says_what_to_use_instead(
    api: Api, method: str, path: str, hint: str
) -> None:
    """405, which no client retries."""
    api.create(PODS, pod("a"))

    code, reason, message = api.refusal(method, f"/api/v1/namespaces/ns/{path}")

    assert (code, reason) == (405, "MethodNotAllowed")
    assert message.startswith("the kvchaos lab does not support pods/")
    assert hint in message


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{CONFIGMAPS}/a"),
        ("PUT", CONFIGMAPS),
        ("PATCH", CONFIGMAPS),
        ("OPTIONS", CONFIGMAPS),
        ("DELETE", f"{PODS}/a/status"),
        ("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x"),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ],
)
def test_method_that_makes_no_sense_is_not_allowed(api: Api, method: str, path: str) -> None:
    """And says which verbs do."""
    api.create(CONFIGMAPS, config("a"))
    api.create(PODS, pod("a"))

    code, reason, message = api.refusal(method, path)

    assert (code, reason) == (405, "MethodNotAllowed")
    assert "it allows" in message


def test_namespace_of_a_collection_is_not_its_name(api: Api) -> None:
    """/api/v1/namespaces/ns/status is the status of a namespace."""
    found: Any = api.get("/api/v1/namespaces/ns/status")

    assert (found["kind"], found["metadata"]["name"]) == ("Namespace", "ns")


def test_object_is_created_in_a_namespace_only(api: Api) -> None:
    """POST to the collection of all namespaces."""
    refused = api.refusal("POST", "/api/v1/configmaps", config("a"))

    assert refused[:2] == (405, "MethodNotAllowed")
