"""What ``lab up`` may change in the manifests it applies: how many engines, which recovery."""

from __future__ import annotations

from kvchaos.lab.socketclient import Object


def with_options(objects: list[Object], *, engines: int, recovery: str) -> list[Object]:
    """The manifests with so many engines, and the router in this mode of recovery."""
    return [_adapted(each, engines, recovery) for each in objects]


def _adapted(body: Object, engines: int, recovery: str) -> Object:
    if body["kind"] != "Deployment":
        return body
    role = body["spec"]["template"]["metadata"]["labels"].get("app.kubernetes.io/name")
    if role == "kvchaos-engine":
        body["spec"]["replicas"] = engines
    if role == "kvchaos-router":
        for container in body["spec"]["template"]["spec"]["containers"]:
            _set_flag(container, "--recovery", recovery)
    return body


def _set_flag(container: Object, flag: str, value: str) -> None:
    """Give a container's program ``flag=value``, in place of the one it has."""
    key = "args" if container.get("args") else "command"
    words = [word for word in container.get(key) or [] if not word.startswith(f"{flag}=")]
    container[key] = [*words, f"{flag}={value}"]
