"""The whole preflight: what the experiment would do, what it would hit, what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kvchaos.clock import Clock
from kvchaos.cluster import pods
from kvchaos.errors import PreflightRefused
from kvchaos.preflight.facts import Facts
from kvchaos.preflight.look import LookApi, look
from kvchaos.preflight.notes import notes
from kvchaos.preflight.plan import Planned
from kvchaos.preflight.reason import Finding
from kvchaos.preflight.refusals import findings
from kvchaos.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Preflight:
    """The planned faults, the pods that they may hit, what speaks against it, what else to know.

    A target: ``{"fault", "pod", "namespace", "node", "role", "amount", "engine"}``, the amount as
    ``one of 3``.
    """

    plan: tuple[Planned, ...]
    targets: tuple[Json, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def to_json(self) -> Json:
        """Plain JSON, as the history keeps it."""
        return {
            "targets": list(self.targets),
            "findings": [each.to_json() for each in self.findings],
            "notes": list(self.notes),
        }

    def refuse(self) -> None:
        """Raise ``PreflightRefused`` with every finding; say nothing when there is none."""
        if self.findings:
            raise PreflightRefused(tuple(each.line for each in self.findings))


def examine(
    cluster: LookApi, plan: Sequence[Planned], settings: Settings, *, clock: Clock
) -> Preflight:
    """Ask the cluster about ``plan``; changes nothing."""
    return judged(look(cluster, plan, settings, now=clock.wall()))


def judged(facts: Facts) -> Preflight:
    """What the facts come to."""
    return Preflight(
        facts.plan, tuple(_targets(facts)), tuple(findings(facts)), tuple(notes(facts))
    )


def _targets(facts: Facts) -> list[Json]:
    return [
        {
            "fault": each.planned.fault.label,
            "pod": pods.name(pod),
            "namespace": (place := str(pod["metadata"]["namespace"])),
            "node": pods.node(pod),
            "role": each.role,
            "amount": each.amount,
            "engine": pods.uid(pod) in facts.engines.get(place, ()),
        }
        for each in facts.selections
        for pod in sorted(each.hit, key=pods.name)
    ]
