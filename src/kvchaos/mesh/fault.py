"""A fault and what is known of it: its targets, its injection, its effect, its recovery.

Only data. ``inject``, ``confirm``, ``recover`` and ``residue`` of this package make it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.mesh.api import FAULT_KINDS, RUN_LABEL
from kvchaos.mesh.duration import duration_seconds

Json = dict[str, Any]

ONE_SHOT = frozenset({"pod-kill", "container-kill"})
"""Actions that happen once and have no end: there is nothing to heal."""


class End(StrEnum):
    """What ended a fault."""

    DELETION = "deletion"
    GONE = "already gone"
    DURATION = "duration"
    ONE_SHOT = "one-shot"


@dataclass(frozen=True, slots=True)
class Fault:
    """One Chaos Mesh object: enough to find it, to end it, and to know what it was.

    ``namespaces`` are those that its selectors name besides its own, sorted, so that what it
    left can be looked for without it. ``duration`` is in seconds, None for one-shot actions.
    """

    kind: str
    name: str
    namespace: str
    run: str
    action: str
    direction: str = "to"
    duration: float | None = None
    namespaces: tuple[str, ...] = ()

    @property
    def api(self) -> Kind:
        """Where the API serves it."""
        return FAULT_KINDS[self.kind]

    @property
    def source(self) -> str:
        """How a PodNetworkChaos names this fault: ``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """How people and kubectl name it: ``networkchaos/name``."""
        return f"{self.api.plural}/{self.name}"

    @property
    def one_shot(self) -> bool:
        """Whether it happens once, with nothing to heal."""
        return self.action in ONE_SHOT

    @property
    def look(self) -> str:
        """The command that shows what Chaos Mesh says of it."""
        return f"kubectl describe {self.label} -n {self.namespace}"

    def brief(self) -> dict[str, str]:
        """What the history calls it by, and what it does."""
        keys = ("kind", "namespace", "name", "action", "direction")
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def of(cls, body: Object) -> Fault:
        """The fault that a linted body, or an object read back from the API, is."""
        metadata, spec = body["metadata"], body["spec"]
        action = str(spec["action"])
        duration = None if action in ONE_SHOT else spec.get("duration")
        return cls(
            kind=str(body["kind"]),
            name=str(metadata["name"]),
            namespace=str(metadata["namespace"]),
            run=str((metadata.get("labels") or {}).get(RUN_LABEL, "")),
            action=action,
            direction=str(spec.get("direction", "to")),
            duration=duration_seconds(duration) if duration else None,
            namespaces=_namespaces(body),
        )

    def to_json(self) -> Json:
        """Plain JSON that ``from_json`` reads back."""
        return {**asdict(self), "namespaces": list(self.namespaces)}

    @classmethod
    def from_json(cls, data: Json) -> Fault:
        """The fault that ``to_json`` wrote; keys it does not know are passed over."""
        known = {key: data[key] for key in cls.__dataclass_fields__ if key in data}
        return cls(**{**known, "namespaces": tuple(known.get("namespaces", ()))})


@dataclass(frozen=True, slots=True)
class Target:
    """One pod, or one container of it, as it was before the fault.

    ``role`` is Chaos Mesh's selectorKey: ``.`` for the selector, ``.Target`` for the target.
    ``restarts`` counts the container's restarts, or those of all containers of the pod;
    ``running`` are the ids of those that ran.
    """

    pod: str
    uid: str
    namespace: str
    role: str = "."
    container: str = ""
    restarts: int = 0
    running: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How records name it: ``namespace/pod`` or ``namespace/pod/container``."""
        place = f"{self.namespace}/{self.pod}"
        return f"{place}/{self.container}" if self.container else place

    def to_json(self) -> Json:
        """Plain JSON that ``from_json`` reads back."""
        return {**asdict(self), "running": list(self.running)}

    @classmethod
    def from_json(cls, data: Json) -> Target:
        """The target that ``to_json`` wrote."""
        known = {key: data[key] for key in cls.__dataclass_fields__ if key in data}
        return cls(**{**known, "running": tuple(known.get("running", ()))})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation for or against a fault being in effect; ``holds`` None: cannot be told.

    ``source`` is ``records``, ``podnetworkchaos`` or ``pod``.
    """

    source: str
    holds: bool | None
    text: str

    def to_json(self) -> Json:
        """Plain JSON, as the history keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that Chaos Mesh reports injected in every target. Times are of the clock given."""

    fault: Fault
    targets: tuple[Target, ...]
    requested_at: float
    created_at: float
    injected_at: float
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> Json:
        """Plain JSON; times in seconds after the request."""
        return {
            "fault": self.fault.to_json(),
            "targets": [target.to_json() for target in self.targets],
            "created_after": round(self.created_at - self.requested_at, 3),
            "injected_after": round(self.injected_at - self.requested_at, 3),
            "evidence": [each.to_json() for each in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """Whether a fault is in effect, and why.

    ``replaced``: targets that are new pods by now; ``over``: it was ended, or its object is gone.
    """

    evidence: tuple[Evidence, ...]
    replaced: tuple[Target, ...] = ()
    over: bool = False

    @property
    def holds(self) -> bool | None:
        """True when all evidence holds, False when some does not, None when some is unknown."""
        seen = [each.holds for each in self.evidence]
        if False in seen:
            return False
        return None if None in seen or not seen else True


@dataclass(frozen=True, slots=True)
class Recovered:
    """A fault that is gone, with nothing of it left. ``healed_at`` is of the clock given.

    ``freed``: each thing that had to be forced, in words.
    """

    fault: Fault
    by: End
    healed_at: float
    waited: float
    forced: bool = False
    freed: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Plain JSON; ``waited`` in seconds."""
        return {
            "fault": self.fault.to_json(),
            "by": str(self.by),
            "waited": round(self.waited, 3),
            "forced": self.forced,
        }


def _namespaces(body: Object) -> tuple[str, ...]:
    selectors = [body["spec"].get("selector"), (body["spec"].get("target") or {}).get("selector")]
    named = {name for each in selectors if each for name in each.get("namespaces") or ()}
    return tuple(sorted(named - {body["metadata"]["namespace"]}))
