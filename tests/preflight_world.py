"""A cluster for preflights: three engines and a router on one node, with all that faults need.

``refused`` gives the names of the refusals that a plan meets there, ``lines`` what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

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
class AskedCluster(ScriptedCluster):
    """A scripted cluster that has all kinds but the ``absent``, and allows all but the ``denied``.

    ``denied`` are ``verb plural`` (or ``verb plural/subresource``, ``verb plural namespace``),
    and so are ``hidden``, the reads that are answered with Forbidden.
    """

    absent: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

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
