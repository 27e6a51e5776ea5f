"""How objects go: grace, finalizers, what they own, and what a namespace holds.

An object that is asked to go leaves at once unless something holds it: a finalizer, a pod's grace
period (its node ends that by deleting with 0 seconds), or a namespace's contents. When the last
hold is gone the object follows, and then whatever it alone owned.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvchaos.clock import Clock
from kvchaos.lab.apiserver import kinds
from kvchaos.lab.apiserver.message import Object
from kvchaos.lab.apiserver.metadata import timestamp
from kvchaos.lab.apiserver.refusal import Refused, bad_request, conflict, forbidden
from kvchaos.lab.apiserver.store import Key, Store, Stored

_FOREGROUND = "foregroundDeletion"
_POLICIES = ("Background", "Foreground", "Orphan")
PERMANENT = ("default", "kube-node-lease", "kube-public", "kube-system")


@dataclass(frozen=True, slots=True)
class Wish:
    """How an object is to be deleted (DeleteOptions)."""

    grace: int | None = None  # seconds
    policy: str = "Background"
    uid: str = ""
    version: str = ""
    dry_run: bool = False


GARBAGE = Wish()


def parse_wish(options: Object, *, grace: str, policy: str, dry_run: bool) -> Wish:
    """From a DeleteOptions body, or the query parameters of the same names."""
    preconditions = options.get("preconditions") or {}
    if not isinstance(preconditions, dict):
        raise bad_request("preconditions is no JSON object")
    orphans = "Orphan" if options.get("orphanDependents") else "Background"
    seconds = options.get("gracePeriodSeconds", grace or None)
    chosen = options.get("propagationPolicy") or policy or orphans
    if not isinstance(chosen, str) or chosen not in _POLICIES:
        message = f"propagationPolicy: Unsupported value: {chosen!r}: not one of {_POLICIES}"
        raise Refused(422, "Invalid", message)
    try:
        return Wish(
            grace=None if seconds is None else max(0, int(seconds)),
            policy=chosen,
            uid=preconditions.get("uid") or "",
            version=preconditions.get("resourceVersion") or "",
            dry_run=dry_run or bool(options.get("dryRun")),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise bad_request(f"gracePeriodSeconds {str(seconds)[:40]!r} is no number") from error


class Deleter:
    """Deletion and what follows from it, on one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def delete(self, stored: Stored, wish: Wish) -> Stored:
        """Ask an object to go; what comes back is its last state so far."""
        body = stored.object()
        self._check(stored, body, wish)
        if wish.dry_run:
            return stored
        if wish.policy == "Orphan":
            self._orphan(stored)
        last = self._mark(stored, body, wish)
        if stored.key.kind is kinds.NAMESPACES:
            self._empty(stored.key.name)
        if wish.policy == "Foreground":
            self._delete_dependents(stored)
        return self.settle(last)

    def settle(self, stored: Stored) -> Stored:
        """Remove an object that is to go and that nothing holds; its last state so far."""
        current = self._store.by_uid(stored.uid)
        if current is None:
            return stored
        body = current.object()
        if not body["metadata"].get("deletionTimestamp") or self._is_held(current, body):
            return current
        last = self._store.remove(current.key, body)
        self._follow(last)
        return last

    def collect(self, stored: Stored) -> Stored:
        """Delete an object whose owners are all gone already; its last state so far."""
        owners = stored.owners
        if owners and not any(self._store.by_uid(uid) for uid in owners):
            return self.delete(stored, GARBAGE)
        return stored

    def _check(self, stored: Stored, body: Object, wish: Wish) -> None:
        kind, name = stored.key.kind, stored.key.name
        metadata = body["metadata"]
        for label, asked, field in (
            ("UID", wish.uid, "uid"),
            ("ResourceVersion", wish.version, "resourceVersion"),
        ):
            if asked and asked != metadata[field]:
                why = f"Precondition failed: {label} in precondition: {asked}, {label} in object"
                raise conflict(kind, name, f"{why} meta: {metadata[field]}")
        if kind is kinds.NAMESPACES and name in PERMANENT:
            raise forbidden(kind, name, "this namespace may not be deleted")

    def _mark(self, stored: Stored, body: Object, wish: Wish) -> Stored:
        """Write the deletion into the object, unless it is there already and as strict."""
        metadata = body["metadata"]
        grace = _grace(stored, body, wish)
        before = metadata.get("deletionGracePeriodSeconds")
        if before is not None and before <= grace:
            return stored
        metadata["deletionTimestamp"] = timestamp(self._clock.wall() + grace)
        metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata and before is None:
            metadata["generation"] += 1
        if stored.key.kind is kinds.NAMESPACES:
            body["status"] = {**body.get("status", {}), "phase": "Terminating"}
        if wish.policy == "Foreground" and self._blocking(stored):
            metadata["finalizers"] = [*(metadata.get("finalizers") or []), _FOREGROUND]
        if self._is_held(stored, body):
            return self._store.put(stored.key, body)
        last = self._store.remove(stored.key, body)
        self._follow(last)
        return last

    def _is_held(self, stored: Stored, body: Object) -> bool:
        metadata = body["metadata"]
        if metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds"):
            return True
        kind = stored.key.kind
        return kind is kinds.NAMESPACES and any(self._store.in_namespace(stored.key.name))

    def _empty(self, namespace: str) -> None:
        for stored in self._store.in_namespace(namespace):
            self._collect_one(stored)

    def _delete_dependents(self, stored: Stored) -> None:
        for dependent in self._store.dependents(stored.uid):
            deep = bool(self._store.dependents(dependent.uid))
            self.delete(dependent, Wish(policy="Foreground") if deep else GARBAGE)

    def _collect_one(self, stored: Stored) -> None:
        """Delete what may have gone, or be going, since it was listed."""
        current = self._store.by_uid(stored.uid)
        if current and not current.object()["metadata"].get("deletionTimestamp"):
            self.delete(current, GARBAGE)

    def _follow(self, last: Stored) -> None:
        """What follows from an object that is gone."""
        for dependent in self._store.dependents(last.uid):
            if any(self._store.by_uid(uid) for uid in dependent.owners):
                self._disown(dependent, last.uid)
            else:
                self._collect_one(dependent)
        for uid in last.owners:
            self._release(uid)
        if namespace := self._store.get(Key(kinds.NAMESPACES, "", last.key.namespace)):
            self.settle(namespace)

    def _release(self, uid: str) -> None:
        """Let an owner go that waited for the last of those that block it."""
        owner = self._store.by_uid(uid)
        if owner is None or self._blocking(owner):
            return
        body = owner.object()
        finalizers = body["metadata"].get("finalizers") or []
        if _FOREGROUND in finalizers:
            body["metadata"]["finalizers"] = [one for one in finalizers if one != _FOREGROUND]
            self.settle(self._store.put(owner.key, body))

    def _blocking(self, owner: Stored) -> list[Stored]:
        return [
            dependent
            for dependent in self._store.dependents(owner.uid)
            if any(
                reference["uid"] == owner.uid and reference.get("blockOwnerDeletion")
                for reference in dependent.object()["metadata"]["ownerReferences"]
            )
        ]

    def _orphan(self, stored: Stored) -> None:
        for dependent in self._store.dependents(stored.uid):
            self._disown(dependent, stored.uid)

    def _disown(self, dependent: Stored, uid: str) -> None:
        body = dependent.object()
        references = body["metadata"]["ownerReferences"]
        body["metadata"]["ownerReferences"] = [one for one in references if one["uid"] != uid]
        self._store.put(dependent.key, body)


def _grace(stored: Stored, body: Object, wish: Wish) -> int:
    """Seconds that a pod has to end; nothing else, and no pod that does not run, has any."""
    if stored.key.kind is not kinds.PODS:
        return 0
    ended = body.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    if ended or not body["spec"].get("nodeName"):
        return 0
    if wish.grace is not None:
        return wish.grace
    return int(body["spec"].get("terminationGracePeriodSeconds") or 0)
