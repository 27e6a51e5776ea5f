"""Lists: selectors, pages, Tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kvchaos.lab.apiserver.cells import human_duration
from kvchaos.lab.apiserver.kinds import KINDS
from kvchaos.lab.apiserver.message import Request, Response
from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NETWORKCHAOS,
    NOW,
    PODS,
    TABLE,
    Api,
    config,
    deployment,
    partition,
    pod,
)


def test_list_is_sorted_and_carries_a_version_to_watch_from(api: Api) -> None:
    """Kind, version, items by name."""
    for name in ("b", "a"):
        last = api.create(CONFIGMAPS, config(name))

    found = api.get(CONFIGMAPS)

    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert found["metadata"] == {"resourceVersion": last["metadata"]["resourceVersion"]}
    assert [item["metadata"]["name"] for item in found["items"]] == ["a", "b"]


def test_list_of_all_namespaces_holds_every_namespace(api: Api) -> None:
    """Without a namespace in the path."""
    api.create("/api/v1/namespaces", {"metadata": {"name": "other"}})
    api.create(CONFIGMAPS, config("a"))
    api.create("/api/v1/namespaces/other/configmaps", config("a"))

    places = [item["metadata"]["namespace"] for item in api.get("/api/v1/configmaps")["items"]]

    assert places == ["ns", "other"]
    assert api.names("/api/v1/namespaces/other/configmaps") == ["a"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("colour=red", ["red"]),
        ("colour==red", ["red"]),
        ("colour!=red", ["blue", "none"]),
        ("colour in (red, blue)", ["blue", "red"]),
        ("colour notin (red)", ["blue", "none"]),
        ("colour", ["blue", "red"]),
        ("!colour", ["none"]),
        ("colour,colour!=blue", ["red"]),
        ("colour=", []),
        ("", ["blue", "none", "red"]),
    ],
)
def test_label_selector_selects(api: Api, selector: str, expected: list[str]) -> None:
    """Equality, sets, presence; a missing label satisfies what is negated."""
    for name in ("red", "blue"):
        api.create(CONFIGMAPS, config(name, labels={"colour": name}))
    api.create(CONFIGMAPS, config("none"))

    answer = api.core.handle(_list(CONFIGMAPS, labelSelector=selector))

    assert isinstance(answer, Response)
    items = json.loads(answer.body)["items"]
    assert [item["metadata"]["name"] for item in items] == expected


def _list(path: str, **query: str) -> Request:
    return Request("GET", path, {name: [value] for name, value in query.items()})


@pytest.mark.parametrize("selector", ["a in red", "=", "a b", "a=b=c", "a>1", "(a)"])
def test_label_selector_that_is_none_is_a_bad_request(api: Api, selector: str) -> None:
    """Never silently everything."""
    answer = api.core.handle(_list(CONFIGMAPS, labelSelector=selector))

    assert isinstance(answer, Response)
    assert answer.status == 400


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("status.phase=Running", ["b"]),
        ("status.phase!=Running", ["a"]),
        ("spec.nodeName=n", ["a", "b"]),
        ("metadata.name==a,metadata.namespace=ns", ["a"]),
        ("spec.nodeName=", []),
    ],
)
def test_field_selector_selects(api: Api, selector: str, expected: list[str]) -> None:
    """By the paths that Kubernetes allows."""
    api.create(PODS, pod("a", nodeName="n"))
    api.create(PODS, pod("b", nodeName="n"))
    api.patch(f"{PODS}/b/status", {"status": {"phase": "Running"}})

    answer = api.core.handle(_list(PODS, fieldSelector=selector))
    assert isinstance(answer, Response)
    assert [one["metadata"]["name"] for one in json.loads(answer.body)["items"]] == expected


@pytest.mark.parametrize("selector", ["spec.image=x", "status.phase"])
def test_field_selector_outside_the_table_is_a_bad_request(api: Api, selector: str) -> None:
    """As in Kubernetes; a filter that filters nothing is worse."""
    answer = api.core.handle(_list(PODS, fieldSelector=selector))

    assert isinstance(answer, Response)
    assert answer.status == 400


def test_event_is_selected_by_its_component(api: Api) -> None:
    """``source`` stands for source.component."""
    path = "/api/v1/namespaces/ns/events"
    for name in ("kubelet", "mesh"):
        involved = {"kind": "Pod", "name": "a"}
        body = {
            "metadata": {"name": name},
            "involvedObject": involved,
            "source": {"component": name},
        }
        api.create(path, body)

    answer = api.core.handle(_list(path, fieldSelector="source=mesh,involvedObject.name=a"))

    assert isinstance(answer, Response)
    assert [one["metadata"]["name"] for one in json.loads(answer.body)["items"]] == ["mesh"]


def test_pages_hold_everything_once(api: Api) -> None:
    """limit and continue; the first page's version stays, so that a watch misses nothing."""
    names = [f"c{number:02}" for number in range(10)]
    for name in names:
        api.create(CONFIGMAPS, config(name))
    first = api.get(f"{CONFIGMAPS}?limit=4")
    api.create(CONFIGMAPS, config("c95"))

    pages = [first]
    while token := pages[-1]["metadata"].get("continue"):
        pages.append(api.get(f"{CONFIGMAPS}?limit=4&continue={token}"))

    assert first["metadata"]["remainingItemCount"] == 6
    assert [len(page["items"]) for page in pages] == [4, 4, 3]
    versions = {page["metadata"]["resourceVersion"] for page in pages}
    assert versions == {first["metadata"]["resourceVersion"]}
    found = [item["metadata"]["name"] for page in pages for item in page["items"]]
    assert found == [*names, "c95"]


