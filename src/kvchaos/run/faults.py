"""A run's faults: injected from a template, and proven to be in effect.

The rule: whoever ends them knows of each before it is sent: by the ledger, or as one in flight.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kvchaos.clock import poll
from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.errors import FaultNotInjected, FaultRefused, KVChaosError
from kvchaos.mesh import confirm
from kvchaos.mesh import inject as injecting
from kvchaos.mesh.fault import Effect
from kvchaos.preflight.plan import rendered
from kvchaos.run import bystanders, current, lasting
from kvchaos.run.company import refuse_company
from kvchaos.run.folder import keep_object
from kvchaos.run.holding import refuse_if_held
from kvchaos.run.session import ActiveFault, Before, Run
from kvchaos.run.watched import watched_pods
from kvchaos.sampling.effect import Look, Seen, lost_blocks, router_restarted, streams_ended

logger = logging.getLogger(__name__)

Json = dict[str, Any]

LOOK_EVERY = 0.2  # seconds between looks at a fault's evidence


def inject(run: Run, template: str, values: Json, *, timeout: float) -> Json:
    """Render, check and inject a fault; both outcomes are in the history."""
    number = len(run.ledger.entries()) + 1
    body = rendered(template, values, current.beside(), run_id=run.id, number=number)
    before = _before(run)
    run.sampler.know_missing()
    try:
        with _in_flight(run, body):
            refuse_if_held(run)
            refuse_company(run)
            keep_object(run, body)
            injected = injecting.inject(
                run.cluster,
                body,
                ledger=run.ledger,
                timeout=timeout,
                clock=run.clock,
                ceiling=run.settings.max_duration,
                whole=run.stopping.deferred,
            )
    except KVChaosError as error:
        if isinstance(error, FaultNotInjected) and error.may_come:
            run.may_come.add(str(_metadata(body).get("name")))
        run.history.add("fault_failed", fault=_brief_body(body), error=str(error))
        raise
    active = ActiveFault(
        injected=injected,
        at=run.at_of(injected.injected_at),
        at_request=run.at_of(injected.requested_at),
        before=before,
    )
    run.faults.append(active)
    run.history.add(
        "fault_injected",
        fault=injected.fault.brief(),
        targets=[{"pod": t.pod, "uid": t.uid, "role": t.role} for t in injected.targets],
        requested=round(active.at_request, 3),
        created=round(run.at_of(injected.created_at), 3),
        injected=round(active.at, 3),
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

    def evidence() -> tuple[Seen, Effect]:
        seen = look(run.sampler.samples(since=active.at_request))
        return seen, confirm.in_effect(run.cluster, active.injected)

    (seen, said), _ = poll(
        evidence,
        lambda pair: pair[0].holds is True and pair[1].holds is True,
        timeout=within,
        every=LOOK_EVERY,
        clock=run.clock,
    )
    lasting.note_replaced(run, active)
    found = [*(each.to_json() for each in said.evidence), _seen(seen)]
    at = None if seen.at is None else round(seen.at, 3)
    answer = {"effect": _effect(seen, said), "at": at}
    active.effect = seen.at
    run.history.add("effect", fault=active.brief(), **answer, evidence=found)
    return {**answer, "evidence": found}


def _before(run: Run) -> Before:
    newest, found = run.sampler.samples()[-1:], watched_pods(run)
    return Before(
        pods={pods.uid(pod): bystanders.as_it_is(pod) for pod in found},
        ready=sum(map(pods.is_ready, found)),
        engines=frozenset(engine.pod for engine in run.observer.engines()),
        router_started=newest[0].router_started if newest else None,
    )


@contextmanager
def _in_flight(run: Run, body: Object) -> Iterator[None]:
    """While a fault is injected, whoever stops the run knows of it, or it is refused here."""
    name = str(_metadata(body).get("name"))
    run.in_flight.add(name)
    try:
        if run.stopping.first is not None:
            raise FaultRefused("no fault is started: the run is being stopped")
        yield
    finally:
        run.in_flight.discard(name)


def _look(run: Run, active: ActiveFault) -> Look:
    """How the observer could see this fault: by the index, by the router, or by the streams."""
    struck = [each for each in active.injected.targets if each.pod in active.before.engines]
    if active.injected.fault.kind == "NetworkChaos":
        return lost_blocks(sorted(active.engines() or active.before.engines))
    if not struck:
        return router_restarted(active.before.router_started)
    return streams_ended(run, struck, active.at_request)


def _effect(seen: Seen, said: Effect) -> str:
    """Not effective only while it should be: of a fault that is over, or lifted, nobody knows."""
    holds = (seen.holds, said.holds)
    if False in holds and not said.over and not said.replaced:
        return "not effective"
    return "confirmed" if holds == (True, True) else "inconclusive"


def _seen(seen: Seen) -> Json:
    return {"source": "observer", "holds": seen.holds, "text": seen.text}


def _brief_body(body: Object) -> Json:
    metadata = _metadata(body)
    return {"kind": body.get("kind"), **{key: metadata.get(key) for key in ("namespace", "name")}}


def _metadata(body: Object) -> Json:
    """A body's own; a template may have rendered anything in its place."""
    found = body.get("metadata")
    return found if isinstance(found, dict) else {}
