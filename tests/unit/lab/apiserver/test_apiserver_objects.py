"""Create, read, update: identity, defaults, conflicts, validation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kvchaos.lab.apiserver.message import Response
from tests.unit.lab.apiserver.speaking import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NOW_TEXT,
    PODS,
    STRATEGIC_PATCH,
    Api,
    config,
    deployment,
    pod,
)


def test_created_object_gets_identity_from_the_server(api: Api) -> None:
    """uid, resourceVersion and creation time are the server's, whatever the client sends."""
    made = api.create(CONFIGMAPS, config("a", uid="mine", resourceVersion="", generation=7))

    metadata = made["metadata"]
    assert made == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "a",
            "namespace": "ns",
            "labels": {},
            "uid": metadata["uid"],
            "creationTimestamp": NOW_TEXT,
            "resourceVersion": metadata["resourceVersion"],
        },
        "data": {"k": "v"},
    }
    assert metadata["uid"] != "mine"
    assert api.get(f"{CONFIGMAPS}/a") == made


def test_second_create_of_a_name_is_already_exists(api: Api) -> None:
    """Clients match on the reason."""
    api.create(CONFIGMAPS, config("a"))

    status, body = api.whole("POST", CONFIGMAPS, config("a"))

    assert (status, body) == (
        409,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'configmaps "a" already exists',
            "reason": "AlreadyExists",
            "details": {"name": "a", "kind": "configmaps"},
            "code": 409,
        },
    )


def test_generated_names_differ_and_keep_their_prefix(api: Api) -> None:
    """generateName adds five characters."""
    body: Any = {"metadata": {"generateName": "made-"}}

    names = {api.create(CONFIGMAPS, body)["metadata"]["name"] for _ in range(50)}

    assert len(names) == 50
    assert {(name[:5], len(name)) for name in names} == {("made-", 10)}


def test_missing_object_is_not_found_by_its_qualified_name(api: Api) -> None:
    """The message names resource and group."""
    assert api.refusal("GET", f"{DEPLOYMENTS}/x") == (
        404,
        "NotFound",
        'deployments.apps "x" not found',
    )


def test_create_in_a_missing_namespace_is_not_found(api: Api) -> None:
    """Nothing lives outside a namespace that exists."""
    assert api.refusal("POST", "/api/v1/namespaces/nope/configmaps", config("a")) == (
        404,
        "NotFound",
        'namespaces "nope" not found',
    )


def test_update_under_an_old_version_is_a_conflict(api: Api) -> None:
    """Optimistic locking: who read an old version may not overwrite a newer one."""
    old = api.create(CONFIGMAPS, config("a"))
    api.patch(f"{CONFIGMAPS}/a", {"data": {"k": "w"}})

    code, reason, message = api.refusal("PUT", f"{CONFIGMAPS}/a", old)

    assert (code, reason) == (409, "Conflict")
    assert "the object has been modified" in message


def test_update_of_another_life_is_a_conflict(api: Api) -> None:
    """A uid in the body is a precondition."""
    made = api.create(CONFIGMAPS, config("a"))
    made["metadata"]["uid"] = "another"

    assert api.refusal("PUT", f"{CONFIGMAPS}/a", made)[:2] == (409, "Conflict")


def test_update_without_version_overwrites(api: Api) -> None:
    """No resourceVersion, no locking."""
    before = api.create(CONFIGMAPS, config("a"))

    after = api.put(f"{CONFIGMAPS}/a", {"metadata": {"name": "a"}, "data": {"k": "w"}})

    assert after["data"] == {"k": "w"}
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert int(after["metadata"]["resourceVersion"]) > int(before["metadata"]["resourceVersion"])


def test_update_that_changes_nothing_keeps_the_version(api: Api) -> None:
    """So that controllers which write the same again do not wake themselves."""
    made = api.create(CONFIGMAPS, config("a"))

    assert api.put(f"{CONFIGMAPS}/a", made) == made
    assert api.patch(f"{CONFIGMAPS}/a", {"data": {"k": "v"}}) == made


def test_renaming_by_update_is_refused(api: Api) -> None:
    """The name in the path counts."""
    api.create(CONFIGMAPS, config("a"))

    assert api.refusal("PUT", f"{CONFIGMAPS}/a", config("b"))[:2] == (400, "BadRequest")


def test_other_namespace_in_the_body_is_refused(api: Api) -> None:
    """Path and body must agree."""
    code, reason, message = api.refusal("POST", CONFIGMAPS, config("a", namespace="other"))

    assert (code, reason) == (400, "BadRequest")
    assert "does not match the namespace" in message


