"""From a path to what it names; loud where the lab has nothing there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kvchaos.lab.apiserver.kinds import BY_RESOURCE, Kind
from kvchaos.lab.apiserver.refusal import Refused, no_such_resource, not_allowed

_NAMESPACE_PARTS = frozenset({"status", "finalize"})
_HINTS: Mapping[str, str] = {
    "exec": "look at the pod's log, or talk to it through a port-forward",
    "attach": "follow its log: kubectl logs -f",
    "eviction": "delete the pod instead",
    "binding": "set spec.nodeName of a pod that has none",
    "ephemeralcontainers": "containers of a lab pod are fixed when it is created",
    "resize": "containers of a lab pod are fixed when it is created",
    "proxy": "use a port-forward over WebSocket, as kubernetes.stream.portforward does",
    "token": "use the token of the lab's kubeconfig",
    "finalize": "empty the namespace; it goes by itself",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about; ``name`` is empty for a collection."""

    kind: Kind
    namespace: str
    name: str = ""
    subresource: str = ""


def resolve(path: str) -> Target:
    """The target of a path below ``/api/v1`` or ``/apis/<group>/<version>``."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["api", version, *rest] if rest:
            return _resource("", version, rest, path)
        case ["apis", group, version, *rest] if rest:
            return _resource(group, version, rest, path)
    raise no_such_resource(path)


def _resource(group: str, version: str, rest: list[str], path: str) -> Target:
    namespace = ""
    if (
        rest[0] == "namespaces"
        and len(rest) > 2
        and not (group == "" and rest[2] in _NAMESPACE_PARTS)
    ):
        namespace, rest = rest[1], rest[2:]
    kind = BY_RESOURCE.get((group, version, rest[0]))
    if kind is None or len(rest) > 3:
        name = f"{rest[0]}.{group}/{version}" if group else f"{rest[0]} in {version}"
        raise no_such_resource(name if kind is None else path)
    if bool(namespace) and not kind.namespaced:
        raise no_such_resource(f"{kind.resource} in a namespace")
    name, subresource = [*rest[1:], "", ""][:2]
    if subresource and subresource not in kind.subresources:
        raise _no_subresource(kind, subresource)
    if name and kind.namespaced and not namespace:
        raise no_such_resource(f"{kind.resource}/{name} without a namespace")
    return Target(kind, namespace, name, subresource)


def _no_subresource(kind: Kind, subresource: str) -> Refused:
    if hint := _HINTS.get(subresource):
        return not_allowed(
            f"the kvchaos lab does not support {kind.resource}/{subresource}: {hint}"
        )
    return no_such_resource(f"{kind.resource}/{subresource}")
