from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.config import contexts, load, use_for_others
from kvchaos.errors import ClusterUnreachable, ContextNotFound


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without anything, whatever the machine has."""
    for name in (
        "KUBECONFIG",
        "KVCHAOS_LAB_DIR",
        "XDG_STATE_HOME",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, *names: str, token: str = "secret") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {
        "clusters": [{"name": n, "cluster": {"server": f"http://{n}.test:1/"}} for n in names],
        "users": [{"name": n, "user": {"token": token}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
        "current-context": names[0],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def test_named_context_gives_server_and_credentials(nobody: Path) -> None:
    """Of that context, not of the current one."""
    write(nobody / ".kube" / "config", "one", "two")

    access = load("two")

    assert (access.context, access.server) == ("two", "http://two.test:1")
    assert access.headers() == {"authorization": "Bearer secret"}
    assert access.ssl_context() is None


def test_kubeconfig_may_be_several_files(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined by colons, as kubectl reads them; files that are not there are passed over."""
    paths = [write(nobody / "a", "one"), nobody / "missing", write(nobody / "b", "two")]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, paths)))

    assert [load(name).server for name in ("one", "two")] == [
        "http://one.test:1",
        "http://two.test:1",
    ]


def test_missing_context_names_those_that_exist(nobody: Path) -> None:
    """The error is the list to choose from."""
    path = write(nobody / ".kube" / "config", "one", "two")

    with pytest.raises(ContextNotFound) as caught:
        Cluster.connect("three")

    assert str(caught.value) == (
        f"no context three: wanted one of kvchaos-lab, one, two; see: {path}"
    )


def test_missing_kubeconfig_has_no_contexts(nobody: Path) -> None:
    """Nothing is guessed, not even localhost; only the lab is always there to be named."""
    with pytest.raises(ContextNotFound, match="no context three: wanted one of kvchaos-lab"):
        load("three")


def test_kubeconfig_that_is_no_yaml_is_told(nobody: Path) -> None:
    """With its path."""
    path = nobody / "broken"
    path.write_text("a: [")

    with pytest.raises(ContextNotFound, match="no readable kubeconfig"):
        load("one", kubeconfig=path)


def test_kubeconfig_with_a_broken_context_is_told(nobody: Path) -> None:
    """A context that points to no cluster."""
    path = nobody / "half"
    path.write_text(yaml.safe_dump({"contexts": [{"name": "one", "context": {"cluster": "x"}}]}))

    with pytest.raises(ContextNotFound, match="context one is not usable"):
        load("one", kubeconfig=path)


def test_lab_that_is_not_up_says_how_to_start_it(nobody: Path) -> None:
    """Its context is never looked for elsewhere."""
    write(nobody / ".kube" / "config", "kvchaos-lab")

    with pytest.raises(ClusterUnreachable, match=r"not up.*; see: kvchaos lab up"):
        load("kvchaos-lab")


def test_lab_is_found_by_its_own_kubeconfig(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the lab's directory."""
    monkeypatch.setenv("KVCHAOS_LAB_DIR", str(nobody / "lab"))
    write(nobody / "lab" / "kubeconfig", "kvchaos-lab")

    assert load("kvchaos-lab").server == "http://kvchaos-lab.test:1"


@pytest.mark.parametrize("context", ["", "in-cluster"])
def test_outside_a_pod_there_is_no_in_cluster(context: str, nobody: Path) -> None:
    """Also when a kubeconfig could be read: nothing falls back silently."""
    write(nobody / ".kube" / "config", "one")

    with pytest.raises(ContextNotFound, match="not inside a pod"):
        load(context)


def test_pod_of_the_lab_uses_the_kubeconfig_it_was_given(
    nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the service's address but no mounted service account."""
    monkeypatch.setenv("KUBECONFIG", str(write(nobody / "given", "inside")))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")

    assert load("in-cluster").server == "http://inside.test:1"


def test_contexts_of_a_file_without_any() -> None:
    """An empty file is no error."""
    assert contexts(Path(os.devnull)) == []


@pytest.mark.parametrize(
    ("context", "said"), [("in-cluster", "true"), ("", "true"), ("staging", "no")]
)
def test_toolkits_own_probes_mean_the_pod_that_they_run_in(
    monkeypatch: pytest.MonkeyPatch, context: str, said: str
) -> None:
    """In a pod, chaostoolkit-kubernetes asks localhost unless CHAOSTOOLKIT_IN_POD is true."""
    monkeypatch.setenv("CHAOSTOOLKIT_IN_POD", "no")
    monkeypatch.setenv("KUBERNETES_CONTEXT", "another")

    use_for_others(context, None)

    assert (os.environ["CHAOSTOOLKIT_IN_POD"], os.environ["KUBERNETES_CONTEXT"]) == (said, context)
