"""A run's faults: injected from a template, proven to be in effect, recovered, nothing left."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from kvchaos.clock import poll
from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.errors import FaultError, FaultNotRecovered
from kvchaos.experiment import find_template
from kvchaos.mesh import confirm
from kvchaos.mesh import inject as injecting
from kvchaos.mesh import recover as recovering
from kvchaos.mesh.fault import Injected
from kvchaos.mesh.render import render
from kvchaos.mesh.residue import residue
from kvchaos.run.effect import Look, Seen, lost_blocks, router_restarted, streams_ended
from kvchaos.run.session import ActiveFault, Before, Run
from kvchaos.run.values import template_values

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LOOK_EVERY = 0.2  # seconds between looks at a fault's evidence


def inject(run: Run, template: str, values: Json, *, timeout: float) -> Json:
    """Render, check and inject a fault; both outcomes are in the history."""
    body = render(find_template(template), {"run": run.id, **template_values(values)})
    before = _before(run)
    try:
        injected = injecting.inject(
            run.cluster, body, ledger=run.ledger, timeout=timeout, clock=run.clock
        )
    except FaultError as error:
        run.history.add("fault_failed", fault=_brief_body(body), error=str(error))
        raise
    active = ActiveFault(
        injected=injected,
        at=run.at_of(injected.injected_at),
        at_request=run.at_of(injected.requested_at),
        before=before,
    )
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

    def evidence() -> tuple[Seen, list[Json]]:
        seen = look(run.sampler.samples(since=active.at_request))
        said = confirm.in_effect(run.cluster, active.injected).evidence
        return seen, [*(each.to_json() for each in said), _seen(seen)]

    (seen, found), _ = poll(
        evidence,
        lambda pair: all(each["holds"] is True for each in pair[1]),
        timeout=within,
        every=LOOK_EVERY,
        clock=run.clock,
    )
    answer = {"effect": _effect([each["holds"] for each in found]), "at": seen.at}
    active.effect = seen.at
    run.history.add("effect", fault=_brief(active.injected), **answer, evidence=found)
    return {**answer, "evidence": found}


def recover(run: Run, *, held: float, timeout: float) -> Json:
    """End every open fault, wait until links and pods are back; both outcomes are recorded."""
    return {"recovered": [_recover(run, each, held, timeout) for each in run.open_faults()]}


def residue_of(run: Run) -> Json:
    """What is left of this run's faults, asked of the cluster now."""
    places = sorted(
        {run.settings.namespace}.union(
            place
            for active in run.faults.values()
            for place in (active.injected.fault.namespace, *active.injected.fault.namespaces)
        )
    )
    left = residue(run.cluster, run=run.id, namespaces=places)
    return {"clean": not left, "left": [str(each) for each in left]}


def _before(run: Run) -> Before:
    newest = run.sampler.samples()[-1:]
    return Before(
        ready=sum(map(pods.is_ready, watched_pods(run))),
        engines=frozenset(engine.pod for engine in run.observer.engines()),
        router_started=newest[0].router_started if newest else None,
    )


def watched_pods(run: Run) -> list[Object]:
    """The pods of engines and routers."""
    return [
        pod
        for selector in (run.settings.engine_selector, run.settings.router_selector)
        for pod in run.cluster.list(PODS, namespace=run.settings.namespace, labels=selector)
    ]


def _recover(run: Run, active: ActiveFault, held: float, timeout: float) -> Json:
    fault = active.injected.fault
    run.clock.sleep(max(0.0, active.at + held - run.at()))
    done = recovering.recover(run.cluster, fault, timeout=timeout, clock=run.clock)
    active.healed = run.at_of(done.healed_at)
    if fault.kind == "PodChaos":
        _await_pods(run, active, timeout=timeout)
        active.healed = run.at()
    record = {
        "fault": _brief(active.injected),
        "healed": active.healed,
        "by": str(done.by),
        "residue": residue_of(run)["left"],
    }
    run.history.add("fault_recovered", **record)
    return record


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


def _look(run: Run, active: ActiveFault) -> Look:
    """How the observer could see this fault: by the index, by the router, or by the streams."""
    engines = sorted({engine.pod for engine in run.observer.engines()})
    struck = [each for each in active.injected.targets if each.pod in active.before.engines]
    if active.injected.fault.kind == "NetworkChaos":
        return lost_blocks([each.pod for each in struck] or engines)
    if not struck:
        return router_restarted(active.before.router_started)
    return streams_ended(run, struck, active.at_request)


def _effect(holds: Sequence[bool | None]) -> str:
    if False in holds:
        return "not effective"
    return "inconclusive" if None in holds or not holds else "confirmed"


def _seen(seen: Seen) -> Json:
    return {"source": "observer", "holds": seen.holds, "text": seen.text}


def _brief(injected: Injected) -> Json:
    fault = injected.fault
    return {
        "kind": fault.kind,
        "namespace": fault.namespace,
        "name": fault.name,
        "action": fault.action,
        "direction": fault.direction,
    }


def _brief_body(body: Object) -> Json:
    metadata = body.get("metadata", {})
    return {
        "kind": body.get("kind"),
        "namespace": metadata.get("namespace"),
        "name": metadata.get("name"),
    }
