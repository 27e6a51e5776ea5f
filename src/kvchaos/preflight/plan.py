"""The faults that an experiment would inject, rendered as they would be sent.

The rule: what is looked at beforehand is what is sent afterwards, so both come from ``rendered``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvchaos.cluster.kinds import Object
from kvchaos.errors import ExperimentInvalid, TemplateInvalid
from kvchaos.experiment import activities, substituted
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.lint import lint
from kvchaos.mesh.render import render
from kvchaos.mesh.targets import selectors
from kvchaos.mesh.values import template_values
from kvchaos.mesh.whereabouts import find_template
from kvchaos.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault of the method. Those of one ``stage`` may stand at the same time.

    A stage ends where the experiment recovers its faults.
    """

    activity: str
    body: Object
    stage: int = 0

    @property
    def fault(self) -> Fault:
        """What it is."""
        return Fault.of(self.body)

    @property
    def reach(self) -> list[str]:
        """The namespaces that its selectors name, sorted."""
        own = self.fault.namespace
        named = [_namespaces(selector, own) for _, selector in selectors(self.body["spec"])]
        return sorted({place for places in named for place in places})

    @property
    def touched(self) -> list[str]:
        """These and its own, sorted."""
        return sorted({self.fault.namespace, *self.reach})


def plan(
    experiment: Json,
    configuration: Json,
    secrets: Json,
    settings: Settings,
    beside: Path | None = None,
    *,
    run_id: str,
) -> list[Planned]:
    """Every fault that the experiment, whose file is in ``beside``, would inject, in its order.

    Raises ``ExperimentInvalid`` with all that speaks against sending them, whatever the cluster.
    """
    planned: list[Planned] = []
    wrong: list[str] = []
    stage = 0
    for activity in _method(experiment):
        provider = substituted(activity.get("provider", {}), configuration, secrets)
        name = str(activity.get("name", "?"))
        if _calls(provider, "recover_fault"):
            stage += 1
        elif _calls(provider, "inject_fault"):
            try:
                arguments = provider.get("arguments") or {}
                body = _body(arguments, beside, run_id=run_id, number=len(planned) + 1)
            except TemplateInvalid as error:
                wrong.append(f"activity {name!r}: {error}")
                continue
            findings = lint(body, ceiling=settings.max_duration)
            wrong += [f"activity {name!r}: {finding}" for finding in findings]
            planned.append(Planned(name, body, stage))
    if wrong:
        raise ExperimentInvalid("its faults must not be sent:\n  - " + "\n  - ".join(wrong))
    return planned


def rendered(
    template: str,
    values: Mapping[str, Any],
    beside: Path | None = None,
    *,
    run_id: str,
    number: int,
) -> Object:
    """A run's fault of that ``number``, from 1: its name is its own, for names are evidence."""
    body = render(find_template(template, beside), {"run": run_id, **template_values(values)})
    metadata = body.get("metadata")
    if number > 1 and isinstance(metadata, dict):
        metadata["name"] = f"{metadata.get('name')}-{number}"
    return body


def _body(arguments: Json, beside: Path | None, *, run_id: str, number: int) -> Object:
    template, values = str(arguments.get("template", "")), arguments.get("values") or {}
    return rendered(template, values, beside, run_id=run_id, number=number)


def _method(experiment: Json) -> Iterator[Json]:
    """The activities as they are called: a reference stands for the activity that it names."""
    named = {each.get("name"): each for each in activities(experiment)}
    for activity in activities(experiment):
        yield named.get(activity["ref"], activity) if "ref" in activity else activity


def _calls(provider: Json, action: str) -> bool:
    return (provider.get("module"), provider.get("func")) == ("kvchaos.actions", action)


def _namespaces(selector: Object, own: str) -> list[str]:
    return list(selector.get("pods") or selector.get("namespaces") or [own])
