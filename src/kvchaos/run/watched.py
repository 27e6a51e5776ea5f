"""The pods that a run is about: its engines and its routers."""

from __future__ import annotations

from kvchaos.cluster.kinds import PODS, Object
from kvchaos.run.session import Run


def watched_pods(run: Run) -> list[Object]:
    """Those there are now."""
    return [
        pod
        for selector in (run.settings.engine_selector, run.settings.router_selector)
        for pod in run.cluster.list(PODS, namespace=run.settings.namespace, labels=selector)
    ]
