"""The status of a pod as kubelet writes it, from what the node knows. Pure.

Format: ``PodStatus`` of the Kubernetes API, core/v1; times are RFC 3339 in whole seconds.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from kvchaos.lab.addresses import GATEWAY
from kvchaos.lab.api import Object

NODE_ADDRESS = GATEWAY
_CREATING: Object = {"waiting": {"reason": "ContainerCreating"}}


@dataclass(slots=True)
class ContainerRecord:
    """What the node knows of one container; it changes as the container lives."""

    name: str
    image: str
    state: Object = field(default_factory=lambda: dict(_CREATING))
    last_state: Object = field(default_factory=dict)
    container_id: str = ""
    restarts: int = 0
    started: bool = False
    ready: bool = False

    def status(self) -> Object:
        """The ``ContainerStatus``."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image if self.container_id else "",
            "containerID": self.container_id,
            "restartCount": self.restarts,
            "started": self.started,
            "ready": self.ready,
            "state": self.state,
            "lastState": self.last_state,
        }

    def ended_well(self) -> bool | None:
        """Whether its last end was exit code 0; None while it runs or waits."""
        ended = self.state.get("terminated")
        return ended["exitCode"] == 0 if ended else None


def timestamp(wall: float) -> str:
    """RFC 3339, UTC, whole seconds."""
    return dt.datetime.fromtimestamp(wall, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def phase(policy: str, records: list[ContainerRecord], *, placed: bool) -> str:
    """Pending, Running, Succeeded or Failed, by the rules of the pod life cycle."""
    ends = [record.ended_well() for record in records]
    if policy != "Always" and None not in ends:
        failed = False in ends
        if not failed:
            return "Succeeded"
        if policy == "Never":
            return "Failed"
    begun = any("waiting" not in record.state or record.restarts for record in records)
    return "Running" if placed and begun else "Pending"


def pod_status(
    pod: Object,
    records: list[ContainerRecord],
    *,
    address: str,
    started: float,
    now: float,
) -> Object:
    """The whole ``status`` for ``pod``; transition times of its old conditions are kept."""
    policy = pod["spec"].get("restartPolicy", "Always")
    status: Object = {
        "phase": phase(policy, records, placed=bool(address)),
        "conditions": _conditions(pod, records, placed=bool(address), now=now),
        "containerStatuses": [record.status() for record in records],
        "hostIP": NODE_ADDRESS,
        "hostIPs": [{"ip": NODE_ADDRESS}],
        "startTime": timestamp(started),
        "qosClass": qos_class(pod),
    }
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    return status


def qos_class(pod: Object) -> str:
    """Guaranteed, Burstable or BestEffort, from the containers' requests and limits."""
    resources = [container.get("resources") or {} for container in pod["spec"]["containers"]]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    exact = all(
        {"cpu", "memory"} <= (each.get("limits") or {}).keys()
        and (each.get("requests") or each["limits"]) == each["limits"]
        for each in resources
    )
    return "Guaranteed" if exact else "Burstable"


def _conditions(
    pod: Object, records: list[ContainerRecord], *, placed: bool, now: float
) -> list[Object]:
    unready = [record.name for record in records if not record.ready]
    ready: Object = {"status": "True"}
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        ready = {"status": "False", "reason": "ContainersNotReady", "message": message}
    values: dict[str, Object] = {
        "PodReadyToStartContainers": {"status": "True" if placed else "False"},
        "Initialized": {"status": "True"},
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": {"status": "True"},
    }
    old = {each["type"]: each for each in pod.get("status", {}).get("conditions") or []}
    return [
        _condition(kind, value, old.get(kind), timestamp(now)) for kind, value in values.items()
    ]


def _condition(kind: str, value: Object, old: Object | None, now: str) -> Object:
    kept = old is not None and old["status"] == value["status"]
    since = old.get("lastTransitionTime") or now if old is not None and kept else now
    return {"type": kind, "lastProbeTime": None, "lastTransitionTime": since, **value}