def test_dry_run_shows_the_result_and_keeps_nothing(api: Api) -> None:
    """dryRun=All: validated, defaulted, answered, forgotten."""
    status, body = api.whole("POST", f"{PODS}?dryRun=All", pod("a"))
    made = api.create(CONFIGMAPS, config("kept"))
    shown = api.whole("PATCH", f"{CONFIGMAPS}/kept?dryRun=All", {"data": {"k": "w"}})[1]
    api.whole("DELETE", f"{CONFIGMAPS}/kept?dryRun=All")

    assert (status, body["spec"]["restartPolicy"]) == (201, "Always")
    assert api.names(PODS) == []
    assert shown["data"] == {"k": "w"}
    assert api.get(f"{CONFIGMAPS}/kept") == made


def test_dry_run_of_anything_but_all_is_refused(api: Api) -> None:
    """As in Kubernetes."""
    assert api.refusal("POST", f"{PODS}?dryRun=Some", pod("a"))[:2] == (422, "Invalid")


def test_pod_is_stored_with_the_defaults_that_clients_read(api: Api) -> None:
    """A typed client demands them, controllers rely on them."""
    made = api.create(
        PODS,
        {
            "metadata": {"name": "a"},
            "spec": {
                "containers": [
                    {
                        "name": "c",
                        "image": "img",
                        "ports": [{"containerPort": 80}],
                        "readinessProbe": {"httpGet": {"port": 80}},
                    }
                ]
            },
        },
    )

    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert made["metadata"]["generation"] == 1
    assert made["spec"] == {
        "containers": [
            {
                "name": "c",
                "image": "img",
                "imagePullPolicy": "Always",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "readinessProbe": {
                    "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                    "timeoutSeconds": 1,
                    "periodSeconds": 10,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                },
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "enableServiceLinks": True,
        "priority": 0,
    }


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
    ],
)
def test_quality_of_service_follows_from_the_resources(
    api: Api, resources: Any, expected: str
) -> None:
    """As kubectl describe shows it."""
    body = pod("a")
    body["spec"]["containers"][0]["resources"] = resources

    assert api.create(PODS, body)["status"]["qosClass"] == expected


def test_deployment_gets_replicas_strategy_and_an_empty_status(api: Api) -> None:
    """chaosk8s reads status.available_replicas of it unguarded."""
    made = api.create(DEPLOYMENTS, deployment("d"))

    assert made["status"] == {}
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert made["spec"]["template"]["spec"]["restartPolicy"] == "Always"