@pytest.mark.parametrize("token", ["bogus", "e30", "W10="])
def test_continue_of_another_server_is_a_bad_request(api: Api, token: str) -> None:
    """Whatever it is encoded as."""
    assert api.refusal("GET", f"{CONFIGMAPS}?continue={token}")[:2] == (400, "BadRequest")


def test_limit_that_is_no_number_is_a_bad_request(api: Api) -> None:
    """Never ignored."""
    assert api.refusal("GET", f"{CONFIGMAPS}?limit=many")[:2] == (400, "BadRequest")


def table(api: Api, path: str) -> tuple[list[str], list[list[Any]]]:
    found = api.get(path, accept=TABLE)
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    heads = [column["name"] for column in found["columnDefinitions"]]
    return heads, [row["cells"] for row in found["rows"]]


def test_table_of_pods_is_what_kubectl_prints(api: Api) -> None:
    """READY, STATUS, RESTARTS by the rules of Kubernetes' own printer."""
    api.create(PODS, pod("a", nodeName="n"))
    ended = {"terminated": {"exitCode": 1, "finishedAt": "2027-01-15T07:59:50Z"}}
    status = {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "containerStatuses": [
            {
                "name": "c",
                "ready": True,
                "restartCount": 2,
                "state": {"running": {}},
                "lastState": ended,
            }
        ],
    }
    api.patch(f"{PODS}/a/status", {"status": status})
    api.clock.time += 90

    heads, rows = table(api, PODS)

    assert heads == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        "IP",
        "Node",
        "Nominated Node",
        "Readiness Gates",
    ]
    assert rows == [
        ["a", "1/1", "Running", "2 (100s ago)", "90s", "10.0.0.1", "n", "<none>", "<none>"]
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "CrashLoopBackOff"),
        ({"state": {"terminated": {"reason": "Completed"}}}, "Completed"),
        ({"state": {"terminated": {"exitCode": 3}}}, "ExitCode:3"),
        ({"state": {"terminated": {"signal": 9, "exitCode": 137}}}, "Signal:9"),
    ],
)
def test_pod_status_is_the_word_that_says_most(api: Api, status: Any, expected: str) -> None:
    """A container's reason before the pod's phase."""
    api.create(PODS, pod("a"))
    if "state" in status:
        status = {"phase": "Running", "containerStatuses": [{"name": "c", **status}]}
    api.patch(f"{PODS}/a/status", {"status": status})

    assert table(api, PODS)[1][0][2] == expected


@pytest.mark.parametrize(("ready", "expected"), [("True", "Running"), ("False", "NotReady")])
def test_pod_with_one_container_done_is_running_or_not_ready(
    api: Api, ready: str, expected: str
) -> None:
    """Completed would hide the one that runs."""
    api.create(PODS, pod("a"))
    containers = [
        {"name": "c", "state": {"terminated": {"reason": "Completed"}}},
        {"name": "d", "ready": True, "state": {"running": {}}},
    ]
    conditions = [{"type": "Ready", "status": ready}]
    status = {"phase": "Running", "containerStatuses": containers, "conditions": conditions}
    api.patch(f"{PODS}/a/status", {"status": status})

    assert table(api, PODS)[1][0][2] == expected


def test_pod_that_is_to_go_is_terminating(api: Api) -> None:
    """Whatever its containers do."""
    api.create(PODS, pod("a", nodeName="n"))
    api.delete(f"{PODS}/a")

    assert table(api, PODS)[1][0][2] == "Terminating"


def test_table_of_deployments(api: Api) -> None:
    """Ready of wanted, and the wide columns."""
    api.create(DEPLOYMENTS, deployment("d"))
    api.patch(f"{DEPLOYMENTS}/d/status", {"status": {"readyReplicas": 1, "updatedReplicas": 1}})

    assert table(api, DEPLOYMENTS)[1] == [["d", "1/1", 1, 0, "0s", "c", "img:1", "app=d"]]


