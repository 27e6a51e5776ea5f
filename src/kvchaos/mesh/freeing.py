"""Free a fault whose deletion hangs: what stands in the way, and what may be forced.

Deleting an object whose injection or recovery keeps failing hangs on Chaos Mesh's finalizer, and
its rules then block every other network fault of those pods. What was seen to work, in this order:
drop the finalizers; drop the fault's rules from each PodNetworkChaos; wait until the daemon has
applied what is left.

The rule: nothing is forced while it would only be forgotten. Without a daemon the rules stay in
the pod, and without a controller nothing has been tried; with their deletion pending, Chaos Mesh
ends the fault when they are back. A pod fault is forced only when none of its pods exists any
more: without its object nothing would give them their containers back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kvchaos.cluster.kinds import PODNETWORKCHAOS, PODS, Object
from kvchaos.errors import ClusterError, Conflict, NotFound
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.records import (
    RULES,
    desired_phase,
    last_failure,
    not_applied,
    places_of,
    rules_unreached,
    unreached,
    without_source,
)
from kvchaos.mesh.residue import (
    DROPPED,
    Residue,
    cannot_tell,
    find,
    is_of,
    left_of,
    rules_of,
)


class Way(StrEnum):
    """What stands in the way of ending a fault."""

    DAEMON = "chaos-daemon"
    CONTROLLER = "chaos-controller-manager"
    PODS = "pods"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a fault must not be forced, and what to do about it."""

    way: Way
    why: str
    advice: str


def obstacle(cluster: MeshApi, fault: Fault, *, uid: str = "") -> Obstacle | None:
    """What speaks against forcing ``fault`` now; None when it may be forced."""
    body = find(cluster, fault)
    if body is not None and not is_of(body, fault, uid=uid):
        return None
    if away := _daemon_away(cluster, fault, body):
        return Obstacle(Way.DAEMON, f"no chaos-daemon was reached ({away})", _DAEMON)
    if body is None:
        return None
    if desired_phase(body) != "Stop" and body["metadata"].get("deletionTimestamp"):
        why = "Chaos Mesh has not begun to end it"
        return Obstacle(Way.CONTROLLER, why, _CONTROLLER)
    if fault.kind != "NetworkChaos" and (there := _pods_there(cluster, body)):
        why = f"its pods are still there: {', '.join(there)}"
        return Obstacle(Way.PODS, why, _PODS.format(pods=" ".join(there), look=fault.look))
    return None


