"""What faults left behind in the cluster, by the API alone.

Two things outlast a run: its fault objects, and rules in pods whose source is a fault. The
PodNetworkChaos named as a pod lists those rules; they stay when an object lost its finalizer by
force. Empty CHAOS-INPUT and CHAOS-OUTPUT chains inside pods are normal and are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kvchaos.cluster.kinds import PODNETWORKCHAOS, Kind, Object
from kvchaos.errors import NotFound
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL, MeshApi
from kvchaos.mesh.fault import Fault, Json
from kvchaos.mesh.records import conditions, desired_phase, last_failure, not_applied, sources


@dataclass(frozen=True, slots=True)
class Residue:
    """One thing that is left: ``kind`` is the plural, ``why`` says what it still does."""

    kind: str
    namespace: str
    name: str
    why: str

    @property
    def label(self) -> str:
        """One line for people."""
        return f"{self.kind}/{self.name} in {self.namespace}: {self.why}"

    def to_json(self) -> Json:
        """Plain JSON, as the history keeps it."""
        return {"kind": self.kind, "namespace": self.namespace, "name": self.name, "why": self.why}


def residue(
    cluster: MeshApi, *, run: str | None = None, namespaces: Iterable[str] = ()
) -> list[Residue]:
    """Everything that faults of ``run`` left in ``namespaces`` (none named: in all).

    ``run`` None: what any run of kvchaos left, and every rule whose fault object is gone.
    """
    places: list[str | None] = [*sorted(set(namespaces))] or [None]
    labels = f"{RUN_LABEL}={run}" if run else RUN_LABEL
    left = [
        Residue(kind.plural, str(body["metadata"]["namespace"]), str(body["metadata"]["name"]), why)
        for kind in FAULT_KINDS.values()
        for body in _all(cluster, kind, places, labels=labels)
        for why in [why_there(body)]
    ]
    return left + [
        each
        for rules in _all(cluster, PODNETWORKCHAOS, places)
        for source in sorted(sources(rules))
        if _is_left(cluster, source, run)
        for each in [_rules_left(rules, source)]
    ]


def left_of(cluster: MeshApi, fault: Fault) -> list[Residue]:
    """What is left of one fault: its object, and rules whose source it is."""
    return [*_object_left(cluster, fault), *rules_left_of(cluster, fault)]


def rules_left_of(cluster: MeshApi, fault: Fault) -> list[Residue]:
    """The rules in pods whose source is ``fault``, wherever its selectors reached."""
    return [_rules_left(rules, fault.source) for rules in rules_of(cluster, fault)]


def rules_of(cluster: MeshApi, fault: Fault) -> list[Object]:
    """The PodNetworkChaos objects that have rules of ``fault``; a pod fault has none."""
    if fault.kind != "NetworkChaos":
        return []
    places: list[str | None] = [fault.namespace, *fault.namespaces]
    found = _all(cluster, PODNETWORKCHAOS, places)
    return [rules for rules in found if fault.source in sources(rules)]


def why_there(body: Object) -> str:
    """What a fault object that should be gone is doing."""
    metadata = body["metadata"]
    if metadata.get("deletionTimestamp"):
        held = ", ".join(metadata.get("finalizers") or ()) or "nothing"
        return f"deletion held by {held}: {last_failure(body) or 'no failure reported'}"
    injected = conditions(body).get("AllInjected", "unset")
    return f"not deleted: desiredPhase {desired_phase(body) or 'unset'}, AllInjected {injected}"


def _object_left(cluster: MeshApi, fault: Fault) -> list[Residue]:
    try:
        body = cluster.get(fault.api, fault.name, namespace=fault.namespace)
    except NotFound:
        return []
    return [Residue(fault.api.plural, fault.namespace, fault.name, why_there(body))]


def _rules_left(rules: Object, source: str) -> Residue:
    metadata = rules["metadata"]
    unapplied = not_applied(rules)
    why = f"rules of {source} in the pod" + (f" ({unapplied})" if unapplied else "")
    return Residue(PODNETWORKCHAOS.plural, str(metadata["namespace"]), str(metadata["name"]), why)


def _is_left(cluster: MeshApi, source: str, run: str | None) -> bool:
    """Lint keeps the run's id in every fault's name, so a source still tells its run."""
    namespace, _, name = source.partition("/")
    if run:
        return run in name
    try:
        body = cluster.get(FAULT_KINDS["NetworkChaos"], name, namespace=namespace)
    except NotFound:
        return True
    return RUN_LABEL in (body["metadata"].get("labels") or {})


def _all(
    cluster: MeshApi, kind: Kind, places: list[str | None], *, labels: str = ""
) -> Iterator[Object]:
    """Every object of a kind; none where the cluster does not have the kind at all."""
    for place in places:
        try:
            yield from cluster.list(kind, namespace=place, labels=labels)
        except NotFound:
            continue
