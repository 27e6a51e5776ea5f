"""The cluster that the contract suite runs against, and a namespace of its own for each module.

``KVCHAOS_CONTRACT_CONTEXT`` names a context (of ``KUBECONFIG`` or ``~/.kube/config``); without
it the suite starts an embedded lab of its own and takes it down again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.config import LAB_CONTEXT
from kvchaos.cluster.kinds import NAMESPACES
from kvchaos.cluster.portforward import Bridge
from tests.contract.world import World


@pytest.fixture(scope="session")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path | None]]:
    """The context's name, and a kubeconfig when it is not the user's."""
    if named := os.environ.get("KVCHAOS_CONTRACT_CONTEXT"):
        yield named, None
        return
    home = tmp_path_factory.mktemp("lab")
    environment = {**os.environ, "KVCHAOS_LAB_DIR": str(home)}
    _lab("up", "--engines", "0", environment=environment)
    try:
        yield LAB_CONTEXT, home / "kubeconfig"
    finally:
        _lab("down", environment=environment)


def _lab(*words: str, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "kvchaos", "lab", *words]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def cluster(context: tuple[str, Path | None]) -> Iterator[Cluster]:
    """A client of the cluster under test."""
    name, kubeconfig = context
    with Cluster.connect(name, kubeconfig=kubeconfig) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[World]:
    """A namespace of the module's own, and what is needed to act in it."""
    namespace = f"contract-{uuid.uuid4().hex[:8]}"
    cluster.create(NAMESPACES, {"metadata": {"name": namespace}})
    world = World(cluster, namespace, Bridge(cluster))
    try:
        world.settle()
        yield world
    finally:
        world.close()