class Freeing:
    """One look after another: drops finalizers and rules, says what is left at each.

    ``done`` says in words what was forced; nothing is once there is an ``obstacle``. ``before`` is
    the object as it was before its deletion: its records name pods that may have rules which no
    PodNetworkChaos lists any more. ``renewed``: the pods that it was in are gone, which no
    obstacle can stand in the way of.
    """

    def __init__(
        self, cluster: MeshApi, fault: Fault, *, uid: str, before: Object | None, renewed: bool
    ) -> None:
        self._cluster, self._fault, self._uid = cluster, fault, uid
        self._touched = set(places_of(before) if before and fault.kind == "NetworkChaos" else ())
        self._renewed = renewed
        self.obstacle: Obstacle | None = None
        self.done: list[str] = []

    def __call__(self) -> list[Residue]:
        try:
            if not self._renewed:
                self.obstacle = obstacle(self._cluster, self._fault, uid=self._uid)
            if not self.obstacle:
                self._drop()
            left = left_of(self._cluster, self._fault, uid=self._uid)
            return left or self._unapplied()
        except ClusterError as error:
            return [cannot_tell(self._fault, error)]

    def is_over(self, left: list[Residue]) -> bool:
        """Whether another look would be for nothing: a controller may still begin."""
        return not left or (self.obstacle is not None and self.obstacle.way is not Way.CONTROLLER)

    def _drop(self) -> None:
        self._drop_finalizers()
        for rules in rules_of(self._cluster, self._fault):
            self._drop_rules(rules)

    def _drop_finalizers(self) -> None:
        """Of the very object that was read: its uid goes with the patch, and cannot be changed."""
        fault, body = self._fault, find(self._cluster, self._fault)
        if body is None or not is_of(body, fault, uid=self._uid):
            return
        metadata = body["metadata"]
        named = {"uid": metadata["uid"]} if metadata.get("uid") else {}
        if not metadata.get("deletionTimestamp"):
            _delete(self._cluster, fault, uid=metadata.get("uid"))
            return
        held = ", ".join(metadata.get("finalizers") or ())
        patch = {"metadata": {**named, "finalizers": None}}
        try:
            self._cluster.merge_patch(fault.api, fault.name, patch, namespace=fault.namespace)
        except NotFound:
            return
        why = last_failure(body) or "no failure reported"
        self.done.append(f"dropped the finalizer {held} of {fault.label} ({why})")

    def _drop_rules(self, rules: Object) -> None:
        """Drop the fault's rules from a PodNetworkChaos.

        A merge patch replaces whole lists, so it carries the version that was read: a rule that
        another fault adds meanwhile is not lost, the next look tries again.
        """
        fault, metadata = self._fault, rules["metadata"]
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "annotations": {DROPPED: fault.source},
            },
            "spec": without_source(rules, fault.source),
        }
        place, name = str(metadata["namespace"]), str(metadata["name"])
        try:
            self._cluster.merge_patch(PODNETWORKCHAOS, name, patch, namespace=place)
        except (Conflict, NotFound):
            return
        self._touched.add((place, name))
        self.done.append(
            f"dropped the rules of {fault.source} ({_entries(rules, fault.source)}) from "
            f"{PODNETWORKCHAOS.plural}/{name} in {place}"
        )

    def _unapplied(self) -> list[Residue]:
        """Of the pods it was in, those whose rules do not follow yet."""
        left = []
        for namespace, name in sorted(self._touched):
            try:
                why = not_applied(self._cluster.get(PODNETWORKCHAOS, name, namespace=namespace))
            except NotFound:
                continue
            if why:
                left.append(Residue(PODNETWORKCHAOS.plural, namespace, name, why))
        return left


_DAEMON = (
    "bring chaos-daemon back on that node, and Chaos Mesh ends the fault by itself; "
    "or kvchaos reap --restart-pods, which deletes those pods"
)
_CONTROLLER = "kubectl get pods -A -l app.kubernetes.io/component=controller-manager"
_PODS = "{look}; then delete {pods} if they may be lost, and reap again"


def _daemon_away(cluster: MeshApi, fault: Fault, body: Object | None) -> str:
    if fault.kind != "NetworkChaos":
        return ""
    if body is not None and (said := unreached(body)):
        return said
    return next(filter(None, map(rules_unreached, rules_of(cluster, fault))), "")


def _pods_there(cluster: MeshApi, body: Object) -> list[str]:
    return [
        f"{namespace}/{name}"
        for namespace, name in places_of(body)
        if _is_there(cluster, namespace, name)
    ]


def _is_there(cluster: MeshApi, namespace: str, name: str) -> bool:
    try:
        cluster.get(PODS, name, namespace=namespace)
    except NotFound:
        return False
    return True


def _delete(cluster: MeshApi, fault: Fault, *, uid: str | None) -> None:
    try:
        cluster.delete(fault.api, fault.name, namespace=fault.namespace, uid=uid)
    except NotFound:
        return


def _entries(rules: Object, source: str) -> str:
    """How many entries of which lists, as ``1 iptables, 2 ipsets``."""
    spec = rules.get("spec") or {}
    counts = {
        key: sum(entry.get("source") == source for entry in spec.get(key) or ()) for key in RULES
    }
    return ", ".join(f"{count} {key}" for key, count in counts.items() if count)
