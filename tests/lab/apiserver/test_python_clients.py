"""The Python client and chaosk8s against the API server.

Each runs in a program of its own that prints what it saw as JSON: both leave connections open.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.lab.apiserver.serving import CONTEXT, Running

pytestmark = pytest.mark.lab

CLIENT = """
import json, sys
from kubernetes import client, config, watch

config.load_kube_config(sys.argv[1])
core, apps, custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
seen = {}
core.create_namespace({"metadata": {"name": "py"}})
pod = client.V1Pod(
    metadata=client.V1ObjectMeta(generate_name="p-", labels={"app": "a"}),
    spec=client.V1PodSpec(containers=[client.V1Container(name="c", image="i:1")]),
)
made = [core.create_namespaced_pod("py", pod) for _ in range(3)]
name = made[0].metadata.name
core.patch_namespaced_pod_status(name, "py", {"status": {"phase": "Running"}})
listed = core.list_namespaced_pod("py", label_selector="app=a", limit=2)
rest = core.list_namespaced_pod("py", _continue=listed.metadata._continue)
seen["pages"] = [len(listed.items), len(rest.items)]
running = core.list_namespaced_pod("py", field_selector="status.phase=Running")
seen["running"] = [one.metadata.name == name for one in running.items]
log = core.read_namespaced_pod_log(name, "py", tail_lines=1, _preload_content=False)
seen["log"] = log.data.decode()
events = []
for event in watch.Watch().stream(core.list_namespaced_pod, "py", timeout_seconds=1):
    events.append([event["type"], event["object"].status.phase])
seen["watched"] = sorted(events)
labels = {"app": "d"}
container = client.V1Container(name="c", image="i:1")
template = client.V1PodTemplateSpec(
    metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
)
spec = client.V1DeploymentSpec(
    replicas=2, selector=client.V1LabelSelector(match_labels=labels), template=template
)
body = client.V1Deployment(metadata=client.V1ObjectMeta(name="d"), spec=spec)
apps.create_namespaced_deployment("py", body)
apps.patch_namespaced_deployment_scale("d", "py", {"spec": {"replicas": 3}})
seen["scaled"] = apps.read_namespaced_deployment_scale("d", "py").spec.replicas
read = apps.read_namespaced_deployment("d", "py")
read.metadata.labels = {"x": "y"}
seen["replaced"] = apps.replace_namespaced_deployment("d", "py", read).metadata.labels
fault = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "metadata": {"name": "f"},
    "spec": {"action": "partition", "mode": "all", "selector": {"labelSelectors": {"app": "a"}}},
}
where = ("chaos-mesh.org", "v1alpha1", "py", "networkchaos")
seen["fault"] = custom.create_namespaced_custom_object(*where, fault)["spec"]["direction"]
custom.delete_namespaced_custom_object(*where, "f")
review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}
reviews = client.AuthorizationV1Api()
seen["allowed"] = reviews.create_self_subject_access_review(review).status.allowed
seen["version"] = client.VersionApi().get_code().minor
seen["crds"] = len(client.ApiextensionsV1Api().list_custom_resource_definition().items)
errors = []
for call in (
    lambda: core.read_namespaced_pod("none", "py"),
    lambda: core.create_namespace({"metadata": {"name": "py"}}),
    lambda: core.create_namespaced_pod("py", {"metadata": {"name": "x"}, "spec": {}}),
):
    try:
        call()
    except client.ApiException as error:
        errors.append([error.status, json.loads(error.body)["reason"]])
seen["errors"] = errors
core.delete_namespaced_pod(name, "py")
core.delete_collection_namespaced_pod("py")
seen["left"] = len(core.list_namespaced_pod("py").items)
core.delete_namespace("py")
print(json.dumps(seen))
"""

CHAOSK8S = """
import json
from chaosk8s.chaosmesh.network.actions import add_latency, delete_network_fault
from chaosk8s.deployment.actions import create_deployment, delete_deployment, scale_deployment
from chaosk8s.deployment.probes import deployment_available_and_healthy
from chaosk8s.pod.actions import delete_pods, terminate_pods
from chaosk8s.pod.probes import count_pods, pods_in_phase, pods_not_in_phase, read_pod_logs
from kubernetes import client, config

