"""What a lab holds at this moment, for ``kvchaos lab status``."""

from __future__ import annotations

from typing import Any

from kvchaos.lab.addresses import CONTEXT
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.mirror import is_mirror
from kvchaos.lab.socketclient import Object, SocketClient
from kvchaos.lab.state import LabState, Phase

_FAULTS = ("networkchaos", "podchaos")
_ROW = "{:<12} {:<40} {:<7} {:<18} {:>8}  {}"


def overview(directory: LabDirectory, state: LabState | None) -> dict[str, Any]:
    """``{"up", "context", "directory"}``; if up also phase, pid, kubeconfig, url, pods, faults."""
    seen: dict[str, Any] = {"up": False, "context": CONTEXT, "directory": str(directory.root)}
    if state is None:
        return seen
    seen |= {"up": state.phase is Phase.READY, "phase": state.phase, "pid": state.daemon.pid}
    if state.phase is not Phase.READY:
        return seen
    client = SocketClient(directory.api_socket)
    pods = client.request("GET", "/api/v1/pods")["items"]
    return seen | {
        "kubeconfig": str(directory.kubeconfig),
        "url": state.url,
        "pods": [_pod(pod) for pod in pods if not is_mirror(pod)],
        "faults": [name for kind in _FAULTS for name in _faults(client, kind)],
    }


def table(seen: dict[str, Any]) -> str:
    """The overview as text."""
    if not seen["up"]:
        return f"the lab is {seen.get('phase', 'not up')} ({seen['directory']})"
    lines = [
        f"the lab is up: context {seen['context']}, kubeconfig {seen['kubeconfig']}",
        _ROW.format("NAMESPACE", "POD", "READY", "STATE", "RESTARTS", "ADDRESS"),
    ]
    lines += [_ROW.format(*(str(value) for value in pod.values())) for pod in seen["pods"]]
    lines += [f"fault {name}" for name in seen["faults"]]
    return "\n".join(lines)


def _pod(pod: Object) -> dict[str, Any]:
    status = pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    waiting = [
        each["state"]["waiting"]["reason"] for each in containers if "waiting" in each["state"]
    ]
    ready = sum(each["ready"] for each in containers)
    return {
        "namespace": pod["metadata"]["namespace"],
        "name": pod["metadata"]["name"],
        "ready": f"{ready}/{len(pod['spec']['containers'])}",
        "state": waiting[0] if waiting else status.get("phase", ""),
        "restarts": sum(each["restartCount"] for each in containers),
        "address": status.get("podIP", ""),
    }


def _faults(client: SocketClient, plural: str) -> list[str]:
    path = f"/apis/chaos-mesh.org/v1alpha1/{plural}"
    items = client.request("GET", path)["items"]
    return [
        f"{plural}/{each['metadata']['namespace']}/{each['metadata']['name']}" for each in items
    ]
