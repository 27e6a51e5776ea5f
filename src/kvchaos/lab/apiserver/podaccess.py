"""The pod subresources that lead to the node: what a request for a log or a port asks for."""

from __future__ import annotations

from dataclasses import dataclass

from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.backend import LogQuery, PodRef
from kvchaos.lab.apiserver.message import Object, Request, is_number
from kvchaos.lab.apiserver.reading import fetch
from kvchaos.lab.apiserver.refusal import Refused, bad_request, not_allowed
from kvchaos.lab.apiserver.routes import Target
from kvchaos.lab.apiserver.store import Store

PROTOCOL = "v4.channel.k8s.io"
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True, slots=True)
class ReadLog:
    """An answer still to be fetched from the node: a container's log."""

    pod: PodRef
    query: LogQuery


@dataclass(frozen=True, slots=True)
class ForwardPorts:
    """An answer that is a conversation: connections to a pod's ports over a WebSocket."""

    pod: PodRef
    ports: tuple[int, ...]


def read_log(store: Store, request: Request, target: Target) -> ReadLog:
    """Which log; 400 when the container is not named, not known or has not started."""
    body = fetch(store, kinds.PODS, target.namespace, target.name).object()
    container = _container(body, request.one("container"))
    previous = request.flag("previous")
    if not previous:
        _check_started(body, container)
    query = LogQuery(
        container=container,
        tail=_count(request, "tailLines"),
        follow=request.flag("follow"),
        previous=previous,
        since=_count(request, "sinceSeconds"),
        limit_bytes=_count(request, "limitBytes"),
        timestamps=request.flag("timestamps"),
    )
    return ReadLog(_reference(body), query)


def forward_ports(store: Store, request: Request, target: Target) -> ForwardPorts:
    """Which ports; only over WebSocket, and only of a pod that runs."""
    body = fetch(store, kinds.PODS, target.namespace, target.name).object()
    if request.headers.get("upgrade", "").lower() != "websocket":
        raise _no_spdy()
    offered = request.headers.get("sec-websocket-protocol", "")
    if PROTOCOL not in {one.strip() for one in offered.split(",")}:
        raise bad_request(f"port-forward speaks {PROTOCOL}, not {offered!r}")
    phase = body.get("status", {}).get("phase")
    if phase != "Running":
        raise bad_request(
            f"unable to forward port because pod is not running. Current status={phase}"
        )
    texts = [text for value in request.query.get("ports", ()) for text in value.split(",")]
    ports = tuple(int(text) for text in texts if is_number(text))
    if not texts or len(ports) != len(texts) or not all(0 < port < 65536 for port in ports):
        raise bad_request(f"query parameter ports: {texts} are no port numbers")
    return ForwardPorts(_reference(body), ports)


def _no_spdy() -> Refused:
    return not_allowed(
        "the kvchaos lab does not speak SPDY, which kubectl port-forward needs; use a port-forward "
        f"over WebSocket ({PROTOCOL}), as the Python client's kubernetes.stream.portforward does"
    )


def _reference(body: Object) -> PodRef:
    metadata = body["metadata"]
    return PodRef(metadata["namespace"], metadata["name"], metadata["uid"])


def _container(body: Object, asked: str) -> str:
    pod, spec = body["metadata"]["name"], body["spec"]
    known = [one["name"] for one in spec["containers"]]
    every = known + [one["name"] for one in spec.get("initContainers") or ()]
    annotations = body["metadata"].get("annotations") or {}
    name = asked or annotations.get(_DEFAULT_CONTAINER, "")
    if not name and len(every) > 1:
        raise bad_request(
            f"a container name must be specified for pod {pod}, choose one of: [{' '.join(known)}]"
        )
    name = name or known[0]
    if name not in every:
        raise bad_request(f"container {name} is not valid for pod {pod}")
    return name


def _check_started(body: Object, container: str) -> None:
    """A container without a first life has no log yet; kubectl logs shows why."""
    status = body.get("status", {})
    for one in status.get("containerStatuses") or ():
        waiting = (one.get("state") or {}).get("waiting")
        if one.get("name") == container and waiting and not one.get("restartCount"):
            reason = waiting.get("reason", "Waiting")
            pod = body["metadata"]["name"]
            raise bad_request(
                f'container "{container}" in pod "{pod}" is waiting to start: {reason}'
            )


def _count(request: Request, name: str) -> int | None:
    text = request.one(name)
    if not text:
        return None
    if not is_number(text):
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a non-negative integer")
    return int(text)