def test_service_is_headless_with_target_ports(api: Api) -> None:
    """The lab has no service proxy, so it promises no address."""
    made = api.create(
        "/api/v1/namespaces/ns/services",
        {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}},
    )

    assert made["spec"]["clusterIP"] == "None"
    assert made["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


def test_secret_text_becomes_base64(api: Api) -> None:
    """stringData is for writing only."""
    made = api.create(
        "/api/v1/namespaces/ns/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    )

    assert made["data"] == {"a": base64.b64encode(b"b").decode()}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


def test_status_sent_with_a_create_is_dropped(api: Api) -> None:
    """Status belongs to controllers."""
    made = api.create(PODS, {**pod("a"), "status": {"phase": "Running"}})

    assert made["status"]["phase"] == "Pending"


def test_status_and_spec_are_written_apart(api: Api) -> None:
    """A write of one never changes the other."""
    api.create(DEPLOYMENTS, deployment("d"))

    api.patch(f"{DEPLOYMENTS}/d", {"status": {"replicas": 9}, "spec": {"replicas": 2}})
    api.patch(f"{DEPLOYMENTS}/d/status", {"status": {"replicas": 1}, "spec": {"replicas": 5}})

    found = api.get(f"{DEPLOYMENTS}/d")
    assert found["status"] == {"replicas": 1}
    assert found["spec"]["replicas"] == 2
    assert api.get(f"{DEPLOYMENTS}/d/status") == found


def test_generation_counts_wishes_and_not_reports(api: Api) -> None:
    """observedGeneration compares with it."""
    generations = [
        api.create(DEPLOYMENTS, deployment("d")),
        api.patch(f"{DEPLOYMENTS}/d", {"spec": {"replicas": 2}}),
        api.patch(f"{DEPLOYMENTS}/d", {"metadata": {"labels": {"a": "b"}}}),
        api.patch(f"{DEPLOYMENTS}/d/status", {"status": {"replicas": 1}}),
    ]

    assert [body["metadata"]["generation"] for body in generations] == [1, 2, 2, 2]


def test_scale_reads_and_writes_the_replicas_alone(api: Api) -> None:
    """kubectl scale, and autoscalers."""
    api.create(DEPLOYMENTS, deployment("d"))

    scaled = api.patch(f"{DEPLOYMENTS}/d/scale", {"spec": {"replicas": 4}})
    scaled["spec"]["replicas"] = 5
    again = api.put(f"{DEPLOYMENTS}/d/scale", scaled)

    assert (again["kind"], again["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (again["spec"], again["status"]) == (
        {"replicas": 5},
        {"replicas": 0, "selector": "app=d"},
    )
    assert api.get(f"{DEPLOYMENTS}/d/scale") == again
    assert api.get(f"{DEPLOYMENTS}/d")["spec"]["replicas"] == 5
    assert api.refusal("PUT", f"{DEPLOYMENTS}/d/scale", scaled)[:2] == (409, "Conflict")
    assert api.refusal(
        "PATCH",
        f"{DEPLOYMENTS}/d/scale",
        {"spec": {"replicas": "x"}},
    )[:2] == (400, "BadRequest")


def changed(body: Any, path: str, value: Any) -> Any:
    """``body`` with one value set; ``path`` holds dots, and indices as numbers."""
    place = body
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    place[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("metadata.name", "", "metadata.name: Required value"),
        ("metadata.name", "No_Good", "metadata.name: Invalid value"),
        ("metadata.labels", {"a": "b c"}, "metadata.labels: Invalid value"),
        ("metadata.labels", {"-": "b"}, "metadata.labels: Invalid value"),
        ("metadata.ownerReferences", [{"uid": "u"}], "metadata.ownerReferences[0].name"),
        ("spec.containers", [], "spec.containers: Required value"),
        ("spec", None, "spec.containers: Required value"),
        ("spec.containers.0.name", None, "spec.containers[0].name: Required value"),
        ("spec.containers.0.image", "", "spec.containers[0].image: Required value"),
        ("spec.containers.0.env", [{"value": "x"}], "spec.containers[0].env[0].name: Required"),
        ("spec.containers.0.ports", [{}], "spec.containers[0].ports[0].containerPort: Required"),
        ("spec.containers.0.ports", [{"containerPort": 0}], "containerPort: Required value"),
        ("spec.containers.0.ports", [{"containerPort": 65536}], "must be between 1 and 65535"),
        ("spec.restartPolicy", "Never ever", "spec.restartPolicy: Unsupported value"),
    ],
)
def test_pod_that_cannot_be_is_invalid_by_field(api: Api, path: str, value: Any, told: str) -> None:
    """422 names the field in Kubernetes' words."""
    code, reason, message = api.refusal("POST", PODS, changed(pod("a"), path, value))

    assert (code, reason) == (422, "Invalid")
    assert told in message


def test_all_findings_come_at_once_with_their_causes(api: Api) -> None:
    """A user mends everything in one go."""
    body = pod("a", containers=[{"name": "c"}, {"name": "c", "image": "i"}])

    status, refused = api.whole("POST", PODS, body)

    assert status == 422
    assert refused["details"] == {
        "name": "a",
        "kind": "Pod",
        "causes": [
            {
                "reason": "FieldValueRequired",
                "message": "Required value",
                "field": "spec.containers[0].image",
            },
            {
                "reason": "FieldValueDuplicate",
                "message": 'Duplicate value: "c"',
                "field": "spec.containers[1].name",
            },
        ],
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.containers", {}),
        ("spec.containers", ["c"]),
        ("spec.containers.0.command", "sleep 1"),
        ("spec.containers.0.env", [{"name": "a", "value": 1}]),
        ("spec.containers.0.ports", [{"containerPort": "80"}]),
        ("spec.hostNetwork", "yes"),
        ("metadata.labels", {"a": 1}),
        ("metadata", []),
        ("spec", "x"),
    ],
)
def test_field_of_the_wrong_type_is_a_bad_request(api: Api, path: str, value: Any) -> None:
    """What is stored can be read by typed clients."""
    assert api.refusal("POST", PODS, changed(pod("a"), path, value))[:2] == (400, "BadRequest")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"1", b"\xff"])
def test_body_that_is_no_object_is_a_bad_request(api: Api, raw: bytes) -> None:
    """Never a 500."""
    assert api.refusal("POST", PODS, raw)[:2] == (400, "BadRequest")


