"""kubectl, in every version of 1.29 to 1.33 that this machine has, against the API server.

``KVCHAOS_KUBECTL`` names other programs, joined by colons. Looked for otherwise: ``kubectl`` and
``kubectl.1.NN`` beside it. What kubectl prints is compared as it is, ages and uids apart.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.lab.apiserver.serving import Running

SUPPORTED = range(29, 34)
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "img:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: NAME}}
spec: {containers: [{name: c, image: "img:1"}]}
"""
PARTITION = """
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata: {name: cut}
spec:
  action: partition
  mode: all
  duration: 10s
  selector: {labelSelectors: {app: web}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {name: kill}
spec: {action: pod-kill, mode: one, selector: {labelSelectors: {app: web}}}
"""


def minor(program: str) -> int:
    """NN of the client's version 1.NN."""
    done = subprocess.run(
        [program, "version", "--client", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    found = re.search(r'"minor": "(\d+)', done.stdout)
    return int(found[1]) if found else 0


@cache
def programs() -> dict[str, str]:
    """The kubectls to try, by version; one of each."""
    if named := os.environ.get("KVCHAOS_KUBECTL"):
        candidates = named.split(os.pathsep)
    elif found := shutil.which("kubectl"):
        beside = Path(found).resolve().parent
        candidates = [str(path) for path in sorted(beside.glob("kubectl.1.*"))] or [found]
    else:
        candidates = []
    by_version = {minor(program): program for program in candidates}
    return {f"1.{number}": by_version[number] for number in SUPPORTED if number in by_version}


pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not programs(), reason="no kubectl of 1.29 to 1.33 on PATH"),
]


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One program in one namespace of the server."""

    program: str
    kubeconfig: Path
    namespace: str

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        place = (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")
        return subprocess.run(
            [self.program, *place, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def __call__(self, *words: str, stdin: str = "") -> str:
        """What it prints when all goes well."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, *words: str, stdin: str = "") -> str:
        """What it says when it fails."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode != 0, f"{words}: {done.stdout}"
        return done.stderr

    def rows(self, *words: str) -> list[list[str]]:
        """The cells that ``get`` prints, without the ages."""
        lines = self("get", *words).splitlines()
        return [
            ["AGE" if re.fullmatch(r"\d+s", cell) else cell for cell in re.split(r" {2,}", line)]
            for line in (text.rstrip() for text in lines)
        ]


@pytest.fixture(scope="module", params=list(programs()) or ["none"])
def kubectl(request: pytest.FixtureRequest, api: Running) -> Iterator[Kubectl]:
    """One version of kubectl, in a namespace made by it."""
    name = f"kubectl-{request.param.replace('.', '-')}"
    kubectl = Kubectl(programs()[request.param], api.kubeconfig, name)
    assert kubectl("create", "namespace", name) == f"namespace/{name} created\n"
    yield kubectl
    assert kubectl("delete", "namespace", name) == f'namespace "{name}" deleted\n'
    assert name not in kubectl("get", "namespaces")


def test_version_and_resources(kubectl: Kubectl) -> None:
    """Discovery, in whatever form this version asks for."""
    assert "Server Version: v1.34" in kubectl("version")
    resources = kubectl("api-resources", "-o", "name").split()
    assert {"pods", "deployments.apps", "networkchaos.chaos-mesh.org"} <= set(resources)
    assert "chaos-mesh.org/v1alpha1" in kubectl("api-versions").split()
    assert kubectl("auth", "can-i", "create", "networkchaos").strip() == "yes"


def test_typed_create_commands(kubectl: Kubectl) -> None:
    """Sent as protobuf by 1.32 and later."""
    kubectl("create", "configmap", "c1", "--from-literal=a=b")
    kubectl("create", "secret", "generic", "s1", "--from-literal=a=b")
    kubectl("create", "serviceaccount", "sa1")

    found = {
        kind: json.loads(kubectl("get", kind, name, "-o", "json"))
        for kind, name in (("configmap", "c1"), ("secret", "s1"), ("serviceaccount", "sa1"))
    }

    assert found["configmap"]["data"] == {"a": "b"}
    assert (found["secret"]["type"], found["secret"]["data"]) == ("Opaque", {"a": "Yg=="})
    assert found["serviceaccount"]["metadata"]["name"] == "sa1"


def test_deployment_is_applied_changed_and_deleted(kubectl: Kubectl) -> None:
    """apply, get, scale, patch, set image, label, annotate, rollout, describe, delete."""
    said = [kubectl("apply", "-f", "-", stdin=DEPLOYMENT).split()[1] for _ in range(2)]
    changed = DEPLOYMENT.replace("img:1", "img:2").replace(', {name: B, value: "2"}', "")
    said.append(kubectl("apply", "-f", "-", stdin=changed).split()[1])
    assert said == ["created", "unchanged", "configured"]
    assert kubectl.rows("deployments", "-o", "wide") == [
        ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"],
        ["web", "0/2", "0", "0", "AGE", "c", "img:2", "app=web"],
    ]
    kubectl("patch", "deployment", "web", "-p", _container(env=[{"name": "C", "value": "3"}]))
    kubectl("scale", "deployment", "web", "--replicas=3")
    kubectl("scale", "deployment", "web", "--current-replicas=3", "--replicas=4")
    kubectl("set", "image", "deployment/web", "c=img:3")
    kubectl("rollout", "restart", "deployment/web")
    kubectl("label", "deployment", "web", "tier=front")
    kubectl("annotate", "deployment", "web", "note=hello")

    found = json.loads(kubectl("get", "deployment", "web", "-o", "json"))
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert (found["spec"]["replicas"], container["image"]) == (4, "img:3")
    assert {one["name"]: one["value"] for one in container["env"]} == {"A": "1", "C": "3"}
    assert kubectl("get", "deployments", "-l", "tier=front", "-o", "name") == (
        "deployment.apps/web\n"
    )
    assert kubectl("get", "deployments", "-l", "tier!=front", "-o", "name") == ""
    described = kubectl("describe", "deployment", "web")
    assert re.search(r"Replicas: +4 desired", described)
    assert "Annotations:" in described
    assert kubectl("delete", "deployment", "web") == 'deployment.apps "web" deleted\n'


def _container(**fields: object) -> str:
    containers = [{"name": "c", **fields}]
    return json.dumps({"spec": {"template": {"spec": {"containers": containers}}}})


def test_patches_of_all_kinds(kubectl: Kubectl) -> None:
    """Strategic, merge, JSON."""
    kubectl("create", "configmap", "patched", "--from-literal=a=1")

    kubectl("patch", "configmap", "patched", "-p", '{"data":{"b":"2"}}')
    kubectl("patch", "configmap", "patched", "--type=merge", "-p", '{"data":{"c":"3"}}')
    operation = '[{"op":"remove","path":"/data/a"}]'
    kubectl("patch", "configmap", "patched", "--type=json", "-p", operation)

    path = "jsonpath={.data}"
    assert json.loads(kubectl("get", "configmap", "patched", "-o", path)) == {"b": "2", "c": "3"}


def test_pods_are_listed_described_and_logged(kubectl: Kubectl) -> None:
    """create -f, get in its forms, logs, wait, delete."""
    pod = POD.replace("NAME", "p")
    assert kubectl("create", "-f", "-", stdin=pod) == "pod/p created\n"
    assert "AlreadyExists" in kubectl.refused("create", "-f", "-", stdin=pod)
    kubectl("patch", "pod", "p", "--subresource=status", "-p", '{"status":{"phase":"Running"}}')

    assert kubectl.rows("pods", "-l", "app=p", "-o", "wide") == [
        [
            *("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NOMINATED NODE"),
            "READINESS GATES",
        ],
        ["p", "0/1", "Running", "0", "AGE", *4 * ["<none>"]],
    ]
    assert kubectl.rows("pods", "--field-selector", "status.phase=Pending") == []
    assert kubectl("get", "pods", "--field-selector", "metadata.name=p", "-o", "name") == "pod/p\n"
    assert "field label not supported" in kubectl.refused("get", "pods", "--field-selector", "a=b")
    assert "image: img:1" in kubectl("get", "pod", "p", "-o", "yaml")
    assert kubectl("get", "pod", "p", "-o", "jsonpath={.status.phase}") == "Running"
    assert re.search(r"Status: +Running", kubectl("describe", "pod", "p"))
    assert kubectl("logs", "p", "--tail=1") == "c line 2\n"
    assert "previous terminated container" in kubectl.refused("logs", "p", "--previous")
    kubectl("wait", "pod/p", "--for=jsonpath={.status.phase}=Running", "--timeout=10s")
    assert kubectl("delete", "pod", "p") == 'pod "p" deleted\n'
    kubectl("wait", "pod/p", "--for=delete", "--timeout=10s")


def test_watch_prints_each_change(kubectl: Kubectl) -> None:
    """get -w, until its time is out."""
    kubectl("create", "configmap", "watched")
    place = (f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={kubectl.namespace}")
    words = ("get", "configmaps", "-w", "--field-selector", "metadata.name=watched")
    with subprocess.Popen(
        [kubectl.program, *place, *words], stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            assert watching.stdout is not None
            lines = [watching.stdout.readline().split() for _ in range(2)]
            kubectl("patch", "configmap", "watched", "-p", '{"data":{"a":"1"}}')
            lines.append(watching.stdout.readline().split())
        finally:
            watching.terminate()

    assert [line[:2] for line in lines] == [["NAME", "DATA"], ["watched", "0"], ["watched", "1"]]


def test_faults_are_applied_and_never_changed(kubectl: Kubectl) -> None:
    """NetworkChaos and PodChaos by file, as users write them."""
    said = [kubectl("apply", "-f", "-", stdin=PARTITION).splitlines() for _ in range(2)]
    assert said == [
        ["networkchaos.chaos-mesh.org/cut created", "podchaos.chaos-mesh.org/kill created"],
        ["networkchaos.chaos-mesh.org/cut unchanged", "podchaos.chaos-mesh.org/kill unchanged"],
    ]
    assert kubectl.rows("networkchaos") == [
        ["NAME", "ACTION", "DURATION"],
        ["cut", "partition", "AGE"],  # it looks like one
    ]
    assert kubectl.rows("podchaos") == [["NAME", "AGE"], ["kill", "AGE"]]
    assert "Action:     partition" in kubectl("describe", "networkchaos", "cut")
    patch = ("patch", "networkchaos", "cut", "--type=merge", "-p")
    assert "Cannot update chaos spec" in kubectl.refused(*patch, '{"spec":{"duration":"20s"}}')
    kubectl("label", "networkchaos", "cut", "a=b")
    kubectl("annotate", "podchaos", "kill", "experiment.chaos-mesh.org/pause=true")
    misspelt = PARTITION.replace("duration", "durration")
    assert 'unknown field "spec.durration"' in kubectl.refused("apply", "-f", "-", stdin=misspelt)
    kubectl("delete", "-f", "-", stdin=PARTITION)
    assert kubectl.rows("networkchaos,podchaos") == []


def test_namespaces_are_labelled_and_described(kubectl: Kubectl) -> None:
    """The namespace of this version."""
    kubectl("label", "namespace", kubectl.namespace, "team=chaos")
    kubectl("annotate", "namespace", kubectl.namespace, "a=b")

    assert kubectl("get", "namespaces", "-l", "team=chaos", "-o", "name") == (
        f"namespace/{kubectl.namespace}\n"
    )
    assert re.search(r"Status: +Active", kubectl("describe", "namespace", kubectl.namespace))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("exec", "up", "--", "ls"), "does not support pods/exec"),
        (("attach", "up"), "does not support pods/attach"),
        (("port-forward", "up", ":80"), "does not speak SPDY"),
        (("apply", "--server-side", "-f", "-"), "no server-side apply"),
        (("get", "jobs"), 'doesn\'t have a resource type "jobs"'),
        (("get", "--raw", "/api/v1/persistentvolumes"), "does not serve persistentvolumes"),
    ],
)
def test_what_is_not_supported_says_so(kubectl: Kubectl, words: tuple[str, ...], told: str) -> None:
    """No silence, no 500: what it is, and what to use instead."""
    kubectl("apply", "-f", "-", stdin=POD.replace("NAME", "up"))
    kubectl("patch", "pod", "up", "--subresource=status", "-p", '{"status":{"phase":"Running"}}')

    assert told in kubectl.refused(*words, stdin=POD.replace("NAME", "up"))


def test_explain_says_that_there_is_nothing_to_read(kubectl: Kubectl) -> None:
    """The kind, and where its documentation is."""
    assert "keeps no documentation" in " ".join(kubectl("explain", "pods").split())
