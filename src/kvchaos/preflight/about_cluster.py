"""Refusals for the place: what may be done there, what is installed, and what is there already.

Each is one pure question to the facts; what it yields speaks against the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import NETWORKCHAOS, PODNETWORKCHAOS, Kind, Object
from kvchaos.errors import ClusterError, Forbidden, NotFound
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL
from kvchaos.mesh.records import not_applied, sources
from kvchaos.mesh.residue import RUN_ID, unapplied, why_there
from kvchaos.preflight.facts import Facts
from kvchaos.preflight.needs import Need
from kvchaos.preflight.reason import Reason

OPT_IN = "chaos-mesh.org/inject"
ENVIRONMENT = "kvchaos.io/environment"


def missing_permission(facts: Facts) -> Iterator[Reason]:
    """One right that is missing in mid-run leaves a fault behind, or a verdict unknown.

    Of a port-forward's two verbs a server asks for one, by its version: one of them will do.
    """
    found: dict[tuple[str, str], list[Need]] = defaultdict(list)
    forward = [need for need in facts.denied if need.subresource == "portforward"]
    spared = forward if len(forward) == 1 else []
    for need in facts.denied:
        if need.kind not in facts.absent and need not in spared:
            found[need.resource, need.namespace].append(need)
    for (resource, place), denied in found.items():
        yield Reason(
            f"not allowed in namespace {place}",
            wanted=f"{', '.join(need.verb for need in denied)} {resource}",
            saw="the answer no",
            look=denied[0].look,
        )


def no_chaos_mesh_kind(facts: Facts) -> Iterator[Reason]:
    """The kinds that the planned faults are, and the one that tells of rules in pods."""
    used = {each.fault.api for each in facts.plan}
    used |= {PODNETWORKCHAOS} if NETWORKCHAOS in used else set()
    absent = sorted(kind.resource for kind in used & facts.absent)
    if absent:
        yield Reason(
            "no Chaos Mesh in this cluster",
            wanted=f"the kinds {' and '.join(absent)}",
            saw=f"none in context {facts.settings.kubernetes_context or 'in-cluster'}",
            look="https://chaos-mesh.org/docs/quick-start/",
        )


def not_opted_in(facts: Facts) -> Iterator[Reason]:
    """With the setting ``require_opt_in``: a namespace says itself that it may be hit."""
    if facts.settings.require_opt_in:
        wanted = f"annotation {OPT_IN}: enabled (require_opt_in is set)"
        for place, seen in facts.annotations.items():
            if isinstance(seen, ClusterError) or seen.get(OPT_IN) != "enabled":
                yield _annotation(place, seen, OPT_IN, "has not opted in", wanted)


def wrong_environment(facts: Facts) -> Iterator[Reason]:
    """An experiment for one environment does not run in another, nor in one that it did not name.

    Both ways: an annotation that the experiment does not know of refuses too.
    """
    own = facts.settings.environment
    wanted = f"annotation {ENVIRONMENT}: {own}" if own else f"no annotation {ENVIRONMENT}"
    for place, seen in facts.annotations.items():
        if _named(seen, default=own) != own:
            told = f'{wanted}, as the configuration\'s "environment" is {own!r}'
            yield _annotation(place, seen, ENVIRONMENT, "is another environment", told)


def leftovers(facts: Facts) -> Iterator[Reason]:
    """A fault that is there already spoils the run, and a stuck one blocks every other one."""
    known = {_source(body) for body in facts.faults}
    own = {_source(body): body for body in facts.faults if _run(body)}
    for body in own.values():
        yield _left_fault(body, facts)
    hit = {(_place(pod), pods.name(pod)) for each in facts.selections for pod in each.hit}
    touched = set(facts.annotations)
    for rules in facts.rules:
        pod = (_place(rules), str(rules["metadata"]["name"]))
        gone = {s for s in sources(rules) - known if s.partition("/")[0] in touched}
        found = (sources(rules) if pod in hit else gone) - own.keys()
        lost = [not_applied(rules)] if pod in hit else [each.why for each in unapplied(rules)]
        if said := [f"rules of {each}" for each in sorted(found)] + list(filter(None, lost)):
            yield _left_rules(pod, said, facts)


def held(facts: Facts) -> Iterator[Reason]:
    """Somebody asked for quiet."""
    for hold in facts.holds:
        yield Reason(
            f"namespace {hold.namespace} is {hold.text}",
            wanted="no hold",
            look=hold.look(facts.settings.kubernetes_context),
        )


def refused_by_the_server(facts: Facts) -> Iterator[Reason]:
    """The server and its webhooks, by a dry run; not again what another refusal tells."""
    denied = {need.kind for need in facts.denied if need.verb == "create"}
    for planned, error in facts.rehearsed:
        kind = planned.fault.api
        told = (isinstance(error, NotFound) and kind in facts.absent) or (
            isinstance(error, Forbidden) and kind in denied
        )
        if not told:
            yield Reason(
                f"{planned.fault.label}: refused by the server",
                saw=error.saw or str(error),
                look=f"kvchaos preflight --dry-run=server, for {planned.activity!r}",
            )


def _annotation(place: str, seen: object, name: str, what: str, wanted: str) -> Reason:
    """What a namespace's annotations say, or that they cannot be read."""
    if isinstance(seen, ClusterError):
        unreadable = f"namespace {place} cannot be read"
        return Reason(unreadable, wanted=wanted, saw=seen.what, look=seen.look)
    value = seen.get(name) if isinstance(seen, dict) else None
    return Reason(
        f"namespace {place} {what}",
        wanted=wanted,
        saw=repr(value) if value is not None else "no such annotation",
        look=f"kubectl get namespace {place} -o yaml",
    )


