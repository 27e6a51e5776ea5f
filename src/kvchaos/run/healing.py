"""The end of a run's faults: recovered, by whatever thread, and what of them is left.

The rule: a fault is open from the line in the ledger that went before its create until its
recovery was seen, whatever happened in between; ending one twice is fine.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kvchaos.clock import poll
from kvchaos.cluster import pods
from kvchaos.errors import FaultNotRecovered, KVChaosError
from kvchaos.mesh import recover as recovering
from kvchaos.mesh.fault import Fault, Recovered
from kvchaos.mesh.residue import residue
from kvchaos.run import lasting
from kvchaos.run.session import ActiveFault, Run
from kvchaos.run.watched import watched_pods

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LOOK_EVERY = 0.2  # seconds between looks at what a fault left


def recover(run: Run, *, held: float, timeout: float, force: bool = False) -> Json:
    """End every open fault, wait until links and pods are back; one that fails stops no other.

    From any thread: two that end the same fault do so one after the other.
    """
    done, errors = [], []
    for fault in open_faults(run):
        try:
            done.append(_recover(run, fault, held=held, timeout=timeout, force=force))
        except Exception as error:  # noqa: BLE001 - what is odd about one must not save another
            logger.warning("%s: %s", fault.label, error)
            errors.append(error)
    if errors:
        raise errors[0]
    return {"recovered": done}


def recover_now(run: Run, *, timeout: float) -> None:
    """For a run that is being stopped: end every fault, also one whose create is under way.

    Such a one is asked for again until its injection is over. What is still open after
    ``timeout`` seconds is left to the end of the run.
    """

    def still_open() -> bool:
        with suppress(KVChaosError):  # logged; it is tried again
            recover(run, held=0.0, timeout=min(timeout, 20.0))
        return bool(run.in_flight or open_faults(run))

    poll(still_open, lambda more: not more, timeout=timeout, every=LOOK_EVERY, clock=run.clock)


def free(run: Run, *, timeout: float) -> None:
    """End every fault of the ledger once more, by force where that frees it."""
    for fault in _told(run):
        try:
            with _alone(run, timeout=timeout):
                done = recovering.recover(
                    run.api,
                    fault,
                    timeout=timeout,
                    clock=run.clock,
                    force=True,
                    silence=run.silence,
                )
                if fault.name not in run.recovered:
                    _recovered(run, fault, done, held=0.0, timeout=timeout, forced=done.forced)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("%s: %s", fault.label, error)


def open_faults(run: Run) -> list[Fault]:
    """The faults in the ledger whose recovery was not seen."""
    return [fault for fault in _told(run) if fault.name not in run.recovered]


def unconfirmed(run: Run, *, blind: bool) -> list[str]:
    """What may be left of this run's faults, or may still come: each, and what ends it.

    All that are open when nobody could look (``blind``); those whose create was not answered.
    """
    open_now = {fault.name for fault in open_faults(run)} if blind else set()
    doubtful = open_now | run.may_come
    return [
        f"{fault.label} in {fault.namespace}, {_ends(fault)}"
        for fault in _told(run)
        if fault.name in doubtful
    ]


def _ends(fault: Fault) -> str:
    if fault.duration is None:
        return "which its own duration does not end"
    return f"which its own duration ends {fault.duration:g} s after its creation"


def _told(run: Run) -> list[Fault]:
    return [Fault.from_json(entry["fault"]) for entry in run.ledger.entries()]


def residue_of(run: Run) -> Json:
    """What is left of this run's faults, asked of the cluster now."""
    places = {place for fault in _told(run) for place in (fault.namespace, *fault.namespaces)}
    left = residue(run.api, run=run.id, namespaces=sorted({run.settings.namespace, *places}))
    return {"clean": not left, "left": [each.label for each in left]}


def _recover(run: Run, fault: Fault, *, held: float, timeout: float, force: bool) -> Json:
    """End one fault; its heal is by our own clock, also when its duration came first."""
    active = run.active(fault.name)
    ended = lasting.stand(run, active, held=held) if active else None
    run.sampler.look_closely()
    with _alone(run, timeout=timeout):
        if fault.name in run.recovered:
            return {"fault": fault.brief(), "by": "another thread, meanwhile"}
        in_flight = fault.name in run.in_flight
        done = recovering.recover(
            run.api,
            fault,
            timeout=timeout,
            clock=run.clock,
            force=force,
            since=active.injected.injected_at if active else None,
            silence=run.silence,
        )
        if in_flight:  # its create may still come
            return {"fault": fault.brief(), "by": "nothing yet: it is being injected"}
        return _recovered(run, fault, ended or done, held=held, timeout=timeout, forced=done.forced)


def _recovered(
    run: Run, fault: Fault, done: Recovered, *, held: float, timeout: float, forced: bool
) -> Json:
    active = run.active(fault.name)
    healed = stood_until = round(run.at_of(done.healed_at), 3)
    if active and fault.kind == "PodChaos" and run.stopping.first is None:
        _await_pods(run, active, timeout=timeout)
        healed = round(run.at(), 3)
    if active:
        active.healed = healed
        run.sampler.look_closely()
    run.recovered.add(fault.name)
    record = {
        "fault": fault.brief(),
        "healed": healed,
        "by": str(done.by),
        "forced": forced,
        "held": round(stood_until - round(active.at, 3), 3)
        if active and not fault.one_shot
        else None,
        "asked": held or None,
        "residue": [],
    }
    run.history.add("fault_recovered", **record)
    return record


@contextmanager
def _alone(run: Run, *, timeout: float) -> Iterator[None]:
    """Alone with the faults; after ``timeout`` seconds all the same: ending one twice is fine."""
    mine = run.recovering.acquire(timeout=timeout)
    try:
        yield
    finally:
        if mine:
            run.recovering.release()


def _await_pods(run: Run, active: ActiveFault, *, timeout: float) -> None:
    """Wait until the pods that were hit are back: as many ready as before, none as it was then.

    A pod goes on looking ready for a while after it was hit, so readiness alone says nothing.
    """
    missing, _ = poll(
        lambda: _not_back(run, active),
        lambda why: not why,
        timeout=timeout,
        every=LOOK_EVERY,
        clock=run.clock,
    )
    if missing:
        raise FaultNotRecovered(
            f"{active.injected.fault.label}: the pods are not back",
            wanted=f"{active.before.ready} ready pods within {timeout:g} s",
            saw=missing,
            look=f"kubectl get pods -n {run.settings.namespace}",
        )


def _not_back(run: Run, active: ActiveFault) -> str:
    """What is still missing, or nothing."""
    found = {pods.uid(pod): pod for pod in watched_pods(run)}
    for target in active.injected.targets:
        pod = found.get(target.uid)
        if pod is None:
            continue
        if active.injected.fault.action == "pod-kill":
            return f"{target.label} is still there"
        if pods.restarts(pod, target.container) <= target.restarts:
            return f"{target.label} has not restarted yet"
        if not pods.is_ready(pod):
            return f"{target.label} is not ready"
    ready = sum(map(pods.is_ready, found.values()))
    return "" if ready >= active.before.ready else f"{ready} ready"
