"""The environment of a container: what its spec says, over the little that every pod gets."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from kvchaos.lab.addresses import API_PORT, GATEWAY
from kvchaos.lab.api import Object
from kvchaos.lab.node.command import expand

_INHERITED = ("HOME", "LANG", "PYTHONPATH")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")

Read = Callable[[str, str], Awaitable[Mapping[str, str]]]
"""``(plural, name)`` of a ConfigMap or Secret in the pod's namespace -> its decoded data."""


def base(pod: Object, kubeconfig: Path) -> dict[str, str]:
    """What every container of the lab gets: the API server, a PATH, the pod's name."""
    programs = str(Path(sys.executable).parent)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **inherited,
        "PATH": f"{programs}:{os.defpath}",
        "PYTHONUNBUFFERED": "1",
        "HOSTNAME": pod["metadata"]["name"],
        "KUBECONFIG": str(kubeconfig),
        "KUBERNETES_SERVICE_HOST": GATEWAY,
        "KUBERNETES_SERVICE_PORT": str(API_PORT),
    }


async def environment(
    container: Object, pod: Object, *, base: Mapping[str, str], read: Read
) -> dict[str, str]:
    """``base`` with the container's ``envFrom`` and ``env`` applied in their order."""
    result = dict(base)
    for source in container.get("envFrom") or []:
        prefix = source.get("prefix", "")
        data = await _whole(source, read)
        result.update({f"{prefix}{name}": value for name, value in data.items()})
    for entry in container.get("env") or []:
        value = await _value(entry, pod, result, read)
        if value is not None:
            result[entry["name"]] = value
    return result


def field(pod: Object, path: str) -> str:
    """The value of a ``fieldRef`` for ``pod``; empty when the pod has no such value."""
    if match := _SUBSCRIPT.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path == "status.podIPs":
        return ",".join(each["ip"] for each in pod.get("status", {}).get("podIPs") or [])
    value: object = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)


async def _value(entry: Object, pod: Object, known: Mapping[str, str], read: Read) -> str | None:
    source = entry.get("valueFrom")
    if not source:
        return expand(str(entry.get("value", "")), known)
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"])
    for key, plural in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
        if key in source:
            return (await read(plural, source[key]["name"])).get(source[key]["key"])
    return None


async def _whole(source: Object, read: Read) -> Mapping[str, str]:
    for key, plural in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        if key in source:
            return await read(plural, source[key]["name"])
    return {}
