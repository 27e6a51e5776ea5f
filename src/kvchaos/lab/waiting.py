"""Wait for pods, and say of those that are not ready why, with their last log lines."""

from __future__ import annotations

from collections.abc import Callable

from kvchaos.clock import Clock, poll
from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.logs import pod_folders
from kvchaos.lab.socketclient import Object, SocketClient

_EVERY = 0.05
_LOG_LINES = 5


def wait_ready(
    client: SocketClient,
    directory: LabDirectory,
    *,
    namespace: str,
    timeout: float,
    clock: Clock,
    alive: Callable[[], bool],
) -> list[Object]:
    """The namespace's pods, once every Deployment there has all its pods ready.

    Raises:
        LabError: not ready in ``timeout`` seconds, naming each such pod; or the lab ended.
    """

    def waiting() -> list[str]:
        if not alive():
            raise LabError("the lab ended", look=str(directory.daemon_log))
        return unready_deployments(client, namespace)

    late, _ = poll(waiting, lambda names: not names, timeout=timeout, every=_EVERY, clock=clock)
    pods = pods_of(client, namespace)
    if late:
        told = [describe(directory, pod) for pod in pods if not _ready(pod)]
        raise LabError(
            f"not ready after {timeout:g} s: {', '.join(late)}",
            saw="; ".join(told) or "no pods",
            look="kvchaos lab status; kvchaos lab logs POD; kvchaos lab down",
        )
    return pods


def pods_of(client: SocketClient, namespace: str) -> list[Object]:
    """All pods of the namespace."""
    items: list[Object] = client.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    return items


def unready_deployments(client: SocketClient, namespace: str) -> list[str]:
    """``name ready/wanted`` of each Deployment that is not complete."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    result = []
    for body in client.request("GET", path)["items"]:
        wanted, status = body["spec"].get("replicas", 1), body.get("status") or {}
        ready = status.get("readyReplicas", 0)
        seen = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")}
        if not seen or counts != {wanted}:  # more replicas: an earlier roll-out is still going
            result.append(f"{body['metadata']['name']} {ready}/{wanted}")
    return result


def describe(directory: LabDirectory, pod: Object) -> str:
    """One line on a pod: what its containers wait for, and the end of its log."""
    name = pod["metadata"]["name"]
    states = [
        each["state"]["waiting"].get("reason", "")
        for each in pod.get("status", {}).get("containerStatuses") or []
        if "waiting" in each["state"]
    ]
    lines = last_lines(directory, pod)
    return " ".join(part for part in (name, *states, f"[{' | '.join(lines)}]") if part)


def last_lines(directory: LabDirectory, pod: Object, count: int = _LOG_LINES) -> list[str]:
    """The last lines that any container of the pod wrote."""
    meta = pod["metadata"]
    for folder in reversed(pod_folders(directory, meta["name"], namespace=meta["namespace"])):
        written = sorted(folder.glob("*/*.log"), key=lambda path: path.stat().st_mtime)
        for path in reversed(written):
            if lines := path.read_text(encoding="utf-8", errors="replace").splitlines():
                return lines[-count:]
    return []


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
