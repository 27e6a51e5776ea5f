"""A run's faults: injected from a template, proven to be in effect, recovered, nothing left."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from kvchaos.clock import poll
from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import FaultError, FaultNotRecovered
from kvchaos.experiment import find_template
from kvchaos.mesh import confirm, inject as injecting, recover as recovering
from kvchaos.mesh.fault import Injected
from kvchaos.mesh.render import render
from kvchaos.mesh.residue import residue
from kvchaos.run.effect import Look, Seen, lost_blocks, pods_gone, router_restarted, streams_ended
from kvchaos.run.session import ActiveFault, Run

logger = logging.getLogger(__name__)

Json = dict[str, Any]


def inject(run: Run, template: str, values: Json, *, timeout: float) -> Json:
    """Render, check and inject a fault; both outcomes are in the history."""
    body = render(find_template(template), {"run": run.id, **values})
    ready = ready_pods(run)
    try:
        injected = injecting.inject(
            run.cluster, body, ledger=run.ledger, timeout=timeout, clock=run.clock
        )
    except FaultError as error:
        run.history.add("fault_failed", fault=_brief_body(body), error=str(error))
        raise
    active = ActiveFault(injected=injected, at=run.at_of(injected.injected_at), ready_before=ready)
    run.faults[injected.fault.name] = active
    run.history.add(
        "fault_injected",
        fault=_brief(injected),
        targets=[{"pod": t.pod, "uid": t.uid, "role": t.role} for t in injected.targets],
        requested=run.at_of(injected.requested_at),
        created=run.at_of(injected.created_at),
        injected=active.at,
        duration=injected.fault.duration,
        evidence=[each.to_json() for each in injected.evidence],
    )
    return injected.to_json()


def in_effect(run: Run, *, within: float) -> Json:
    """Whether the last fault shows: by its records, by the pods, and to the observer."""
    active = run.last_fault()
    if active is None:
        return {"effect": "inconclusive", "at": None, "evidence": [_seen(Seen(None, "no fault"))]}
    look = _look(run, active)
    samples = run.sampler.wait(
        lambda samples: look(samples).holds is True, since=active.at, timeout=within
    )
    seen = look(samples)
    records = confirm.in_effect(run.cluster, active.injected)
    evidence = [*[each.to_json() for each in records.evidence], _seen(seen)]
    answer = {"effect": _effect([each["holds"] for each in evidence]), "at": seen.at}
    active.effect = seen.at
    run.history.add("effect", fault=_brief(active.injected), **answer, evidence=evidence)
    return {**answer, "evidence": evidence}


def recover(run: Run, *, held: float, timeout: float) -> Json:
    """End every open fault, wait until links and pods are back; both outcomes are recorded."""
    return {"recovered": [_recover(run, each, held, timeout) for each in run.open_faults()]}


def _recover(run: Run, active: ActiveFault, held: float, timeout: float) -> Json:
    run.clock.sleep(max(0.0, active.at + held - run.at()))
    done = recovering.recover(run.cluster, active.injected.fault, timeout=timeout, clock=run.clock)
    _await_ready(run, active, timeout)
    healed = run.at_of(done.healed_at) if not active.touches_pods else run.at()
    active.healed = healed
    record = {"fault": _brief(active.injected), "healed": healed, "by": str(done.by), "residue": []}
    run.history.add("fault_recovered", **record)
    return record


def _await_ready(run: Run, active: ActiveFault, timeout: float) -> None:
    """Wait until as many pods are ready as before the fault, and none of the killed still is."""

    def back() -> bool:
        return _undone(run, active) and ready_pods(run) >= active.ready_before

    ready, _ = poll(bool_of(back), lambda is_back: is_back, timeout=timeout, every=0.2, clock=run.clock)
    if not ready:
        raise FaultNotRecovered(
            f"{active.injected.fault.label}: pods are not back",
            wanted=f"{active.ready_before} ready pods within {timeout:g} s",
            saw=f"{ready_pods(run)}",
            look=f"kubectl get pods -n {run.settings.namespace}",
        )
