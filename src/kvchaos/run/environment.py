"""Where a run runs: versions here and in the cluster, and the pods it is about."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, TypeVar

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NODES, PODS, Object
from kvchaos.errors import KVChaosError
from kvchaos.run.session import Run

Json = dict[str, Any]
T = TypeVar("T")

BOUND = 2.0  # seconds for each question to the cluster


def environment(run: Run) -> Json:
    """The fields of the history's ``environment``; None and empty lists where nobody could tell.

    A runner whose rights end at its namespace may not count the nodes.
    """
    cluster = run.cluster.once(timeout=BOUND)
    settings = run.settings
    return {
        "kvchaos": version("kvchaos"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "chaostoolkit": version("chaostoolkit-lib"),
        "kubernetes": _told(cluster.version),
        "nodes": _told(lambda: len(cluster.list(NODES))),
        "engines": _pods(cluster, settings.namespace, settings.engine_selector),
        "routers": _pods(cluster, settings.namespace, settings.router_selector),
    }


def _pods(cluster: Cluster, namespace: str, selector: str) -> list[Json]:
    found = _told(lambda: cluster.list(PODS, namespace=namespace, labels=selector))
    return [_pod(each) for each in found or []]


def _pod(pod: Object) -> Json:
    images = [str(each.get("image", "")) for each in pod["spec"]["containers"]]
    return {"pod": pods.name(pod), "node": pods.node(pod), "image": ", ".join(images)}


def _told(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except KVChaosError:
        return None