def _named(seen: Mapping[str, str] | ClusterError, *, default: str) -> str:
    """The environment that annotations name; what cannot be read counts only where it is asked."""
    if isinstance(seen, ClusterError):
        return f"other than {default}" if default else default
    return seen.get(ENVIRONMENT, "")


def _left_fault(body: Object, facts: Facts) -> Reason:
    run, name, place = _run(body), body["metadata"]["name"], _place(body)
    kind: Kind = FAULT_KINDS[str(body["kind"])]
    return Reason(
        f"{kind.plural}/{name} of run {run} is in namespace {place}, created {_age(body, facts)}",
        wanted="no fault of another run",
        saw=why_there(body),
        look=f"is that run still going? else: kvchaos reap --run {run}{_context(facts)}",
    )


def _left_rules(pod: tuple[str, str], said: list[str], facts: Facts) -> Reason:
    """Whose they are shows in the name of their fault, which has the id of its run."""
    (place, name), saw = pod, "; ".join(said)
    runs = sorted(set(RUN_ID.findall(saw)))
    reap = [f"kvchaos reap --run {run}{_context(facts)}" for run in runs]
    others = ["what is not of kvchaos goes with its own fault, or with the pod"]
    return Reason(
        f"pod {name} in namespace {place} has rules of other faults, or that cannot be applied",
        wanted="none: one that is stuck blocks every other network fault on its pod",
        saw=saw,
        look="; ".join(
            [f"kubectl get {PODNETWORKCHAOS.resource} {name} -n {place} -o yaml", *(reap or others)]
        ),
    )


def _context(facts: Facts) -> str:
    context = facts.settings.kubernetes_context
    return f" --context {context}" if context else ""


def _age(body: Object, facts: Facts) -> str:
    created = body["metadata"].get("creationTimestamp")
    if not created:
        return "some time ago"
    seconds = max(0, int(facts.now - datetime.fromisoformat(created).timestamp()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


def _source(body: Object) -> str:
    return f"{_place(body)}/{body['metadata']['name']}"


def _run(body: Object) -> str:
    return str((body["metadata"].get("labels") or {}).get(RUN_LABEL) or "")


def _place(body: Object) -> str:
    return str(body["metadata"]["namespace"])
