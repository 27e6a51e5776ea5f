"""What faults left behind in the cluster, by the API alone.

Three things outlast a run: its fault objects; rules in pods whose source is a fault, as the
PodNetworkChaos named as the pod lists them (they stay when an object lost its finalizer by force);
and rules that are no longer listed, but which no daemon has taken out of the pod: a
PodNetworkChaos that is not applied. Empty CHAOS-INPUT and CHAOS-OUTPUT chains inside pods are
normal and are not looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kvchaos.cluster.kinds import PODNETWORKCHAOS, Kind, Object
from kvchaos.errors import ClusterError, NotFound
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL, MeshApi
from kvchaos.mesh.fault import Fault, Json
from kvchaos.mesh.records import conditions, desired_phase, last_failure, not_applied, sources

DROPPED = "kvchaos.io/dropped"
"""The annotation of a PodNetworkChaos from which kvchaos dropped rules: the newest such source."""

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
"""A run's id, as ``20261122-131500-3fa9c1``, which is in the name of each of its faults."""


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
        object_left(kind, body)
        for kind in FAULT_KINDS.values()
        for body in _all(cluster, kind, places, labels=labels)
    ]
    for rules in _all(cluster, PODNETWORKCHAOS, places):
        of_faults = [each for each in sorted(sources(rules)) if _is_left(cluster, each, run)]
        left += [rules_left(rules, source) for source in of_faults] or unapplied(rules)
    return left


def left_of(cluster: MeshApi, fault: Fault, *, uid: str = "") -> list[Residue]:
    """What is left of one fault: its object, and rules whose source it is.

    Nothing when another object has its name by now: then the rules are not its either.
    """
    body = find(cluster, fault)
    if body is not None and not is_of(body, fault, uid=uid):
        return []
    there = [object_left(fault.api, body)] if body is not None else []
    return [*there, *rules_left_of(cluster, fault)]


def find(cluster: MeshApi, fault: Fault) -> Object | None:
    """The object that has the fault's name now, whosever it is; None when there is none."""
    try:
        return cluster.get(fault.api, fault.name, namespace=fault.namespace)
    except NotFound:
        return None


def is_of(body: Object, fault: Fault, *, uid: str = "") -> bool:
    """Whether an object is that fault: of the same run by its label, and the same by its uid.

    What is not known (a run or uid that is empty) cannot tell them apart.
    """
    metadata = body["metadata"]
    same_run = fault.run in ("", (metadata.get("labels") or {}).get(RUN_LABEL))
    return same_run and uid in ("", metadata.get("uid"))


def names_run(name: str, run: str) -> bool:
    """Whether a fault's name tells that it is of ``run``; ``r1`` is not in ``cut-r10``."""
    if RUN_ID.fullmatch(run):
        return run in name
    return re.search(rf"(?<![a-z0-9]){re.escape(run)}(?![a-z0-9])", name) is not None


def unapplied(rules: Object) -> list[Residue]:
    """A PodNetworkChaos whose pod may have rules that it does not list any more.

    Only one that lists nobody's rules, or from which kvchaos dropped some: rules of others that
    do not get into their pod are the others' matter.
    """
    why, dropped = not_applied(rules), (rules["metadata"].get("annotations") or {}).get(DROPPED)
    if not why or (sources(rules) and not dropped):
        return []
    whose = f", those of {dropped} or others" if dropped else ""
    return [_of(PODNETWORKCHAOS, rules, f"not applied, rules may be in the pod{whose}: {why}")]


def cannot_tell(fault: Fault, error: ClusterError) -> Residue:
    """What stands for a fault of which the API says nothing."""
    return Residue(fault.api.plural, fault.namespace, fault.name, f"cannot tell: {error}")


def rules_left_of(cluster: MeshApi, fault: Fault) -> list[Residue]:
    """The rules in pods whose source is ``fault``, wherever its selectors reached."""
    return [rules_left(rules, fault.source) for rules in rules_of(cluster, fault)]


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


def object_left(kind: Kind, body: Object) -> Residue:
    """A fault object that is there."""
    return _of(kind, body, why_there(body))


def rules_left(rules: Object, source: str) -> Residue:
    """The rules of one fault in one pod."""
    why = not_applied(rules)
    return _of(
        PODNETWORKCHAOS, rules, f"rules of {source} in the pod" + (f" ({why})" if why else "")
    )


def _of(kind: Kind, body: Object, why: str) -> Residue:
    metadata = body["metadata"]
    return Residue(kind.plural, str(metadata["namespace"]), str(metadata["name"]), why)


def _is_left(cluster: MeshApi, source: str, run: str | None) -> bool:
    """Lint keeps the run's id in every fault's name, so a source still tells its run."""
    namespace, _, name = source.partition("/")
    if run:
        return names_run(name, run)
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
