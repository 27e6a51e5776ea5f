"""End a fault, and return only when it is gone: its object, and every rule of it in a pod.

Deleting an object whose injection or recovery keeps failing hangs on Chaos Mesh's finalizer, and
its rules then block every other network fault of those pods. ``force`` frees that, in the order
that was seen to work: delete, wait; drop the finalizers; drop the fault's rules from each
PodNetworkChaos; wait until the daemon has applied what is left. A pod fault is never forced:
without its object nothing would give the pods their containers back.
"""

from __future__ import annotations

from dataclasses import replace

from kvchaos.clock import Clock, poll
from kvchaos.cluster.kinds import PODNETWORKCHAOS, Object
from kvchaos.errors import ClusterError, Conflict, FaultNotRecovered, NotFound
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import End, Fault, Recovered
from kvchaos.mesh.records import has_ended, not_applied, recovered_wall, without_source
from kvchaos.mesh.residue import Residue, left_of, rules_of

EVERY = 0.2  # seconds between looks at the cluster


def recover(
    cluster: MeshApi, fault: Fault, *, timeout: float, clock: Clock, force: bool = False
) -> Recovered:
    """``fault`` deleted and nothing of it left; the same again when it was gone before.

    ``timeout`` bounds the wait, in seconds, also while the API fails; with ``force`` there is a
    second such wait in which finalizers and rules are dropped. FaultNotRecovered says what is left.
    """
    ending = _Ending(cluster, fault)
    start = clock.now()
    left, waited = poll(ending, until=_is_empty, timeout=timeout, every=EVERY, clock=clock)
    forced = bool(left) and force and fault.kind == "NetworkChaos"
    if forced:
        freeing = _Freeing(cluster, fault)
        left, more = poll(freeing, until=_is_empty, timeout=timeout, every=EVERY, clock=clock)
        waited += more
    if left:
        raise _not_recovered(fault, left, waited=waited)
    return Recovered(
        fault=fault,
        by=_ended_by(fault, ending.before),
        healed_at=_healed_at(ending.before, clock=clock, gone=start + waited),
        waited=waited,
        forced=forced,
    )


def await_end(cluster: MeshApi, fault: Fault, *, timeout: float, clock: Clock) -> Recovered:
    """``fault`` once something else than us ended it everywhere; its object may stay.

    FaultNotRecovered when it has not ended after ``timeout`` seconds, which is what a fault does
    whose daemon is away.
    """
    end, waited = poll(
        lambda: ended(cluster, fault, clock=clock),
        until=lambda end: end is not None,
        timeout=timeout,
        every=EVERY,
        clock=clock,
    )
    if end is None:
        raise _not_recovered(fault, left_of(cluster, fault), waited=waited)
    return replace(end, waited=waited)


def ended(cluster: MeshApi, fault: Fault, *, clock: Clock) -> Recovered | None:
    """One look whether ``fault`` ended without us: by its duration, or deleted by somebody else."""
    body = _find(cluster, fault)
    if body is not None and not has_ended(body):
        return None
    by = End.GONE if body is None else End.DURATION
    return Recovered(fault=fault, by=by, healed_at=clock.now(), waited=0.0)


class _Ending:
    """One look after another: deletes the fault at the first, says what is left at each.

    An API that fails meanwhile is asked again at the next look. ``before`` is the object as it
    was before it was deleted, None when it was gone.
    """

    def __init__(self, cluster: MeshApi, fault: Fault) -> None:
        self._cluster, self._fault = cluster, fault
        self._asked = False
        self.before: Object | None = None

    def __call__(self) -> list[Residue]:
        try:
            if not self._asked:
                self.before = _find(self._cluster, self._fault)
                _delete(self._cluster, self._fault)
                self._asked = True
            return left_of(self._cluster, self._fault)
        except ClusterError as error:
            return [_cannot_tell(self._fault, error)]


class _Freeing:
    """One look after another: drops finalizers and rules, says what is left at each."""

    def __init__(self, cluster: MeshApi, fault: Fault) -> None:
        self._cluster, self._fault = cluster, fault
        self._touched: set[tuple[str, str]] = set()

    def __call__(self) -> list[Residue]:
        try:
            _drop_finalizers(self._cluster, self._fault)
            self._touched.update(_drop_rules(self._cluster, self._fault))
            left = left_of(self._cluster, self._fault)
            return left or _unapplied(self._cluster, self._touched)
        except ClusterError as error:
            return [_cannot_tell(self._fault, error)]


def _is_empty(left: list[Residue]) -> bool:
    return not left


def _cannot_tell(fault: Fault, error: ClusterError) -> Residue:
    return Residue(fault.api.plural, fault.namespace, fault.name, f"cannot tell: {error}")


def _find(cluster: MeshApi, fault: Fault) -> Object | None:
    try:
        return cluster.get(fault.api, fault.name, namespace=fault.namespace)
    except NotFound:
        return None


def _delete(cluster: MeshApi, fault: Fault) -> None:
    try:
        cluster.delete(fault.api, fault.name, namespace=fault.namespace)
    except NotFound:
        return  # gone already, which is what is wanted


def _drop_finalizers(cluster: MeshApi, fault: Fault) -> None:
    try:
        cluster.merge_patch(
            fault.api, fault.name, {"metadata": {"finalizers": None}}, namespace=fault.namespace
        )
    except NotFound:
        return


def _drop_rules(cluster: MeshApi, fault: Fault) -> list[tuple[str, str]]:
    """Drop the fault's rules from each PodNetworkChaos; (namespace, name) of those changed.

    A merge patch replaces whole lists, so it carries the version that was read: a rule that
    another fault adds meanwhile is not lost, the next look tries again.
    """
    changed = []
    for rules in rules_of(cluster, fault):
        metadata = rules["metadata"]
        patch = {
            "metadata": {"resourceVersion": metadata["resourceVersion"]},
            "spec": without_source(rules, fault.source),
        }
        try:
            cluster.merge_patch(
                PODNETWORKCHAOS, metadata["name"], patch, namespace=metadata["namespace"]
            )
        except (Conflict, NotFound):
            continue
        changed.append((str(metadata["namespace"]), str(metadata["name"])))
    return changed


def _unapplied(cluster: MeshApi, places: set[tuple[str, str]]) -> list[Residue]:
    """Of the changed PodNetworkChaos, those whose pod does not follow yet."""
    left = []
    for namespace, name in sorted(places):
        try:
            why = not_applied(cluster.get(PODNETWORKCHAOS, name, namespace=namespace))
        except NotFound:
            continue
        if why:
            left.append(Residue(PODNETWORKCHAOS.plural, namespace, name, why))
    return left


def _ended_by(fault: Fault, before: Object | None) -> End:
    if fault.one_shot:
        return End.ONE_SHOT
    if before is None:
        return End.GONE
    return End.DURATION if has_ended(before) else End.DELETION


def _healed_at(before: Object | None, *, clock: Clock, gone: float) -> float:
    """When the links were whole again, on the clock.

    By its duration: as the records say, to whole seconds and as far as the cluster's wall clock
    agrees with ours. Otherwise: when the last of it was seen gone.
    """
    wall = recovered_wall(before) if before is not None and has_ended(before) else None
    return gone if wall is None else min(gone, clock.now() - (clock.wall() - wall))


def _not_recovered(fault: Fault, left: list[Residue], *, waited: float) -> FaultNotRecovered:
    return FaultNotRecovered(
        f"{fault.label}: not recovered after {waited:.1f}s",
        wanted="nothing left of it",
        left=tuple(each.label for each in left),
        look=fault.look,
    )
