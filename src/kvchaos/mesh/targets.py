"""Which pods a fault's selectors name, asked before anything is sent.

Chaos Mesh says nothing when a selector names no pod: the object idles until it expires. So the
same question is put to the API first. Which of several candidates ``mode: one`` takes is known
only from the records afterwards; the candidates' uids and restarts, taken here, then tell the pod
that was hit from the one that replaced it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.errors import FaultRefused, NotFound
from kvchaos.mesh.api import MeshApi
from kvchaos.mesh.fault import Fault, Target
from kvchaos.mesh.records import Record


def resolve(cluster: MeshApi, body: Object) -> list[Target]:
    """Every candidate target of a linted body; FaultRefused when a selector names none.

    A pod in the host's network refuses a network fault: Chaos Mesh could neither inject it there
    nor delete it afterwards.
    """
    fault, spec = Fault.of(body), body["spec"]
    found: list[Target] = []
    for role, selector in selectors(spec):
        named = list(select(cluster, selector, namespace=fault.namespace))
        targets = [each for pod in named for each in _targets(pod, role=role, spec=spec)]
        if not targets:
            raise FaultRefused(
                f"{fault.label}: {_FIELD[role]} names no target",
                wanted=f"a {_wanted(spec)} with {describe(selector, namespace=fault.namespace)}",
                saw=f"{len(named)} pods, without those containers" if named else "none",
                look=f"kubectl get pods -n {_first_place(selector, fault)} --show-labels",
            )
        _refuse_host_network(fault, named)
        found += targets
    return found


def selectors(spec: Object) -> list[tuple[str, Object]]:
    """The selectors of a fault's spec with Chaos Mesh's name for the role of their pods."""
    target = (spec.get("target") or {}).get("selector")
    return [(".", spec["selector"]), *([(".Target", target)] if target is not None else [])]


def select(cluster: MeshApi, selector: Object, *, namespace: str) -> Iterator[Object]:
    """The pods that ``selector`` names, read as Chaos Mesh reads it.

    ``pods`` beats all other keys; ``namespaces`` default to the fault's own.
    """
    if selector.get("pods"):
        yield from _by_name(cluster, selector["pods"])
        return
    for place in selector.get("namespaces") or [namespace]:
        yield from (
            pod
            for pod in cluster.list(
                PODS, namespace=place, labels=label_query(selector), fields=field_query(selector)
            )
            if _passes(pod, selector)
        )


def label_query(selector: Object) -> str:
    """The API's labelSelector for ``labelSelectors`` and ``expressionSelectors``."""
    expressions = map(_expression, selector.get("expressionSelectors") or ())
    return ",".join(filter(None, [_pairs(selector, "labelSelectors"), *expressions]))


def field_query(selector: Object) -> str:
    """The API's fieldSelector for ``fieldSelectors``."""
    return _pairs(selector, "fieldSelectors")


def describe(selector: Object, *, namespace: str) -> str:
    """A selector in words for people: what it asks for, and where."""
    if names := selector.get("pods"):
        return f"a name of {names}"
    asked = {
        "labels": label_query(selector),
        "fields": field_query(selector),
        "annotations": _pairs(selector, "annotationSelectors"),
        "node": " or ".join(selector.get("nodes") or ()),
        "phase": " or ".join(selector.get("podPhaseSelectors") or ()),
        "namespace": " or ".join(selector.get("namespaces") or [namespace]),
    }
    return ", ".join(f"{name} {value}" for name, value in asked.items() if value)


def hit(cluster: MeshApi, record: Record, candidates: list[Target]) -> Target:
    """The target that a record is about, as it was before the fault.

    A pod that came up after the candidates were read is looked up now; its uid is empty when it
    is gone by then.
    """
    known = {(each.label, each.role): each for each in candidates}
    if found := known.get((record.id, record.role)):
        return found
    namespace, pod, container = [*record.id.split("/"), "", ""][:3]
    try:
        body: Object = cluster.get(PODS, pod, namespace=namespace)
    except NotFound:
        body = {"metadata": {"uid": ""}}
    return Target(
        pod=pod,
        uid=pods.uid(body),
        namespace=namespace,
        role=record.role,
        container=container,
        restarts=pods.restarts(body, container),
        running=running(body, container),
    )


def running(pod: Object, container: str = "") -> tuple[str, ...]:
    """The ids of the containers that run now, or of the named one if it does."""
    return tuple(
        str(each.get("containerID"))
        for each in (pod.get("status") or {}).get("containerStatuses") or ()
        if (each.get("state") or {}).get("running") and container in ("", each["name"])
    )


_FIELD = {".": "spec.selector", ".Target": "spec.target.selector"}
_EXPRESSIONS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


def _wanted(spec: Object) -> str:
    names = spec.get("containerNames")
    return f"container {' or '.join(names)} in a pod" if names else "pod"


def _pairs(selector: Object, key: str) -> str:
    return ",".join(f"{name}={value}" for name, value in (selector.get(key) or {}).items())


def _expression(each: dict[str, Any]) -> str:
    values = ",".join(each.get("values") or ())
    return _EXPRESSIONS[each["operator"]].format(key=each["key"], values=values)


def _by_name(cluster: MeshApi, names: dict[str, list[str]]) -> Iterator[Object]:
    for namespace, each in names.items():
        for name in each:
            try:
                yield cluster.get(PODS, name, namespace=namespace)
            except NotFound:
                continue  # Chaos Mesh passes it over too


def _passes(pod: Object, selector: Object) -> bool:
    phases, nodes = selector.get("podPhaseSelectors"), selector.get("nodes")
    annotations = pod["metadata"].get("annotations") or {}
    return (
        (not phases or pods.phase(pod) in phases)
        and (not nodes or pod.get("spec", {}).get("nodeName") in nodes)
        and (selector.get("annotationSelectors") or {}).items() <= annotations.items()
    )


def _targets(pod: Object, *, role: str, spec: Object) -> list[Target]:
    """One target, or for container-kill one for each container named."""
    named = spec.get("containerNames") if spec["action"] == "container-kill" else None
    own = pods.containers(pod)
    return [
        Target(
            pod=pods.name(pod),
            uid=pods.uid(pod),
            namespace=str(pod["metadata"]["namespace"]),
            role=role,
            container=container,
            restarts=pods.restarts(pod, container),
            running=running(pod, container),
        )
        for container in ([""] if named is None else [name for name in own if name in named])
    ]


def _refuse_host_network(fault: Fault, named: list[Object]) -> None:
    bare = [pods.name(pod) for pod in named if pod["spec"].get("hostNetwork")]
    if fault.kind == "NetworkChaos" and bare:
        raise FaultRefused(
            f"{fault.label}: pods in the host's network cannot be cut off",
            wanted="pods with a network of their own",
            saw=f"hostNetwork in {', '.join(sorted(bare))}",
        )


def _first_place(selector: Object, fault: Fault) -> str:
    return str((selector.get("namespaces") or [fault.namespace])[0])
