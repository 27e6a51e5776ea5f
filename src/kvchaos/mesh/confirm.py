"""Whether a fault is in effect, from what Chaos Mesh and Kubernetes say; not from its intention.

The records say what the controller believes. For a network fault, each pod's PodNetworkChaos says
whether its rules are in the pod, and the pod's uid whether it still is the pod that was cut: Chaos
Mesh goes on reporting a fault as injected when a new pod, which is not cut, has taken its place.
For a pod fault, the pod's uid and restarts tell that it happened. What traffic felt is for the
observer to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODNETWORKCHAOS, PODS, Kind, Object
from kvchaos.errors import NotFound
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import Effect, Evidence, Fault, Injected, Target
from kvchaos.mesh.records import has_ended, missing_for_injection, not_applied, sources
from kvchaos.mesh.targets import running


def replaced(cluster: MeshApi, injected: Injected) -> tuple[Target, ...]:
    """The targets that are no longer the pods that were hit: gone, or others by the same name."""
    return tuple(
        target
        for target in injected.targets
        if _is_replaced(target, _find(cluster, PODS, target.namespace, target.pod))
    )


def in_effect(cluster: MeshApi, injected: Injected) -> Effect:
    """The evidence for and against ``injected`` being in effect now, and targets replaced since."""
    fault = injected.fault
    body = _find(cluster, fault.api, fault.namespace, fault.name)
    now = {each: _find(cluster, PODS, each.namespace, each.pod) for each in injected.targets}
    others = tuple(target for target, pod in now.items() if _is_replaced(target, pod))
    judged = [
        each
        for target, pod in now.items()
        for each in (
            _cut(cluster, fault, target, pod)
            if fault.kind == "NetworkChaos"
            else [_struck(fault, target, pod)]
        )
    ]
    over = body is None or has_ended(body)
    return Effect(evidence=(_reported(fault, body), *judged), replaced=others, over=over)


def _reported(fault: Fault, body: Object | None) -> Evidence:
    if body is None:
        return Evidence("records", holds=False, text=f"{fault.label} is gone")
    if has_ended(body):
        return Evidence("records", holds=False, text=f"{fault.label} was ended by its duration")
    lacks = missing_for_injection(body)
    text = ", ".join(lacks) or "injected in every target"
    return Evidence("records", holds=not lacks, text=f"{fault.label}: {text}")


def _cut(cluster: MeshApi, fault: Fault, target: Target, pod: Object | None) -> Iterator[Evidence]:
    """A network fault holds for a target while its rules are applied in that very pod."""
    if _is_replaced(target, pod):
        fate = "is gone" if pod is None else "was replaced, and the new pod is not cut"
        yield Evidence("pod", holds=False, text=f"{target.label} {fate}")
        return
    if not _is_ruled(fault, target):
        return
    rules = _find(cluster, PODNETWORKCHAOS, target.namespace, target.pod)
    yield Evidence("podnetworkchaos", *_rules_hold(fault, target, rules))


def _rules_hold(fault: Fault, target: Target, rules: Object | None) -> tuple[bool, str]:
    if rules is None or fault.source not in sources(rules):
        return False, f"{target.label}: no rules of {fault.source}"
    unapplied = not_applied(rules)
    return not unapplied, f"{target.label}: {unapplied or f'rules of {fault.source} applied'}"


def _is_ruled(fault: Fault, target: Target) -> bool:
    """A partition puts rules on both ends, traffic shaping only on the end that sends."""
    if fault.action == "partition" or fault.direction == "both":
        return True
    return (target.role == ".") == (fault.direction == "to")


def _struck(fault: Fault, target: Target, pod: Object | None) -> Evidence:
    """Whether a pod fault happened to a target."""
    if fault.action == "pod-kill":
        killed = pod is None or pods.uid(pod) != target.uid or pods.is_terminating(pod)
        text = "is gone" if killed else "is the same pod as before"
        return Evidence("pod", holds=killed, text=f"{target.label} {text}")
    if pod is None or pods.uid(pod) != target.uid:
        # something took the pod away: whether the fault had struck before cannot be told
        return Evidence("pod", holds=None, text=f"{target.label} is gone")
    # the kubelet counts a restart only once the next process starts, after its back-off
    count = pods.restarts(pod, target.container)
    stopped = set(target.running) - set(running(pod, target.container))
    text = f"{target.label}: restarts {target.restarts} before, {count} now"
    text += f", {len(stopped)} of {len(target.running)} containers stopped"
    return Evidence("pod", holds=count > target.restarts or bool(stopped), text=text)


def _is_replaced(target: Target, pod: Object | None) -> bool:
    return pod is None or pods.uid(pod) != target.uid


def _find(cluster: MeshApi, kind: Kind, namespace: str, name: str) -> Object | None:
    try:
        return cluster.get(kind, name, namespace=namespace)
    except NotFound:
        return None
