"""Refusals for the pods that a fault would hit: which they are, how many, and what they are like.

Each is one pure question to the facts; what it yields speaks against the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterError
from kvchaos.preflight.facts import DAEMON, Facts, Selection
from kvchaos.preflight.reason import Reason
from kvchaos.untrusted import Unreadable, json_value

NETWORKS = "k8s.v1.cni.cncf.io/networks"
NETWORK_STATUS = "k8s.v1.cni.cncf.io/network-status"


def no_target(facts: Facts) -> Iterator[Reason]:
    """Chaos Mesh says nothing then: the object idles until it expires."""
    for each in _readable(facts):
        named = [pod for pod in each.hit if _has_container(each, pod)]
        if not named:
            wanted = f"a container {' or '.join(each.containers)} in a pod" if each.hit else "a pod"
            yield Reason(
                f"{each.planned.fault.label}: {each.field} names no target",
                wanted=f"{wanted} with {each.text}",
                saw=f"{len(each.hit)} pods, without it" if each.hit else _instead(each),
                look=f"kubectl get pods -n {each.planned.reach[0]} --show-labels",
            )


def too_many_targets(facts: Facts) -> Iterator[Reason]:
    """Pods in either role, of all faults that may stand at the same time."""
    most = facts.settings.max_targets
    for stage in _stages(facts):
        number = _at_most(stage)
        if 0 < most < number:
            yield Reason(
                f"{_labels(stage)}: too many targets",
                wanted=f"at most {most} pods hit (max_targets)",
                saw=f"up to {number}",
                look='mode and value of the fault, or "max_targets" in the configuration',
            )


def too_large_share(facts: Facts) -> Iterator[Reason]:
    """The engines that are left have to carry the load."""
    most = facts.settings.max_percent
    for stage in _stages(facts):
        for place, engines in facts.engines.items():
            number = _at_most(stage, among=engines)
            if number * 100 > most * len(engines):
                share = number * 100 / len(engines)
                yield Reason(
                    f"{_labels(stage)}: too large a share of the engines in {place}",
                    wanted=f"at most {most} % hit (max_percent)",
                    saw=f"up to {number} of {len(engines)}, {share:.0f} %",
                    look='mode of the fault, more engines, or "max_percent" in the configuration',
                )


def host_network(facts: Facts) -> Iterator[Reason]:
    """Chaos Mesh could neither cut such a pod off nor delete the fault afterwards."""
    for each in _network(facts):
        if bare := [pod for pod in each.hit if pod["spec"].get("hostNetwork")]:
            yield Reason(
                f"{each.planned.fault.label}: {each.field} names pods in the host's network",
                wanted="pods with a network of their own",
                saw=f"hostNetwork in {_names(bare)}",
                look=f"kubectl get pods -n {each.planned.reach[0]} -o wide",
            )


def not_running(facts: Facts) -> Iterator[Reason]:
    """Injection waits for such a pod, or it comes up in mid-fault and is not cut."""
    for each in facts.selections:
        finished = [pod for pod in each.passed_over if pods.is_finished(pod)]
        away = [
            pod
            for pod in each.named
            if pod not in finished and (pods.phase(pod) != "Running" or pods.is_terminating(pod))
        ]
        if away:
            yield Reason(
                f"{each.planned.fault.label}: {each.field} names pods that are not running",
                wanted="every pod with its labels Running",
                saw=", ".join(f"{pods.name(pod)} {_state(pod)}" for pod in away),
                look=f"kubectl describe pod {pods.name(away[0])} -n {_place(away[0])}",
            )


def several_networks(facts: Facts) -> Iterator[Reason]:
    """A network fault is on eth0 unless it says otherwise, and other devices go on as before."""
    for each in _network(facts):
        many = [pod for pod in each.hit if _has_several_networks(pod)]
        if many and not each.device:
            device = "spec.device" if each.role == "." else "spec.targetDevice"
            yield Reason(
                f"{each.planned.fault.label}: {each.field} names pods with several networks",
                wanted=f"{device}, the network device that carries the events",
                saw=f"none, and more than one network in {_names(many)}",
                look=f"kubectl get pod {pods.name(many[0])} -n {_place(many[0])} -o yaml",
            )


def no_daemon_on_node(facts: Facts) -> Iterator[Reason]:
    """Without it a fault is never injected, or never ends: its duration is the daemon's work."""
    if isinstance(facts.daemons, ClusterError):
        return
    bare: dict[str, set[str]] = defaultdict(set)
    for each in facts.selections:
        for pod in each.hit if each.needs_daemon else ():
            if pods.node(pod) not in facts.daemons:
                bare[pods.node(pod)].add(pods.name(pod))
    place = facts.settings.mesh_namespace
    for node, names in sorted(bare.items()):
        yield Reason(
            f"node {node}: no chaos-daemon",
            wanted=f"one in namespace {place}, running and ready, for {', '.join(sorted(names))}",
            saw="none",
            look=f'kubectl get pods -A -l {DAEMON} -o wide; "mesh_namespace" in the configuration',
        )


def _readable(facts: Facts) -> list[Selection]:
    return [each for each in facts.selections if each.readable]


def _network(facts: Facts) -> list[Selection]:
    return [each for each in facts.selections if each.planned.fault.kind == "NetworkChaos"]


def _stages(facts: Facts) -> list[list[Selection]]:
    """The selections of faults that may stand at the same time."""
    found: dict[int, list[Selection]] = defaultdict(list)
    for each in facts.selections:
        found[each.planned.stage].append(each)
    return list(found.values())


def _at_most(stage: Sequence[Selection], *, among: frozenset[str] | None = None) -> int:
    """The largest number of pods (of those with these uids) that the selections can hit at once."""
    named = [{pods.uid(pod) for pod in each.hit} for each in stage]
    counted = [uids if among is None else uids & among for uids in named]
    total = sum(min(each.most, len(uids)) for each, uids in zip(stage, counted, strict=True))
    return min(total, len(set().union(*counted)))


def _instead(selection: Selection) -> str:
    over = selection.passed_over
    return f"only {', '.join(f'{pods.name(p)} {_state(p)}' for p in over)}" if over else "none"


def _has_container(selection: Selection, pod: Object) -> bool:
    wanted = selection.containers
    return not wanted or any(name in wanted for name in pods.containers(pod))


def _has_several_networks(pod: Object) -> bool:
    """By what the network plugin Multus writes, and by what it is asked for."""
    annotations = pod["metadata"].get("annotations") or {}
    if str(annotations.get(NETWORKS) or "").strip() not in ("", "[]"):
        return True
    try:
        status = json_value(str(annotations.get(NETWORK_STATUS) or "[]"))
    except Unreadable:
        return True  # it is there, so there is such a plugin, and what it did is not known
    return isinstance(status, list) and len(status) > 1


def _labels(stage: Iterable[Selection]) -> str:
    return " and ".join(dict.fromkeys(each.planned.fault.label for each in stage))


def _names(found: Iterable[Object]) -> str:
    return ", ".join(sorted(map(pods.name, found)))


def _place(pod: Object) -> str:
    return str(pod["metadata"]["namespace"])


def _state(pod: Object) -> str:
    return "Terminating" if pods.is_terminating(pod) else pods.phase(pod)
