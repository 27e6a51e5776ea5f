"""A game day put into a cluster, looked at there, and taken out again.

The rule guarded here: objects that kvchaos did not make are not touched, and a game day that runs
keeps its rights until its pods are gone, for it has a fault to recover.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kvchaos.clock import Clock, poll
from kvchaos.cluster.kinds import (
    CONFIGMAPS,
    CRONJOBS,
    JOBS,
    KINDS,
    PERSISTENTVOLUMECLAIMS,
    PODS,
    ROLEBINDINGS,
    ROLES,
    SERVICEACCOUNTS,
    Kind,
    Object,
)
from kvchaos.errors import AlreadyExists, KVChaosError, NotFound, UsageError
from kvchaos.gameday.objects import PLAN_LABEL, name_of, selector
from kvchaos.mesh.api import MeshApi

NEEDED = (CRONJOBS, JOBS, PERSISTENTVOLUMECLAIMS)
"""What a cluster may lack; the embedded lab does."""
REMOVED = (CONFIGMAPS, ROLEBINDINGS, ROLES, SERVICEACCOUNTS)
"""What is removed once the pods are gone."""
ENDS = frozenset({"Succeeded", "Failed", "Complete"})
"""The phases of a pod, and the conditions of a Job, that are its end."""
EVERY = 2.0


class Api(MeshApi, Protocol):
    """The part of the cluster client that is used here."""

    def has_kind(self, kind: Kind) -> bool: ...


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with an object: ``made``, ``changed``, ``kept``, ``removed``, ``taken``."""

    what: str
    kind: str
    name: str

    @property
    def text(self) -> str:
        return f"{self.kind} {self.name}: {self.what}"


def ensure_served(cluster: Api, context: str) -> None:
    """KVChaosError when the cluster has no CronJobs, no Jobs or no volumes."""
    if lacking := [kind.kind for kind in NEEDED if not cluster.has_kind(kind)]:
        raise KVChaosError(
            f"no game day can be installed in {context}",
            wanted="a cluster that serves " + ", ".join(kind.kind for kind in NEEDED),
            saw="none of " + ", ".join(lacking),
            look="kvchaos gameday PLAN.yaml, which plays it from here, on the lab too",
        )


def apply(cluster: Api, objects: Sequence[Object], *, dry_run: bool = False) -> Iterator[Done]:
    """Make or change the objects; with ``dry_run`` the server says whether it would take them.

    UsageError before anything is changed when one of a name is there that is somebody else's.
    """
    known = [(body, _there(cluster, body)) for body in objects]
    for body, there in known:
        if there is not None and not _is_ours(there, body):
            what = f"{body['kind']} {body['metadata']['name']}"
            raise UsageError(
                f"{what} in {body['metadata']['namespace']} is not kvchaos' own",
                wanted=f"none, or one with the label {PLAN_LABEL}",
                look="another name in the plan",
            )
    for body, there in known:
        yield _apply(cluster, body, there, dry_run=dry_run)


def installed(cluster: Api, namespace: str, plan: str = "") -> list[Object]:
    """The CronJobs of one plan, or of all."""
    found = cluster.list(CRONJOBS, namespace=namespace, labels=selector(plan))
    return sorted(found, key=lambda body: str(body["metadata"]["name"]))


def remove(
    cluster: Api, namespace: str, plan: str, *, patience: float, volume: bool, clock: Clock
) -> Iterator[Done]:
    """Take the game day out: first what starts and runs it, then, when that is gone, its rights.

    KVChaosError when its pods are still there after ``patience`` seconds: then it keeps them.
    """
    yield _delete(cluster, CRONJOBS, namespace, plan)
    running, waited = poll(
        lambda: _running(cluster, namespace, plan),
        lambda running: not running,
        timeout=patience,
        every=EVERY,
        clock=clock,
    )
    if running:
        raise KVChaosError(
            f"{', '.join(running)} still run after {waited:.0f} s, and keep their rights",
            look=f"kubectl -n {namespace} get pods -l {selector(plan)}; then uninstall again",
        )
    for kind in (*REMOVED, *([PERSISTENTVOLUMECLAIMS] if volume else [])):
        yield _delete(cluster, kind, namespace, plan)
    if not volume:
        yield Done("kept, with the reports in it", PERSISTENTVOLUMECLAIMS.kind, name_of(plan))


def kind_of(body: Object) -> Kind:
    """The row of the table for an object."""
    said = (body["apiVersion"], body["kind"])
    return next(kind for kind in KINDS.values() if (kind.api_version, kind.kind) == said)


def _there(cluster: Api, body: Object) -> Object | None:
    metadata = body["metadata"]
    try:
        return cluster.get(kind_of(body), metadata["name"], namespace=metadata["namespace"])
    except NotFound:
        return None


def _apply(cluster: Api, body: Object, there: Object | None, *, dry_run: bool) -> Done:
    kind, metadata = kind_of(body), body["metadata"]
    name = str(metadata["name"])
    if there is not None and kind == PERSISTENTVOLUMECLAIMS:
        return Done("kept as it is", kind.kind, name)
    if dry_run:
        try:
            cluster.create(kind, body, dry_run=True)
        except AlreadyExists:
            return Done("there, would be changed", kind.kind, name)
        return Done("would be made", kind.kind, name)
    if there is None:
        cluster.create(kind, body)
        return Done("made", kind.kind, name)
    cluster.merge_patch(kind, name, _patch(body, there), namespace=metadata["namespace"])
    return Done("changed", kind.kind, name)


def _patch(body: Object, there: Object) -> Object:
    """A merge patch after which no file of an earlier plan is left."""
    patch = {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}
    if "data" in body:
        patch["data"] = {**dict.fromkeys(there.get("data") or {}), **body["data"]}
    return patch


def _delete(cluster: Api, kind: Kind, namespace: str, plan: str) -> Done:
    name = name_of(plan)
    try:
        there = cluster.get(kind, name, namespace=namespace)
        if (there["metadata"].get("labels") or {}).get(PLAN_LABEL) != plan:
            return Done("left alone: it is not kvchaos' own", kind.kind, name)
        cluster.delete(kind, name, namespace=namespace)
    except NotFound:
        return Done("was not there", kind.kind, name)
    return Done("removed", kind.kind, name)


def _running(cluster: Api, namespace: str, plan: str) -> list[str]:
    """The names of Jobs and pods that are not over: a Job may be about to make its pod."""
    found = (
        cluster.list(kind, namespace=namespace, labels=selector(plan)) for kind in (JOBS, PODS)
    )
    return [str(each["metadata"]["name"]) for some in found for each in some if not is_over(each)]


def _is_ours(there: Object, body: Object) -> bool:
    labels = there["metadata"].get("labels") or {}
    return bool(labels.get(PLAN_LABEL) == body["metadata"]["labels"][PLAN_LABEL])


def is_over(body: Object) -> bool:
    """Whether a Job or a pod has ended, well or not."""
    status = body.get("status") or {}
    ended = [each for each in status.get("conditions") or () if each.get("status") == "True"]
    return status.get("phase") in ENDS or any(each.get("type") in ENDS for each in ended)
