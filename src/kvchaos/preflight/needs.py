"""What a run has to be allowed to do: a verb on a kind, in a namespace.

Read from what a run calls: it follows pods and reaches them through port-forward, asks for a
hold, sends and ends its faults, and looks for what they left. Chaos Mesh itself asks for
``create`` of a fault in every namespace that its selectors name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kvchaos.cluster.kinds import CONFIGMAPS, PODNETWORKCHAOS, PODS, Kind
from kvchaos.mesh.api import FAULT_KINDS
from kvchaos.mesh.hold import NAME as HOLD
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings

FAULT_VERBS = ("get", "list", "create", "update", "patch", "delete")
"""Chaos Mesh asks for ``update`` when a fault is patched, older versions for ``create``."""
RULES_VERBS = ("get", "list", "patch")


@dataclass(frozen=True, slots=True)
class Need:
    """One right, as RBAC has it."""

    verb: str
    kind: Kind
    namespace: str
    subresource: str = ""
    name: str = ""

    @property
    def resource(self) -> str:
        """The resource as kubectl names it, with the one object that is meant, if one is."""
        tail = "".join(f"/{part}" for part in (self.subresource, self.name) if part)
        return f"{self.kind.resource}{tail}"

    @property
    def look(self) -> str:
        """The command that asks the same."""
        named = f"/{self.name}" if self.name else ""
        below = f" --subresource={self.subresource}" if self.subresource else ""
        asked = f"{self.verb} {self.kind.resource}{named}{below}"
        return f"kubectl auth can-i {asked} -n {self.namespace}"


def places(plan: Sequence[Planned], settings: Settings) -> list[str]:
    """Every namespace that a run touches: the engines' own, and those of its faults; sorted."""
    return sorted({settings.namespace, *(place for each in plan for place in each.touched)})


def needs(plan: Sequence[Planned], settings: Settings) -> list[Need]:
    """All that the run needs, each once."""
    found = [
        *_workload(settings.namespace),
        *(need for each in plan for need in _fault(each)),
        *_residue(places(plan, settings)),
    ]
    return list(dict.fromkeys(found))


def _workload(namespace: str) -> Iterator[Need]:
    for verb in ("get", "list", "watch"):
        yield Need(verb, PODS, namespace)
    # a port-forward over WebSocket is a GET to older API servers, a create to newer ones
    for verb in ("get", "create"):
        yield Need(verb, PODS, namespace, subresource="portforward")
    yield Need("get", CONFIGMAPS, namespace, name=HOLD)


def _fault(planned: Planned) -> Iterator[Need]:
    fault = planned.fault
    for verb in FAULT_VERBS:
        yield Need(verb, fault.api, fault.namespace)
    for place in planned.reach:
        yield Need("create", fault.api, place)
        yield Need("get", PODS, place)
        yield Need("list", PODS, place)
    if fault.kind == "NetworkChaos":
        for place in planned.touched:
            yield from (Need(verb, PODNETWORKCHAOS, place) for verb in RULES_VERBS)


def _residue(touched: list[str]) -> Iterator[Need]:
    """At a run's end every kind of fault is looked for, and rules of any, also without a fault."""
    for place in touched:
        for kind in (*FAULT_KINDS.values(), PODNETWORKCHAOS):
            yield Need("list", kind, place)