config.load_kube_config()
core, apps = client.CoreV1Api(), client.AppsV1Api()
core.create_namespace({"metadata": {"name": "chaos"}})
for name in "ab":
    container = {"name": "c", "image": "i:1"}
    metadata = {"name": name, "labels": {"app": name}}
    body = {"metadata": metadata, "spec": {"containers": [container]}}
    core.create_namespaced_pod("chaos", body)
    core.patch_namespaced_pod_status(name, "chaos", {"status": {"phase": "Running"}})
labels = {"app": "d"}
apps.create_namespaced_deployment("chaos", {
    "metadata": {"name": "d", "labels": {"name": "d"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    },
})
seen = {}
scale_deployment("d", replicas=2, ns="chaos")
seen["scaled"] = apps.read_namespaced_deployment("d", "chaos").spec.replicas
seen["unhealthy"] = deployment_available_and_healthy("d", ns="chaos", raise_on_unavailable=False)
status = {"status": {"replicas": 2, "availableReplicas": 2, "readyReplicas": 2}}
apps.patch_namespaced_deployment_status("d", "chaos", status)
seen["healthy"] = deployment_available_and_healthy("d", ns="chaos", raise_on_unavailable=False)
seen["one"] = count_pods(label_selector="app=a", ns="chaos")
seen["both"] = count_pods(label_selector="app in (a,b)", phase="Running", ns="chaos")
seen["in phase"] = pods_in_phase(label_selector="app=a", phase="Running", ns="chaos")
seen["not in phase"] = pods_not_in_phase(label_selector="app=a", phase="Pending", ns="chaos")
seen["logs"] = read_pod_logs(label_selector="app=b", ns="chaos")
terminate_pods(label_selector="app=a", ns="chaos", all=True)
seen["after"] = count_pods(label_selector="app=a", ns="chaos")
made = add_latency("slow", ns="chaos", namespaces_selectors="chaos", latency="10ms")
seen["fault"] = [made["metadata"]["name"], made["metadata"].get("ns"), made["spec"]["action"]]
delete_network_fault("slow", ns="chaos")
delete_deployment(name="d", ns="chaos")
core.delete_namespace("chaos")
print(json.dumps(seen))
"""


def run(program: str, api: Running) -> Any:
    """What a program printed."""
    environment = {
        **os.environ,
        "KUBECONFIG": str(api.kubeconfig),
        "KUBERNETES_CONTEXT": CONTEXT,
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(api.kubeconfig)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_python_client_does_its_work(api: Running) -> None:
    """Typed models, watch, pages, scale, custom objects, errors."""
    assert run(CLIENT, api) == {
        "pages": [2, 1],
        "running": [True],
        "log": "c line 2\n",
        "watched": [["ADDED", "Pending"], ["ADDED", "Pending"], ["ADDED", "Running"]],
        "scaled": 3,
        "replaced": {"x": "y"},
        "fault": "to",
        "allowed": True,
        "version": "34",
        "crds": 3,
        "errors": [[404, "NotFound"], [409, "AlreadyExists"], [422, "Invalid"]],
        "left": 0,
    }


def test_chaosk8s_probes_and_acts(api: Running) -> None:
    """The probes that experiments use beside kvchaos's own, and a network fault of its own."""
    assert run(CHAOSK8S, api) == {
        "scaled": 2,
        "unhealthy": False,
        "healthy": True,
        "one": 1,
        "both": 2,
        "in phase": True,
        "not in phase": True,
        "logs": {"b": "c line 0\nc line 1\nc line 2\n"},
        "after": 0,
        "fault": ["slow", None, "delay"],
    }
