"""A cluster for preflights: three engines and a router on one node, with all that faults need.

``refused`` gives the names of the refusals that a plan meets there, ``lines`` what they say.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self, cast

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import Forbidden
from kvchaos.preflight.examine import Preflight, examine
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings
from tests.run_world import ready
from tests.scripted import NAMESPACE, FakeClock, ScriptedCluster, partition, pod, selector

ENGINE = {"model.aibrix.ai/kv-events-enabled": "true", "app": "a"}
ROUTER = {"app": "b"}
DAEMON = {"app.kubernetes.io/component": "chaos-daemon"}
MESH = "chaos-mesh"


@dataclass
class PlayedStream:
    """A connected stream, as far as HTTP needs one: ``page`` comes, what is sent is passed over."""

    page: bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settimeout(self, seconds: float) -> None: ...

    def sendall(self, request: bytes) -> None: ...

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.page)

    def close(self) -> None: ...


@dataclass
class AskedCluster(ScriptedCluster):
    """A scripted cluster that has all kinds but the ``absent``, and allows all but the ``denied``.

    ``denied`` are ``verb plural`` (or ``verb plural/subresource``, ``verb plural namespace``),
    and so are ``hidden``, the reads that are answered with Forbidden. ``pages`` is what pods
    answer over HTTP, by their names; others are vLLM with blocks of 16 tokens.
    """

    absent: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)

    def open_port(self, pod_name: str, port: int, *, namespace: str) -> socket.socket:
        """On its stream comes the pod's page, whatever is asked."""
        page = self.pages.get(pod_name, serving(metrics(16)))
        return cast("socket.socket", PlayedStream(page))

    def has_kind(self, kind: Kind) -> bool:
        return kind.plural not in self.absent

    def can(
        self, verb: str, kind: Kind, *, namespace: str | None, subresource: str = "", name: str = ""
    ) -> bool:
        parts = "/".join(filter(None, (kind.plural, subresource, name)))
        self.asked.append(f"{verb} {parts} {namespace}")
        return not self.denied & {f"{verb} {parts}", f"{verb} {parts} {namespace}"}

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object:
        self._hide("get", kind, namespace)
        return super().get(kind, name, namespace=namespace)

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        self._hide("list", kind, namespace)
        return super().list(kind, namespace=namespace, labels=labels, fields=fields)

    def _hide(self, verb: str, kind: Kind, namespace: str | None) -> None:
        if self.hidden & {f"{verb} {kind.plural}", f"{verb} {kind.plural} {namespace}"}:
            raise Forbidden(
                f"not allowed: {verb} {kind.plural}", saw="HTTP 403", look="kubectl auth can-i"
            )


def metrics(*sizes: int) -> bytes:
    """What vLLM says at ``/metrics`` of the blocks of each rank, among much else."""
    lines = [
        "# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig",
        "# TYPE vllm:cache_config_info gauge",
        *(
            f'vllm:cache_config_info{{mamba_block_size="None",block_size="{size}",'
            f'cache_dtype="auto",engine="{rank}"}} 1.0'
            for rank, size in enumerate(sizes)
        ),
        'vllm:num_requests_running{engine="0",model_name="m"} 0.0',
    ]
    return "\n".join(lines).encode() + b"\n"


def serving(page: bytes, status: str = "200 OK") -> bytes:
    """The answer that brings a page."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page


def engine(name: str, **fields: Any) -> Object:
    return ready(pod(name, labels=ENGINE, **fields))


def router(name: str = "r", **fields: Any) -> Object:
    return ready(pod(name, labels=ROUTER, **fields))


def daemon(node: str = "node1") -> Object:
    return ready(pod(f"daemon-{node}", labels=DAEMON, namespace=MESH, nodeName=node))


def namespace(name: str = NAMESPACE, **annotations: str) -> Object:
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def annotated(body: Object, annotations: dict[str, str]) -> Object:
    body["metadata"]["annotations"] = annotations
    return body


def in_phase(body: Object, phase: str) -> Object:
    body["status"] = {"phase": phase}
    return body


def cluster(*more: Object, **settings: Any) -> AskedCluster:
    """The world as it should be, and what ``more`` puts in it, in place of what has its name."""
    engines = [engine(name) for name in ("e1", "e2", "e3")]
    return only(*engines, router(), daemon(), namespace(), *more, **settings)


def only(*objects: Object, **settings: Any) -> AskedCluster:
    """A cluster with these objects and no others."""
    made = AskedCluster(**settings)
    for body in objects:
        made.add(body)
    return made


def cut(**spec: Any) -> Object:
    """A partition between one engine and the router."""
    return partition(**{"mode": "one", "selector": selector(app="a"), **spec})


def preflight(there: AskedCluster, *bodies: Object, **settings: Any) -> Preflight:
    """The preflight of faults that stand one after the other."""
    planned = [Planned(f"fault {at}", body, at) for at, body in enumerate(bodies or (cut(),))]
    return examine(there, planned, Settings(**settings), clock=FakeClock())


def refused(there: AskedCluster, *bodies: Object, **settings: Any) -> list[str]:
    """The names of what refuses them."""
    return [each.refusal for each in preflight(there, *bodies, **settings).findings]


def lines(seen: Preflight | Iterable[str]) -> str:
    """All findings, or notes, as people read them."""
    told = [each.line for each in seen.findings] if isinstance(seen, Preflight) else list(seen)
    return "\n".join(told)
