"""What a fault does to one target: apply and recover, in steps that say how far they came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from kvchaos.errors import LabError
from kvchaos.lab.api import Object
from kvchaos.lab.mesh.progress import Phase


class EffectFailed(LabError):
    """A step that did not work; ``phase`` is where the record stays."""

    def __init__(self, what: str, *, phase: Phase) -> None:
        self.phase = phase
        super().__init__(what)


@dataclass(slots=True)
class Fault:
    """A fault at work: its object, its records so far, and what it wrote where (generations)."""

    body: Object
    records: list[Object]
    instances: dict[str, int] = field(default_factory=dict)


class Effect(Protocol):
    """One action of one kind."""

    async def apply(self, fault: Fault, record: Object) -> Phase:
        """One step towards Injected; EffectFailed when it does not work."""
        ...

    async def recover(self, fault: Fault, record: Object) -> Phase:
        """One step towards Not Injected; EffectFailed when it does not work."""
        ...


def target_of(record: Object) -> tuple[str, str, str]:
    """Namespace, pod and (for container faults) container of a record's id."""
    namespace, name, *container = record["id"].split("/")
    return namespace, name, container[0] if container else ""