def test_table_of_a_custom_resource_has_the_columns_of_its_definition(api: Api) -> None:
    """And no age, as the definition has none."""
    api.create(NETWORKCHAOS, partition("p"))

    assert table(api, NETWORKCHAOS) == (["Name", "action", "duration"], [["p", "partition", "10s"]])


def test_table_of_every_kind_can_be_printed(api: Api) -> None:
    """kubectl get works for each row of the table of kinds."""
    for kind in KINDS:
        if "list" in kind.verbs:
            prefix = f"/apis/{kind.group}" if kind.group else "/api"
            heads, _ = table(api, f"{prefix}/{kind.version}/{kind.plural}")
            assert heads[0] in {"Name", "Last Seen"}


@pytest.mark.parametrize(
    ("body", "plural", "cells"),
    [
        (
            {"subsets": [{"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 80}]}]},
            "endpoints",
            ["x", "1.1.1.1:80", "0s"],
        ),
        ({}, "endpoints", ["x", "<none>", "0s"]),
        ({"spec": {"holderIdentity": "me"}}, "leases", ["x", "me", "0s"]),
        (
            {
                "involvedObject": {"kind": "Pod", "name": "a"},
                "lastTimestamp": "2027-01-15T07:59:55Z",
            },
            "events",
            ["5s", "<none>", "<none>", "pod/a", "", "", "", "<unknown>", 1, "x"],
        ),
        (
            {
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
                "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "ns"}],
            },
            "rolebindings",
            ["x", "Role/r", "0s", "ns/s"],
        ),
    ],
)
def test_cells_of_smaller_kinds(api: Api, body: Any, plural: str, cells: list[Any]) -> None:
    """One row each."""
    groups = {"leases": "coordination.k8s.io", "rolebindings": "rbac.authorization.k8s.io"}
    prefix = f"/apis/{groups[plural]}" if plural in groups else "/api"
    path = f"{prefix}/v1/namespaces/ns/{plural}"
    api.create(path, {"metadata": {"name": "x"}, **body})

    assert table(api, path)[1] == [cells]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([{"type": "Ready", "status": "True"}], "Ready"),
        ([{"type": "Ready", "status": "False"}], "NotReady"),
        ([], "Unknown"),
    ],
)
def test_cells_of_nodes(api: Api, conditions: Any, expected: str) -> None:
    """Status, roles and addresses."""
    body = {
        "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": ""}},
        "status": {
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": "10.0.0.2"}],
        },
    }
    api.create("/api/v1/nodes", body)

    row = table(api, "/api/v1/nodes")[1][0]

    assert row[:6] == ["n", expected, "worker", "0s", "<none>", "10.0.0.2"]


@pytest.mark.parametrize(("include", "kind"), [("Object", "Pod"), ("", "PartialObjectMetadata")])
def test_rows_carry_the_object_or_its_metadata(api: Api, include: str, kind: str) -> None:
    """includeObject: Object for --sort-by, Metadata by default."""
    api.create(PODS, pod("a"))

    query = f"?includeObject={include}" if include else ""
    row = api.get(f"{PODS}{query}", accept=TABLE)["rows"][0]

    assert row["object"]["kind"] == kind
    assert "object" not in api.get(f"{PODS}?includeObject=None", accept=TABLE)["rows"][0]


def test_metadata_alone_may_be_asked_for(api: Api) -> None:
    """as=PartialObjectMetadata, for one and for many."""
    api.create(PODS, pod("a"))
    one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"

    found = api.get(f"{PODS}/a", accept=one)
    many = api.get(PODS, accept=one.replace("Metadata;", "MetadataList;"))

    assert found.keys() == {"kind", "apiVersion", "metadata"}
    assert many["items"] == [found]


def test_client_that_takes_no_json_is_told(api: Api) -> None:
    """406, not a body it cannot read."""
    code, reason, _ = api.refusal("GET", PODS, accept="application/vnd.kubernetes.protobuf")

    assert (code, reason) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (120, "2m"),
        (185, "3m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 61, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600, "2d"),
        (2 * 86400 + 3600, "2d1h"),
        (9 * 86400, "9d"),
    ],
)
def test_age_is_written_as_kubectl_does(seconds: float, text: str) -> None:
    """Two units at most, and only while they matter."""
    assert human_duration(seconds) == text


def test_clock_of_the_core_is_the_one_given(api: Api) -> None:
    """No module of the core reads a clock by itself."""
    api.clock.time = NOW + 3600

    made = api.create(CONFIGMAPS, config("a"))

    assert made["metadata"]["creationTimestamp"] == "2027-01-15T09:00:00Z"
