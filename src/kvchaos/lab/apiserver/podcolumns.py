"""The columns READY, STATUS and RESTARTS of a pod, by the rules of Kubernetes' own printer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.metadata import seconds_since_epoch


def pod_ready(body: Object) -> str:
    """``1/2``: containers that are ready, of those there are."""
    ready = sum(bool(one.get("ready")) for one in _statuses(body))
    return f"{ready}/{len(body['spec']['containers'])}"


def pod_status(body: Object) -> str:
    """One word: the phase, or the reason that says more."""
    status = body.get("status", {})
    reason = str(status.get("reason") or status.get("phase") or "")
    running = False
    for container in reversed(_statuses(body)):
        found = _container_reason(container)
        reason = found or reason
        running = running or (not found and bool(container.get("ready")))
    if reason == "Completed" and running:
        reason = "Running" if _is_ready(status) else "NotReady"
    return "Terminating" if body["metadata"].get("deletionTimestamp") else reason


def pod_restarts(body: Object, now: float, ago: Callable[[float], str]) -> Any:
    """How often its containers restarted, and when last: ``3 (12s ago)``."""
    statuses = _statuses(body)
    total = sum(one.get("restartCount", 0) for one in statuses)
    ended = [(one.get("lastState") or {}).get("terminated") or {} for one in statuses]
    times = [one["finishedAt"] for one in ended if one.get("finishedAt")]
    if not total or not times:
        return str(total)
    return f"{total} ({ago(now - max(map(seconds_since_epoch, times)))} ago)"


def _container_reason(container: Object) -> str:
    state = container.get("state") or {}
    if waiting := (state.get("waiting") or {}).get("reason"):
        return str(waiting)
    ended = state.get("terminated")
    if not ended:
        return ""
    if ended.get("reason"):
        return str(ended["reason"])
    signal = ended.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"


def _statuses(body: Object) -> list[Object]:
    return list(body.get("status", {}).get("containerStatuses") or ())


def _is_ready(status: Object) -> bool:
    return any(
        one.get("type") == "Ready" and one.get("status") == "True"
        for one in status.get("conditions") or ()
    )
