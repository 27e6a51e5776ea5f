"""What is really left in a lab, asked without any of kvchaos' own code.

Plain HTTP and WebSocket over the lab's unix socket. Two questions: which Chaos Mesh objects and
which rules in pods are there, and do the engines' events reach the router again.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")
Json = dict[str, Any]

CHAOS = "/apis/chaos-mesh.org/v1alpha1"
NAMESPACE = "kvchaos"
ENGINES = "model.aibrix.ai/kv-events-enabled=true"
ROUTERS = "app.kubernetes.io/name=kvchaos-router"
RULES = ("iptables", "ipsets", "tcs")
UNBOUND = {"metadata": {"finalizers": None}}
PROTOCOL = "v4.channel.k8s.io"


class Truth:
    """One lab, by the directory that it keeps its files in."""

    def __init__(self, lab: Path) -> None:
        self._socket = lab / "api.sock"

    def left(self) -> list[str]:
        """Every fault object, and every rule in a pod, that is there now."""
        return self._asked(_left)

    def pods(self, labels: str) -> list[Json]:
        """The pods with these labels."""
        return self._asked(lambda api: _items(api, f"/api/v1/namespaces/{NAMESPACE}/pods", labels))

    def flows(self, *, within: float = 20.0) -> list[str]:
        """The engines whose new events do not reach the router in so many seconds: none is fine."""
        return self._asked(lambda api: _unheard(api, within=within))

    def sources(self) -> set[str]:
        """The faults that have rules in pods now, as ``namespace/name``."""
        return self._asked(_sources)

    def pods_with_rules(self) -> set[str]:
        """The pods in which there are rules now."""
        return self._asked(_pods_with_rules)

    def delete_pod(self, name: str) -> None:
        """Ask for a pod's deletion; its Deployment makes another."""
        self._asked(lambda api: _delete(api, f"/api/v1/namespaces/{NAMESPACE}/pods/{name}"))

    def clear(self) -> None:
        """Take away what is left, by force, so that what comes next starts from nothing."""
        self._asked(_clear)

    def _asked(self, ask: Callable[[aiohttp.ClientSession], Awaitable[T]]) -> T:
        async def answered() -> T:
            connector = aiohttp.UnixConnector(str(self._socket))
            timeout = aiohttp.ClientTimeout(total=30)
            async with aiohttp.ClientSession(
                "http://lab", connector=connector, timeout=timeout
            ) as api:
                return await ask(api)

        return asyncio.run(answered())


async def _left(api: aiohttp.ClientSession) -> list[str]:
    faults = [
        f"{plural}/{each['metadata']['name']}"
        for plural in ("networkchaos", "podchaos")
        for each in await _items(api, f"{CHAOS}/{plural}")
    ]
    return faults + [f"rules of {source}" for source in sorted(await _sources(api))]


async def _sources(api: aiohttp.ClientSession) -> set[str]:
    return {source for _, source in await _rules(api)}


async def _pods_with_rules(api: aiohttp.ClientSession) -> set[str]:
    return {pod for pod, _ in await _rules(api)}


async def _rules(api: aiohttp.ClientSession) -> list[tuple[str, str]]:
    """Each rule in a pod: the pod, and the fault that it is of."""
    return [
        (str(pod["metadata"]["name"]), str(rule["source"]))
        for pod in await _items(api, f"{CHAOS}/podnetworkchaos")
        for key in RULES
        for rule in pod["spec"].get(key) or ()
    ]


async def _unheard(api: aiohttp.ClientSession, *, within: float) -> list[str]:
    """Give every engine a prompt that it never saw; each must then be news to the router."""
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    engines = [each["metadata"]["name"] for each in await _items(api, pods, ENGINES)]
    before = await _heard(api)
    for pod in engines:
        await _http(api, pod, 8000, "/v1/completions", _prompt())
    waiting = set(engines)
    deadline = asyncio.get_running_loop().time() + within
    while waiting and asyncio.get_running_loop().time() < deadline:
        now = await _heard(api)
        waiting = {pod for pod in waiting if now.get(pod) in (None, before.get(pod))}
        await asyncio.sleep(0.1)
    return sorted(waiting)


def _prompt() -> Json:
    tokens = [random.SystemRandom().randrange(1, 60_000) for _ in range(48)]
    return {"model": "kvchaos-demo", "prompt": tokens, "max_tokens": 1}


async def _heard(api: aiohttp.ClientSession) -> dict[str, int | None]:
    """The last event that the router has of each engine."""
    (router, *_) = await _items(api, f"/api/v1/namespaces/{NAMESPACE}/pods", ROUTERS)
    index = await _http(api, router["metadata"]["name"], 8080, "/index")
    return {each["pod"]: each["seq"] for each in index["engines"] if each["connected"]}


async def _http(
    api: aiohttp.ClientSession, pod: str, port: int, path: str, body: Json | None = None
) -> Json:
    """One HTTP request to a pod through the API server's port-forward."""
    content = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    head = f"{method} {path} HTTP/1.0\r\nHost: pod\r\nContent-Length: {len(content)}\r\n\r\n"
    place = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/portforward?ports={port}"
    said = b""
    opened: set[int] = set()
    async with api.ws_connect(place, protocols=(PROTOCOL,), max_msg_size=0) as stream:
        await stream.send_bytes(b"\0" + head.encode() + content)
        async for message in stream:
            channel, data = message.data[0], message.data[1:]
            if channel in opened and channel == 1:
                raise ConnectionError(data.decode())
            said += data if channel in opened else b""
            opened.add(channel)
    answer: Json = json.loads(said.partition(b"\r\n\r\n")[2])
    return answer


async def _items(api: aiohttp.ClientSession, path: str, labels: str = "") -> list[Json]:
    async with api.get(path, params={"labelSelector": labels} if labels else {}) as answer:
        answer.raise_for_status()
        items: list[Json] = (await answer.json())["items"]
        return items


async def _patch(
    api: aiohttp.ClientSession, fault: str, patch: Json, kind: str = "networkchaos"
) -> None:
    path = f"{CHAOS}/namespaces/{NAMESPACE}/{kind}/{fault}"
    headers = {"Content-Type": "application/merge-patch+json"}
    async with api.patch(path, data=json.dumps(patch), headers=headers) as answer:
        answer.raise_for_status()


async def _delete(api: aiohttp.ClientSession, path: str) -> None:
    async with api.delete(path) as answer:
        answer.raise_for_status()


async def _clear(api: aiohttp.ClientSession) -> None:
    for plural in ("networkchaos", "podchaos"):
        for each in await _items(api, f"{CHAOS}/{plural}"):
            name = each["metadata"]["name"]
            async with api.delete(f"{CHAOS}/namespaces/{NAMESPACE}/{plural}/{name}"):
                pass
            await asyncio.sleep(1)
            if any(e["metadata"]["name"] == name for e in await _items(api, f"{CHAOS}/{plural}")):
                await _patch(api, name, UNBOUND, plural)
    for pod in await _items(api, f"{CHAOS}/podnetworkchaos"):
        empty: Json = {"spec": {key: [] for key in RULES}}
        await _patch(api, pod["metadata"]["name"], empty, "podnetworkchaos")
