"""Send a fault, and return only when it is really injected; or take back what was sent.

In this order, so that nothing outlives a run unnoticed: the body is checked, the server itself
would take it (a dry run), its targets exist, a line about it is on disk, it is created. Then its
records are watched until every target has it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from kvchaos.clock import Clock, poll
from kvchaos.cluster.kinds import Object
from kvchaos.cluster.transport import Unanswered
from kvchaos.errors import (
    AlreadyExists,
    ClusterError,
    FaultNotInjected,
    FaultNotRecovered,
    FaultRefused,
    Forbidden,
    Invalid,
    NotFound,
    TemplateInvalid,
)
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.confirm import in_effect
from kvchaos.mesh.fault import Evidence, Fault, Injected, Target
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.lint import CEILING, lint
from kvchaos.mesh.records import (
    conditions,
    desired_phase,
    last_failure,
    missing_for_injection,
    records,
)
from kvchaos.mesh.recover import EVERY, recover
from kvchaos.mesh.targets import hit, resolve

logger = logging.getLogger(__name__)

TAKE_BACK = 10.0  # seconds for each step of recovering what was not injected


def inject(
    cluster: MeshApi,
    body: Object,
    *,
    ledger: Ledger,
    timeout: float,
    clock: Clock,
    ceiling: float = CEILING,
    whole: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Injected:
    """The fault in ``body`` once Chaos Mesh has injected it in every target it selected.

    TemplateInvalid or FaultRefused: nothing was sent. AlreadyExists: the name is taken, which is
    an error, whoever took it. FaultNotInjected after ``timeout`` seconds: what was created has
    been recovered, or the message says what of it is left. The create is done within ``whole``,
    which lets no signal in: one whose answer nobody waits for may land when all is looked over.
    """
    if findings := lint(body, ceiling=ceiling):
        raise TemplateInvalid(f"not a fault that may be sent: {'; '.join(findings)}")
    fault = Fault.of(body)
    _rehearse(cluster, fault, body)
    candidates = resolve(cluster, body)
    ledger.record(_line(fault, clock=clock))
    requested = clock.now()
    try:
        with whole():
            _create(cluster, fault, body, clock=clock)
        created = clock.now()
        seen = _await_injection(cluster, fault, timeout=timeout, clock=clock)
    except (KeyboardInterrupt, SystemExit):
        _abandon(cluster, fault)
        raise
    injected_at = clock.now()
    targets = tuple(hit(cluster, record, candidates) for record in records(seen))
    logger.info("%s injected into %s", fault.label, ", ".join(each.label for each in targets))
    return _with_evidence(cluster, fault, targets, times=(requested, created, injected_at))


def _rehearse(cluster: MeshApi, fault: Fault, body: Object) -> None:
    """Ask the server, webhooks and all, whether it would take the fault."""
    try:
        cluster.create(fault.api, body, dry_run=True)
    except Invalid as error:
        raise FaultRefused(f"{fault.label}: refused by the server", saw=str(error)) from error
    except NotFound as error:
        raise FaultRefused(
            f"{fault.label}: no place for it",
            wanted=f"Chaos Mesh's kind {fault.api.resource} and the namespace {fault.namespace}",
            saw=str(error),
            look=f"kubectl get crd {fault.api.resource}; kubectl get namespace {fault.namespace}",
        ) from error


def _line(fault: Fault, *, clock: Clock) -> Object:
    wall = datetime.fromtimestamp(clock.wall(), tz=UTC).isoformat(timespec="milliseconds")
    return {"event": "inject", "wall": wall, "fault": fault.to_json()}


def _create(cluster: MeshApi, fault: Fault, body: Object, *, clock: Clock) -> None:
    """Create the fault; when the answer was lost it may be there all the same: take it back."""
    try:
        cluster.create(fault.api, body)
    except (AlreadyExists, Invalid, Forbidden, NotFound):
        raise  # the server said no: there is nothing of ours
    except ClusterError as error:
        failed = _not_injected(cluster, fault, None, why=str(error), clock=clock)
        failed.may_come = isinstance(error, Unanswered)
        raise failed from error


def _await_injection(cluster: MeshApi, fault: Fault, *, timeout: float, clock: Clock) -> Object:
    """The object once all its records are injected."""
    try:
        seen, waited = poll(
            lambda: cluster.get(fault.api, fault.name, namespace=fault.namespace),
            until=lambda seen: not missing_for_injection(seen) or desired_phase(seen) == "Stop",
            timeout=timeout,
            every=EVERY,
            clock=clock,
        )
    except ClusterError as error:
        raise _not_injected(cluster, fault, None, why=str(error), clock=clock) from error
    if desired_phase(seen) == "Stop":
        why = f"stopped before it was confirmed ({_lasting(fault)})"
        raise _not_injected(cluster, fault, seen, why=why, clock=clock)
    if missing_for_injection(seen):
        why = f"not injected after {waited:.1f}s"
        raise _not_injected(cluster, fault, seen, why=why, clock=clock)
    return seen


def _lasting(fault: Fault) -> str:
    return f"duration {fault.duration:g}s" if fault.duration else "no duration"


def _abandon(cluster: MeshApi, fault: Fault) -> None:
    """Ask for the fault's deletion and wait for nothing: the run is being stopped."""
    try:
        cluster.delete(fault.api, fault.name, namespace=fault.namespace)
    except ClusterError as error:
        logger.warning("%s: not deleted on the way out: %s", fault.label, error)


def _not_injected(
    cluster: MeshApi, fault: Fault, seen: Object | None, *, why: str, clock: Clock
) -> FaultNotInjected:
    """The error for a fault that did not land, after what was created of it was recovered."""
    lacks = missing_for_injection(seen) if seen else []
    failure = last_failure(seen) if seen else ""
    left = _taken_back(cluster, fault, clock=clock)
    return FaultNotInjected(
        f"{fault.label}: {why}",
        conditions=conditions(seen) if seen else {},
        failure=failure,
        wanted="Selected, AllInjected, and every record Injected" if lacks else "",
        saw="; ".join(part for part in (", ".join(lacks), failure, left) if part),
        look=fault.look if left else "",
    )


def _taken_back(cluster: MeshApi, fault: Fault, *, clock: Clock) -> str:
    """Nothing when the fault is gone, or words for what of it is left."""
    try:
        recover(cluster, fault, timeout=TAKE_BACK, clock=clock, force=True)
    except FaultNotRecovered as error:
        return f"and not recovered: {error}"
    return ""


def _with_evidence(
    cluster: MeshApi,
    fault: Fault,
    targets: tuple[Target, ...],
    *,
    times: tuple[float, float, float],
) -> Injected:
    requested, created, injected = times
    known = Injected(
        fault=fault,
        targets=targets,
        requested_at=requested,
        created_at=created,
        injected_at=injected,
    )
    seen = in_effect(cluster, known).evidence
    return replace(known, evidence=seen if fault.kind != "PodChaos" else tuple(map(_so_far, seen)))


def _so_far(seen: Evidence) -> Evidence:
    """A pod shows that it was hit only when its kubelet has noticed: until then nobody knows."""
    if seen.source != "pod" or seen.holds is not False:
        return seen
    return replace(seen, holds=None, text=f"{seen.text}, so far")
