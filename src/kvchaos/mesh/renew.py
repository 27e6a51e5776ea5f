"""Delete the pods that a fault is in: their successors have a new network, without its rules.

The last resort when no daemon is there to take the rules out. A pod that nothing owns does not
come back.
"""

from __future__ import annotations

from collections.abc import Iterator

from kvchaos.clock import Clock, poll
from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODNETWORKCHAOS, PODS, Object
from kvchaos.errors import NotFound
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.records import not_applied, places_of
from kvchaos.mesh.residue import find, rules_of

EVERY = 0.5  # seconds between looks


def renew(cluster: MeshApi, fault: Fault, *, timeout: float, clock: Clock) -> tuple[list[str], str]:
    """What was deleted, in words, and which pods are still there after ``timeout`` seconds.

    Raises ClusterError when a deletion was refused.
    """
    meant = list(_concerned(cluster, fault))
    for pod in meant:
        _delete(cluster, pod)
    there, _ = poll(
        lambda: [_label(pod) for pod in meant if _is_there(cluster, pod)],
        until=lambda left: not left,
        timeout=timeout,
        every=EVERY,
        clock=clock,
    )
    return [f"deleted pod {_label(pod)}{_fate(pod)}" for pod in meant], ", ".join(there)


def _concerned(cluster: MeshApi, fault: Fault) -> Iterator[Object]:
    """The pods that may have its rules: they are listed, or their removal was not applied.

    A pod by the name of one that was in the fault has none of them.
    """
    body = find(cluster, fault)
    listed = {_place(rules) for rules in rules_of(cluster, fault)}
    for namespace, name in sorted({*listed, *(places_of(body) if body else ())}):
        try:
            rules = cluster.get(PODNETWORKCHAOS, name, namespace=namespace)
            pod = cluster.get(PODS, name, namespace=namespace)
        except NotFound:
            continue
        owners = {each.get("uid") for each in rules["metadata"].get("ownerReferences") or ()}
        is_listed = (namespace, name) in listed
        if (is_listed or not_applied(rules)) and owners <= {pods.uid(pod)}:
            yield pod


def _place(rules: Object) -> tuple[str, str]:
    return str(rules["metadata"]["namespace"]), str(rules["metadata"]["name"])


def _delete(cluster: MeshApi, pod: Object) -> None:
    metadata = pod["metadata"]
    try:
        cluster.delete(PODS, pods.name(pod), namespace=metadata["namespace"], uid=pods.uid(pod))
    except NotFound:
        return


def _is_there(cluster: MeshApi, pod: Object) -> bool:
    try:
        now = cluster.get(PODS, pods.name(pod), namespace=pod["metadata"]["namespace"])
    except NotFound:
        return False
    return pods.uid(now) == pods.uid(pod)


def _label(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pods.name(pod)}"


def _fate(pod: Object) -> str:
    return "" if pod["metadata"].get("ownerReferences") else ", which nothing owns: it is lost"
