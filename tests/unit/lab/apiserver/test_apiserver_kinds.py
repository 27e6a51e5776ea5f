"""Rules of the smaller kinds: defaults, what must be there, what never changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kvchaos.lab.apiserver.kubeconfig import kubeconfig
from tests.unit.lab.apiserver.speaking import PODS, STRATEGIC_PATCH, Api, deployment, pod

NS = "/api/v1/namespaces/ns"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}


def test_replica_set_gets_one_replica_and_its_template_the_defaults(api: Api) -> None:
    """As a deployment does."""
    made = api.create("/apis/apps/v1/namespaces/ns/replicasets", deployment("r"))

    assert made["status"] == {"replicas": 0}
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_recreating_deployment_has_no_rolling_update(api: Api) -> None:
    """Only RollingUpdate has such settings."""
    body = deployment("d")
    body["spec"]["strategy"] = {"type": "Recreate"}

    made = api.create("/apis/apps/v1/namespaces/ns/deployments", body)

    assert made["spec"]["strategy"] == {"type": "Recreate"}


def test_endpoints_and_volumes_and_references_get_their_defaults(api: Api) -> None:
    """Protocol, mode, apiVersion."""
    subset = {"addresses": [{"ip": "1.1.1.1"}], "ports": [{"port": 80}]}
    endpoints = api.create(f"{NS}/endpoints", {"metadata": {"name": "e"}, "subsets": [subset]})
    body = pod("a", volumes=[{"name": "v", "configMap": {"name": "c"}}])
    reference = {"fieldRef": {"fieldPath": "metadata.name"}}
    body["spec"]["containers"][0]["env"] = [{"name": "POD", "valueFrom": reference}]
    made = api.create(PODS, body)

    assert endpoints["subsets"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]
    assert made["spec"]["volumes"][0]["configMap"] == {"name": "c", "defaultMode": 420}
    variable = made["spec"]["containers"][0]["env"][0]
    assert variable["valueFrom"]["fieldRef"] == {"fieldPath": "metadata.name", "apiVersion": "v1"}


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (f"{NS}/services", {"spec": {}}, "spec.ports: Required value"),
        (f"{NS}/services", {"spec": {"ports": [{}]}}, "spec.ports[0].port: Required value"),
        (f"{NS}/events", {}, "involvedObject: Required value"),
        (f"{RBAC}/namespaces/ns/rolebindings", {}, "roleRef.name: Required value"),
        (f"{RBAC}/clusterrolebindings", {}, "roleRef.name: Required value"),
        (f"{RBAC}/clusterroles", {"metadata": {"name": "a/b"}}, "metadata.name: Invalid value"),
        ("/api/v1/namespaces", {"metadata": {"name": "a.b"}}, "metadata.name: Invalid value"),
    ],
)
def test_what_must_be_there_is_asked_for(api: Api, path: str, body: Any, told: str) -> None:
    """422 by field."""
    code, reason, message = api.refusal("POST", path, {"metadata": {"name": "x"}, **body})

    assert (code, reason) == (422, "Invalid")
    assert told in message


def test_headless_service_needs_no_ports(api: Api) -> None:
    """clusterIP None by the user's own wish."""
    body = {"metadata": {"name": "s"}, "spec": {"clusterIP": "None"}}

    assert api.create(f"{NS}/services", body)["spec"]["type"] == "ClusterIP"


def test_role_of_a_binding_never_changes(api: Api) -> None:
    """Its subjects may."""
    path = f"{RBAC}/namespaces/ns/rolebindings"
    api.create(path, {"metadata": {"name": "b"}, "roleRef": ROLE_REF})
    subjects = [{"kind": "ServiceAccount", "name": "s", "namespace": "ns"}]

    changed = api.patch(f"{path}/b", {"subjects": subjects})
    refused = api.refusal("PATCH", f"{path}/b", {"roleRef": {"name": "other"}})

    assert changed["subjects"] == subjects
    assert refused[0] == 422
    assert "cannot change roleRef" in refused[2]


def test_names_of_roles_may_hold_colons(api: Api) -> None:
    """As system:masters."""
    made = api.create(f"{RBAC}/clusterroles", {"metadata": {"name": "system:x"}})

    assert api.get(f"{RBAC}/clusterroles/system:x") == made


def test_conditions_of_a_status_are_merged_by_their_type(api: Api) -> None:
    """Two controllers may each own one."""
    api.create(PODS, pod("a"))
    for name in ("Ready", "Initialized", "Ready"):
        conditions = [{"type": name, "status": "True"}]
        change = {"status": {"conditions": conditions}}
        made = api.patch(f"{PODS}/a/status", change, content=STRATEGIC_PATCH)

    assert [one["type"] for one in made["status"]["conditions"]] == ["Ready", "Initialized"]


def test_kubeconfig_has_one_of_each() -> None:
    """All inline, and the only context is the current one."""
    text = kubeconfig("https://x", "PEM", "t", "lab", namespace="n")

    assert yaml.safe_load(text) == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": "https://x", "certificate-authority-data": "UEVN"},
            }
        ],
        "users": [{"name": "lab", "user": {"token": "t"}}],
        "contexts": [
            {"name": "lab", "context": {"cluster": "lab", "user": "lab", "namespace": "n"}}
        ],
        "current-context": "lab",
    }


def test_kubeconfig_names_the_certificates_file(tmp_path: Path) -> None:
    """Then its client has no reason to make one."""
    text = kubeconfig("https://x", "PEM", "t", "lab", ca_file=tmp_path / "ca.pem")

    (cluster,) = yaml.safe_load(text)["clusters"]
    assert cluster["cluster"] == {
        "server": "https://x",
        "certificate-authority": str(tmp_path / "ca.pem"),
    }


def test_kubeconfig_without_tls_and_token_names_the_server_alone() -> None:
    """For pods that reach the API through the lab's own relay."""
    config = yaml.safe_load(kubeconfig("http://x", "", "", "lab"))

    assert config["clusters"][0]["cluster"] == {"server": "http://x"}
    assert config["users"][0]["user"] == {}
    assert config["contexts"][0]["context"] == {"cluster": "lab", "user": "lab"}
