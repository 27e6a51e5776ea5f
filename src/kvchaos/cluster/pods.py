"""What a Pod object says: pure questions on the API's JSON."""

from __future__ import annotations

from typing import NamedTuple

from kvchaos.cluster.kinds import Object

EVENT_PORT = 5557  # AIBrix's convention: engines publish here, and answer replays one above
REPLAY_PORT = 5558
EVENT_PORT_NAME = "kv-events"
REPLAY_PORT_NAME = "kv-replay"


class EventPorts(NamedTuple):
    """The ports of an engine's event streams, by rank."""

    publish: tuple[int, ...]
    replay: tuple[int, ...]


def name(pod: Object) -> str:
    """``metadata.name``."""
    return str(pod["metadata"]["name"])


def uid(pod: Object) -> str:
    """``metadata.uid``: another pod of the same name has another."""
    return str(pod["metadata"]["uid"])


def phase(pod: Object) -> str:
    """``status.phase``, ``Pending`` when the status is still empty."""
    return str(pod.get("status", {}).get("phase") or "Pending")


def is_terminating(pod: Object) -> bool:
    """Whether its deletion was asked for."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    """Whether it ran to its end, well or not."""
    return phase(pod) in ("Succeeded", "Failed")


def is_alive(pod: Object) -> bool:
    """Whether it may still serve: neither finished nor about to go."""
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    """Whether its condition ``Ready`` is true and it is not about to go."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not is_terminating(pod)


def address(pod: Object) -> str:
    """``status.podIP``, or an empty text while it has none."""
    return str(pod.get("status", {}).get("podIP") or "")


def node(pod: Object) -> str:
    """The name of the node that it is on, or an empty text while it is on none."""
    return str(pod["spec"].get("nodeName") or "")


def containers(pod: Object) -> list[str]:
    """The names of its containers, in order."""
    return [str(each["name"]) for each in pod["spec"]["containers"]]


def container_status(pod: Object, container: str = "") -> Object | None:
    """The status of the named container, or of the first; None while there is none."""
    wanted = container or containers(pod)[0]
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return next((each for each in statuses if each["name"] == wanted), None)


def restarts(pod: Object, container: str = "") -> int:
    """How often the named container was restarted, or all of them together."""
    statuses = pod.get("status", {}).get("containerStatuses") or []
    return sum(
        int(each.get("restartCount", 0))
        for each in statuses
        if not container or each["name"] == container
    )


def container_started_at(pod: Object, container: str = "") -> str | None:
    """When the running container (the first unless named) started, RFC 3339, else None."""
    status = container_status(pod, container) or {}
    started = status.get("state", {}).get("running", {}).get("startedAt")
    return str(started) if started else None


def waiting_reason(pod: Object, container: str = "") -> str:
    """Why the container does not run, such as ``CrashLoopBackOff``; empty if not waiting."""
    status = container_status(pod, container) or {}
    return str((status.get("state", {}).get("waiting") or {}).get("reason") or "")


def ports(pod: Object) -> list[Object]:
    """All declared ``containerPorts``, in order."""
    return [port for each in pod["spec"]["containers"] for port in each.get("ports") or []]


def event_ports(pod: Object) -> EventPorts:
    """Where its engine publishes and replays, by rank; empty when it declares no such port.

    Ports are found by name (``kv-events``, ``kv-events-1`` ...; ``kv-replay`` ...), else by
    AIBrix's numbers.
    """
    return EventPorts(
        _numbered(pod, EVENT_PORT_NAME, EVENT_PORT), _numbered(pod, REPLAY_PORT_NAME, REPLAY_PORT)
    )


def _numbered(pod: Object, prefix: str, default: int) -> tuple[int, ...]:
    declared = ports(pod)
    named = [int(p["containerPort"]) for p in declared if _is_rank(str(p.get("name", "")), prefix)]
    plain = [default] if any(p["containerPort"] == default for p in declared) else []
    return tuple(sorted(named) or plain)


def _is_rank(port: str, prefix: str) -> bool:
    """Whether that is ``prefix``, or ``prefix`` with a rank's number behind it."""
    base, _, number = port.rpartition("-")
    return port == prefix or (base == prefix and number.isdecimal())
