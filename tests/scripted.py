"""A cluster that plays what a test wrote for it, and a clock that the test owns.

``ScriptedCluster`` keeps objects as an API server does (copies in, copies out, 404, 409) and plays
Chaos Mesh: after a fault is created, each look at it shows the next of the scripted statuses.
"""

from __future__ import annotations

import copy
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from kvchaos.cluster.kinds import (
    KINDS,
    NETWORKCHAOS,
    PODCHAOS,
    PODNETWORKCHAOS,
    PODS,
    Kind,
    Object,
)
from kvchaos.errors import (
    AlreadyExists,
    ClusterError,
    ClusterUnreachable,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)

NAMESPACE = "kvchaos"
RUN = "r1"


@dataclass
class FakeClock:
    """Time passes only by ``sleep``; the wall is 1000 s ahead of the other clock."""

    seconds: float = 100.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self.seconds + 1000.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class ScriptedCluster:
    """Objects by (plural, namespace, name), and what happens to them.

    ``script`` are the statuses that a fault shows at one look after the other, the last for ever.
    ``held`` keeps a deleted fault there, as a finalizer does; without ``controller`` nothing is
    even begun then; without ``daemon`` changed rules are not applied. ``confined``: lists of all
    namespaces are forbidden. ``fails`` are errors by verb, each raised once, in order.
    ``changes`` are called once, after that many looks at a fault.
    """

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    script: list[Object] = field(default_factory=list)
    held: bool = False
    controller: bool = True
    daemon: bool = True
    confined: bool = False
    fails: dict[str, list[BaseException]] = field(default_factory=dict)
    changes: dict[int, Callable[[], None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    looks: int = 0

    @classmethod
    def of(cls, *objects: Object, **settings: Any) -> Self:
        cluster = cls(**settings)
        for body in objects:
            cluster.add(body)
        return cluster

    def add(self, body: Object) -> None:
        said = (body["apiVersion"], body["kind"])
        kind = next(kind for kind in KINDS.values() if (kind.api_version, kind.kind) == said)
        self.objects[_key(kind, body)] = copy.deepcopy(body)

    def secrets(self) -> list[str]:
        return []

    def verbs(self, *wanted: str) -> list[str]:
        """The calls of these verbs, in order."""
        return [call for call in self.calls if call.split()[0] in wanted]

    def logs(self, pod_name: str, **asked: Any) -> str:
        """One line."""
        return f"{pod_name} is up\n"

    def open_port(self, pod_name: str, port: int, *, namespace: str) -> socket.socket:
        """Nobody serves anything in its pods."""
        raise ClusterUnreachable(f"{namespace}/{pod_name}: nobody listens on {port}")

    def once(self, *, timeout: float) -> Self:
        """It tries nothing again anyway."""
        return self

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object:
        self._call("get", kind, name)
        found = self._found(kind, name, namespace)
        if kind in (NETWORKCHAOS, PODCHAOS):
            self.looks += 1
            if change := self.changes.pop(self.looks, None):
                change()
            if self.script:
                said = self.script.pop(0) if self.script[1:] else self.script[0]
                found["status"] = copy.deepcopy(said)
            if self.controller and found["metadata"].get("deletionTimestamp"):
                _deep(found, "status", "experiment")["desiredPhase"] = "Stop"
        return copy.deepcopy(found)

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        self._call("list", kind, f"{namespace or '*'} {labels} {fields}".strip())
        if self.confined and namespace is None:
            raise Forbidden(f"not allowed: list {kind.plural} in all namespaces")
        return [
            copy.deepcopy(body)
            for (plural, place, _), body in self.objects.items()
            if plural == kind.plural and namespace in (None, place) and _matches(body, labels)
        ]

    def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        self._call("try" if dry_run else "create", kind, body["metadata"]["name"])
        if _key(kind, body) in self.objects:
            raise AlreadyExists(f"{kind.plural} {body['metadata']['name']}")
        if not dry_run:
            self.add(body)
        return copy.deepcopy(body)

    def merge_patch(
        self, kind: Kind, name: str, patch: Object, *, namespace: str | None = None
    ) -> Object:
        self._call("patch", kind, name)
        body = self._found(kind, name, namespace)
        own, told = body["metadata"], patch.get("metadata", {})
        if told.get("uid", own.get("uid")) != own.get("uid"):
            raise Invalid("metadata.uid: field is immutable")
        for part in ("metadata", "spec"):
            body[part] = {**body.get(part, {}), **patch.get(part, {})}
        if kind == PODNETWORKCHAOS:
            body["metadata"]["generation"] += 1
            body["status"]["observedGeneration"] += self.daemon
        elif not body["metadata"].get("finalizers"):
            self._remove(kind, name, namespace, rules=False)
        return copy.deepcopy(body)

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None
    ) -> None:
        self._call("delete", kind, name)
        body = self._found(kind, name, namespace)
        if uid not in (None, body["metadata"].get("uid")):
            raise Conflict(f"{kind.plural} {name} has another uid")
        if kind == PODS:
            for each in (PODS, PODNETWORKCHAOS):
                self.objects.pop((each.plural, namespace or "", name), None)
        elif self.held:
            body["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
            body["metadata"]["finalizers"] = ["chaos-mesh/records"]
        else:
            self._remove(kind, name, namespace, rules=True)

    def _call(self, verb: str, kind: Kind, what: str) -> None:
        self.calls.append(f"{verb} {kind.plural} {what}")
        if queue := self.fails.get(verb):
            raise queue.pop(0)

    def _found(self, kind: Kind, name: str, namespace: str | None) -> Object:
        found = self.objects.get((kind.plural, namespace or "", name))
        if found is None:
            raise NotFound(f"{kind.plural} {name}")
        return found

    def _remove(self, kind: Kind, name: str, namespace: str | None, *, rules: bool) -> None:
        """Chaos Mesh takes its rules out of the pods before it lets the object go."""
        del self.objects[kind.plural, namespace or "", name]
        for (plural, _, _), body in self.objects.items():
            if rules and plural == PODNETWORKCHAOS.plural:
                for key, entries in body["spec"].items():
                    body["spec"][key] = [e for e in entries if e["source"] != f"{namespace}/{name}"]


def unreachable(times: int = 1) -> list[BaseException]:
    return [ClusterError("no answer") for _ in range(times)]


def pod(
    name: str,
    *,
    uid: str = "",
    labels: dict[str, str] | None = None,
    restarts: int = 0,
    process: str = "",
    namespace: str = NAMESPACE,
    **spec: Any,
) -> Object:
    """A running pod with one container, ``main``, whose process id is ``process``."""
    status = {
        "name": "main",
        "restartCount": restarts,
        "containerID": process or f"{name}-p{restarts}",
        "state": {"running": {"startedAt": "2026-08-01T00:00:00Z"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"{name}-uid",
            "labels": labels or {"app": name},
        },
        "spec": {"nodeName": "node1", "containers": [{"name": "main"}], **spec},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def selector(**labels: str) -> Object:
    return {
        "namespaces": [NAMESPACE],
        "labelSelectors": labels,
        "podPhaseSelectors": ["Running"],
    }


def partition(**spec: Any) -> Object:
    """A partition between the pods ``a`` and ``b``, 10 s, ready to be sent."""
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "NetworkChaos",
        "metadata": {
            "name": f"cut-{RUN}",
            "namespace": NAMESPACE,
            "labels": {"kvchaos.io/run": RUN},
        },
        "spec": {
            "action": "partition",
            "direction": "both",
            "duration": "10s",
            "mode": "all",
            "selector": selector(app="a"),
            "target": {"mode": "all", "selector": selector(app="b")},
            **spec,
        },
    }


def there(
    *objects: Object, body: Object | None = None, found: Object | None = None, **settings: Any
) -> ScriptedCluster:
    """A cluster with a fault, the partition if none is told, in the status ``found`` (injected)."""
    fault = {**(body or partition()), "status": INJECTED if found is None else found}
    return ScriptedCluster.of(fault, *objects, **settings)


def pod_fault(action: str, **spec: Any) -> Object:
    """A pod fault of one of the pods ``a``, ready to be sent."""
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "PodChaos",
        "metadata": {
            "name": f"{action}-{RUN}",
            "namespace": NAMESPACE,
            "labels": {"kvchaos.io/run": RUN},
        },
        "spec": {"action": action, "mode": "one", "selector": selector(app="a"), **spec},
    }


def record(
    target: str,
    *,
    role: str = ".",
    phase: str = "Injected",
    injected: int = 1,
    recovered: int = 0,
    events: Iterable[tuple[str, str, str]] = (),
) -> Object:
    """One record; ``events`` as (timestamp, "Failed Apply", message)."""
    return {
        "id": target,
        "selectorKey": role,
        "phase": phase,
        "injectedCount": injected,
        "recoveredCount": recovered,
        "events": [
            {
                "timestamp": at,
                "type": what.split()[0],
                "operation": what.split()[1],
                "message": message,
            }
            for at, what, message in events
        ],
    }


def status(
    *records: Object,
    selected: bool = True,
    injected: bool = True,
    recovered: bool = False,
    phase: str = "Run",
) -> Object:
    """What Chaos Mesh writes into a fault."""
    conditions = {"Selected": selected, "AllInjected": injected, "AllRecovered": recovered}
    return {
        "conditions": [{"type": name, "status": str(on)} for name, on in conditions.items()],
        "experiment": {"desiredPhase": phase, "containerRecords": list(records)},
    }


WAITING = status(
    record("kvchaos/a", phase="Not Injected", injected=0),
    record("kvchaos/b", role=".Target", phase="Not Injected", injected=0),
    injected=False,
    recovered=True,
)
INJECTED = status(record("kvchaos/a"), record("kvchaos/b", role=".Target"))
ENDED = status(
    *(
        record(
            target,
            role=role,
            phase="Not Injected",
            recovered=1,
            events=[
                ("1970-01-01T00:18:20Z", "Succeeded Apply", ""),
                ("1970-01-01T00:18:30Z", "Succeeded Recover", ""),
            ],
        )
        for target, role in (("kvchaos/a", "."), ("kvchaos/b", ".Target"))
    ),
    injected=False,
    recovered=True,
    phase="Stop",
)


def rules(name: str, *sources: str, failed: str = "", observed: int = 1) -> Object:
    """The PodNetworkChaos of a pod, with an iptables entry and an ipset from each source."""
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": "PodNetworkChaos",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "generation": 1,
            "resourceVersion": "7",
        },
        "spec": {
            "iptables": [{"name": "x", "direction": "INPUT", "source": s} for s in sources],
            "ipsets": [{"name": "y", "ipsetType": "net", "source": s} for s in sources],
        },
        "status": {"failedMessage": failed, "observedGeneration": observed},
    }


def _key(kind: Kind, body: Object) -> tuple[str, str, str]:
    return kind.plural, body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _deep(body: Object, *keys: str) -> Object:
    """The mapping at these keys, made where there is none."""
    for key in keys:
        body = body.setdefault(key, {})
    return body


def _matches(body: Object, labels: str) -> bool:
    """Equal, not equal, and bare keys that must be there; enough for these tests' selectors."""
    own = body["metadata"].get("labels", {})
    wanted = [part.partition("=") for part in labels.split(",") if part]
    return all(
        (own.get(key.removesuffix("!")) == value) is not key.endswith("!") if sep else key in own
        for key, sep, value in wanted
    )
