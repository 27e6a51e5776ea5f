"""The pods that a run is about: its engines and its routers."""

from __future__ import annotations

from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.run.session import Run


def watched_pods(run: Run, *, cluster: Cluster | None = None) -> list[Object]:
    """Those there are now; ``cluster`` is asked, the run's own unless told."""
    asked = cluster or run.cluster
    return [
        pod
        for selector in (run.settings.engine_selector, run.settings.router_selector)
        for pod in asked.list(PODS, namespace=run.settings.namespace, labels=selector)
    ]