def test_body_of_another_kind_is_a_bad_request(api: Api) -> None:
    """The path says what is wanted."""
    code, _, message = api.refusal("POST", PODS, {**config("a"), "kind": "ConfigMap"})

    assert (code, message) == (
        400,
        'Pod in version "v1" cannot be handled as a Pod: the object provided is a v1 ConfigMap',
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"selector": None}, "spec.selector: Required value"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "does not match template"),
        ({"replicas": -1}, "spec.replicas: Invalid value"),
        ({"template": None}, "spec.template.spec.containers: Required value"),
    ],
)
def test_deployment_that_cannot_be_is_invalid(api: Api, change: Any, told: str) -> None:
    """Selector, template and replicas."""
    body = deployment("d")
    body["spec"] |= change

    code, reason, message = api.refusal("POST", DEPLOYMENTS, body)

    assert (code, reason) == (422, "Invalid")
    assert told in message


def test_selector_of_a_deployment_never_changes(api: Api) -> None:
    """Its pods would be lost."""
    api.create(DEPLOYMENTS, deployment("d"))
    labels = {"app": "other"}
    change = {
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    }

    code, _, message = api.refusal("PATCH", f"{DEPLOYMENTS}/d", change)

    assert code == 422
    assert "field is immutable" in message


def test_pod_changes_only_its_images_and_once_its_node(api: Api) -> None:
    """A running pod stays what it was asked to be."""
    api.create(PODS, pod("a"))

    bound = api.patch(f"{PODS}/a", {"spec": {"nodeName": "n"}})
    failed = api.patch(
        f"{PODS}/a",
        {"spec": {"containers": [{"name": "c", "image": "pause"}]}},
        content=STRATEGIC_PATCH,
    )
    moved = api.refusal("PATCH", f"{PODS}/a", {"spec": {"nodeName": "m"}})
    renamed = api.refusal("PATCH", f"{PODS}/a", {"spec": {"hostname": "h"}})

    assert bound["spec"]["nodeName"] == "n"
    assert failed["spec"]["containers"][0]["image"] == "pause"
    assert [moved[0], renamed[0]] == [422, 422]
    assert "pod updates may not change fields" in moved[2]


def warnings(answer: object) -> str:
    assert isinstance(answer, Response)
    return answer.headers.get("Warning", "")


@pytest.mark.parametrize(
    ("where", "path"),
    [
        (CONFIGMAPS, "dta"),
        (CONFIGMAPS, "metadata.ns"),
        (PODS, "spec.contaners"),
        (PODS, "spec.containers.0.imge"),
        (DEPLOYMENTS, "spec.template.spec.contaners"),
    ],
)
def test_unknown_field_is_told_dropped_or_refused(api: Api, where: str, path: str) -> None:
    """fieldValidation: Warn (the default), Ignore, Strict."""
    bodies = {CONFIGMAPS: config("a"), PODS: pod("a"), DEPLOYMENTS: deployment("a")}
    body = changed(bodies[where], path, "junk")
    told = f'unknown field "{path.replace(".0", "[0]")}"'

    refused = api.refusal("POST", f"{where}?fieldValidation=Strict", body)
    ignored = api.ask("POST", f"{where}?fieldValidation=Ignore&dryRun=All", body)
    warned = api.ask("POST", where, body)

    assert refused[:2] == (400, "BadRequest")
    assert refused[2].endswith(f"strict decoding error: {told}")
    assert warnings(ignored) == ""
    assert warnings(warned) == "299 - " + json.dumps(told)
    assert "junk" not in json.dumps(api.get(f"{where}/a"))


def test_field_validation_of_another_name_is_refused(api: Api) -> None:
    """Ignore, Warn, Strict."""
    assert api.refusal("POST", f"{PODS}?fieldValidation=Loud", pod("a"))[0] == 400


def test_body_may_be_yaml(api: Api) -> None:
    """As curl users send it."""
    body = b"metadata: {name: y}\ndata: {a: b}\n"

    status, made = api.whole("POST", CONFIGMAPS, body, content="application/yaml")

    assert (status, made["data"]) == (201, {"a": "b"})
    assert api.refusal("POST", CONFIGMAPS, b"a: [", content="application/yaml")[0] == 400


def test_body_in_an_unknown_format_is_unsupported(api: Api) -> None:
    """415 tells what is read."""
    code, reason, message = api.refusal("POST", CONFIGMAPS, b"x", content="text/plain")

    assert (code, reason) == (415, "UnsupportedMediaType")
    assert "application/json" in message


def test_access_review_allows(api: Api) -> None:
    """Whoever has the token may do everything."""
    spec = {"resourceAttributes": {"verb": "create", "resource": "pods"}}

    made = api.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})

    assert made["spec"] == spec
    assert made["status"]["allowed"] is True
