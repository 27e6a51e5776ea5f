"""What a fault must be before it is sent: Chaos Mesh's own rules and those that it lacks. Pure.

The admission webhook lets through a partition without target (all traffic of the pods is cut), an
empty or negative duration (never ends, or ends at once), and selectors that a lost value has
emptied (every pod). Each rule here yields its findings as text; none raises, whatever the body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kvchaos.cluster.kinds import Object
from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL
from kvchaos.mesh.duration import duration_seconds
from kvchaos.mesh.fault import ONE_SHOT
from kvchaos.mesh.selection import selection_findings

__all__ = ["duration_seconds", "lint"]

CEILING = 3600.0
"""The longest fault allowed, in seconds, unless the caller says otherwise."""

ACTIONS = {
    "NetworkChaos": ("netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"),
    "PodChaos": ("pod-kill", "pod-failure", "container-kill"),
}
DIRECTIONS = ("to", "from", "both")

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_UNRESOLVED = "${"


def lint(body: Object, *, ceiling: float = CEILING) -> list[str]:
    """Everything that is wrong with a rendered fault, at once; empty when it may be sent.

    ``ceiling`` bounds ``spec.duration``, in seconds.
    """
    metadata, spec = _mapping(body.get("metadata")), _mapping(body.get("spec"))
    findings = [finding for rule in RULES for finding in rule(body, metadata, spec)]
    return [*findings, *_duration(spec, ceiling=ceiling)]


def _kind(body: Object, _metadata: Object, spec: Object) -> Iterator[str]:
    api_version, kind = body.get("apiVersion"), body.get("kind")
    known = FAULT_KINDS.get(str(kind))
    if known is None or api_version != known.api_version:
        wanted = ", ".join(f"{each.api_version} {name}" for name, each in FAULT_KINDS.items())
        yield f"kind: wanted one of {wanted}, saw {api_version} {kind}"
    actions = ACTIONS.get(str(kind), ())
    if actions and spec.get("action") not in actions:
        yield f"spec.action: wanted one of {_listed(actions)}, saw {spec.get('action')!r}"


def _identity(_body: Object, metadata: Object, _spec: Object) -> Iterator[str]:
    name, run = metadata.get("name"), _mapping(metadata.get("labels")).get(RUN_LABEL)
    if not isinstance(name, str) or len(name) > 253 or not _NAME.fullmatch(name):
        yield f"metadata.name: wanted a DNS-1123 name, saw {name!r}"
    if not isinstance(run, str) or not _LABEL.fullmatch(run):
        yield f"metadata.labels: wanted {RUN_LABEL} with the run's id, saw {run!r}"
    elif isinstance(name, str) and run not in name:
        # Chaos Mesh names chains and ipsets by a hash of the name alone, so it must be unique;
        # and rules that outlive their object are known by the run's id in their source
        yield f"metadata.name: wanted the run's id {run} in it, saw {name!r}"
    if not isinstance(metadata.get("namespace"), str) or not metadata["namespace"]:
        yield f"metadata.namespace: wanted a namespace, saw {metadata.get('namespace')!r}"


def _controllers_fields(body: Object, metadata: Object, spec: Object) -> Iterator[str]:
    if "status" in body:
        yield "status: belongs to Chaos Mesh, which would take it for its own"
    if "finalizers" in metadata:
        yield "metadata.finalizers: belong to Chaos Mesh, which clears them all"
    if "generateName" in metadata:
        yield "metadata.generateName: a name that is not known cannot be recovered"
    if "remoteCluster" in spec:
        yield "spec.remoteCluster: the fault would hit another cluster than the one named"


def _duration(spec: Object, *, ceiling: float) -> Iterator[str]:
    """One-shot actions need no duration: they have no end (Chaos Mesh never stops them)."""
    duration = spec.get("duration")
    if duration is None:
        if str(spec.get("action")) not in ONE_SHOT:
            yield "spec.duration: missing, the fault would outlive a killed run for ever"
        return
    try:
        seconds = duration_seconds(duration) if isinstance(duration, str) else None
    except TemplateInvalid:
        seconds = None
    if seconds is None:
        yield f"spec.duration: wanted a number with a unit, such as 10s, saw {duration!r}"
    elif not 0 < seconds <= ceiling:
        yield f"spec.duration: wanted more than 0 and at most {ceiling:g}s, saw {duration!r}"


def _link(body: Object, _metadata: Object, spec: Object) -> Iterator[str]:
    if body.get("kind") != "NetworkChaos":
        return
    if spec.get("action") == "partition" and not spec.get("target"):
        yield "spec.target: a partition without it cuts the pods off from everything"
    if spec.get("target") and spec.get("externalTargets"):
        yield "spec.externalTargets: with spec.target, the targets are cut off from them too"
    if "direction" in spec and spec["direction"] not in DIRECTIONS:
        yield f"spec.direction: wanted one of {_listed(DIRECTIONS)}, saw {spec['direction']!r}"


def _containers(_body: Object, _metadata: Object, spec: Object) -> Iterator[str]:
    names = spec.get("containerNames")
    if spec.get("action") == "container-kill" and not (
        isinstance(names, list) and names and all(isinstance(name, str) and name for name in names)
    ):
        yield f"spec.containerNames: wanted the containers to kill, saw {names!r}"


def _selections(_body: Object, _metadata: Object, spec: Object) -> Iterator[str]:
    yield from selection_findings(spec, at="spec")
    if spec.get("target"):
        yield from selection_findings(_mapping(spec["target"]), at="spec.target")


def _resolved(body: Object, _metadata: Object, _spec: Object) -> Iterator[str]:
    """Chaos Toolkit leaves ``${name}`` standing when it has no such configuration."""
    for path, text in _texts(body, at=""):
        if _UNRESOLVED in text:
            yield f"{path}: unresolved {text!r}"


Rule = Callable[[Object, Object, Object], Iterable[str]]

RULES: tuple[Rule, ...] = (
    _kind,
    _identity,
    _controllers_fields,
    _link,
    _containers,
    _selections,
    _resolved,
)


def _texts(value: Any, *, at: str) -> Iterator[tuple[str, str]]:
    """Every string in ``value``, keys too, with the path to it."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(key, at=at)
            yield from _texts(each, at=f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, at=f"{at}[{index}]")


def _mapping(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
