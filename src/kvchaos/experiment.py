"""Load an experiment and find all that is wrong with it before anything is touched.

Chaos Toolkit passes an unknown ``${name}`` on as it stands, skips rollbacks by default and
returns 0 when an action failed, so what it lets through is caught here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from chaoslib import substitute
from chaoslib.control import get_controls

from kvchaos import extension
from kvchaos.errors import ExperimentInvalid, TemplateInvalid
from kvchaos.mesh.duration import duration_seconds
from kvchaos.mesh.render import template_variables
from kvchaos.mesh.whereabouts import find_template
from kvchaos.untrusted import MIB, Unreadable, file_bytes, json_value, key_twice, place_of

Json = dict[str, Any]

LARGEST = 4 * MIB
"""Bytes of an experiment's file."""
CONTROL = "kvchaos.control"
YAML = frozenset({".yaml", ".yml"})
SUPPLIED = frozenset({"run"})  # what inject_fault gives each template by itself
TIMES = ("within", "budget", "settle", "timeout", "held", "visible_within")
"""The arguments by which an action or a probe is given time, in seconds."""
OURS = frozenset({"kvchaos.actions", "kvchaos.probes"})
_UNRESOLVED = re.compile(r"\$\{[^}]*\}")


def load(path: Path) -> Json:
    """The experiment in ``path``; ``ExperimentInvalid`` when it is not a JSON object."""
    raw = b""
    try:
        raw = file_bytes(path, LARGEST)
        experiment = json_value(raw)
    except FileNotFoundError as error:
        raise ExperimentInvalid(f"no experiment at {path}") from error
    except IsADirectoryError as error:
        raise ExperimentInvalid(str(path), wanted="a JSON file", saw="a folder") from error
    except OSError as error:
        raise ExperimentInvalid(f"{path} cannot be read", saw=str(error)) from error
    except Unreadable as error:
        wanted = "JSON; YAML is not read" if path.suffix in YAML else "JSON"
        saw = place_of(str(error), raw)
        raise ExperimentInvalid(f"{path} is not JSON", wanted=wanted, saw=saw) from error
    if not isinstance(experiment, dict):
        raise ExperimentInvalid(str(path), wanted="a JSON object", saw=type(experiment).__name__)
    if twice := key_twice(raw):
        saw = f"{twice!r} twice"
        raise ExperimentInvalid(str(path), wanted="each key once in its object", saw=saw)
    return experiment


def check(experiment: Json, configuration: Json, secrets: Json, beside: Path | None = None) -> None:
    """Raise ``ExperimentInvalid`` with every finding at once; say nothing when there is none.

    ``beside`` is the folder of the experiment's file: its templates are looked for from there.
    """
    try:
        findings = list(_misshapen(experiment, secrets)) or list(
            _findings(experiment, configuration, secrets, beside)
        )
    except RecursionError as error:
        raise ExperimentInvalid("the experiment is nested too deeply") from error
    if findings:
        raise ExperimentInvalid("the experiment cannot be run:\n  - " + "\n  - ".join(findings))


class _Runtime(msgspec.Struct):
    rollbacks: dict[str, Any] = {}


class _Control(msgspec.Struct):
    provider: dict[str, Any] = {}


class _Activity(msgspec.Struct):
    provider: dict[str, Any] = {}
    controls: list[_Control] = []


class _Hypothesis(msgspec.Struct):
    probes: list[_Activity] = []
    controls: list[_Control] = []


class _Shape(msgspec.Struct):
    """As much of an experiment's shape as the findings rely on."""

    runtime: _Runtime = msgspec.field(default_factory=_Runtime)
    hypothesis: _Hypothesis = msgspec.field(
        default_factory=_Hypothesis, name="steady-state-hypothesis"
    )
    controls: list[_Control] = []
    method: list[_Activity] = []
    rollbacks: list[_Activity] = []


def _misshapen(experiment: Json, secrets: Json) -> Iterator[str]:
    """What is so wrong that nothing else can be looked at."""
    try:
        msgspec.convert(experiment, _Shape)
    except msgspec.ValidationError as error:
        yield f"its shape: {error}"
    for name, group in secrets.items():
        if not isinstance(group, Mapping):  # Chaos Toolkit would trip over any ${name}
            yield f"secrets: {name!r} is in no group, wanted {{group: {{name: value}}}}"


def _findings(
    experiment: Json, configuration: Json, secrets: Json, beside: Path | None
) -> Iterator[str]:
    yield from _unresolved_in(configuration, "configuration")
    if experiment.get("dry"):
        yield "chaos run --dry asks or does only half: kvchaos preflight shows whom it would hit"
    if experiment.get("runtime", {}).get("rollbacks", {}).get("strategy") != "always":
        yield 'runtime.rollbacks.strategy is not "always": a failed run would leave its fault'
    yield from _control_findings(experiment)
    longest: float | None = None
    for activity in activities(experiment):
        provider = substituted(activity.get("provider", {}), configuration, secrets)
        where = f"activity {activity.get('name', '?')!r}"
        yield from _unresolved_in(provider, where)
        arguments = provider.get("arguments") or {}
        if provider.get("module") in OURS and isinstance(arguments, dict):
            yield from (f"{where}: {finding}" for finding in _time_findings(arguments))
        if _is_own(provider) and not _is_readable(arguments):
            yield f"{where}: its arguments, and their values, are no objects"
        elif _is_own(provider, "inject_fault"):
            yield from (f"{where}: {finding}" for finding in _template_findings(arguments, beside))
            longest = _seconds(arguments)
        elif _is_own(provider, "recover_fault"):
            held = arguments.get("held", 0)
            yield from (f"{where}: {finding}" for finding in _held_findings(held, longest))
    for condition in extension.raw_conditions(experiment):
        where = f"stop condition {condition.get('name', '?')!r}"
        yield from _unresolved_in(substituted(condition, configuration, secrets), where)
    yield from extension.findings(experiment, configuration, secrets)


def activities(experiment: Json) -> Iterator[Json]:
    """Every action and probe of an experiment, in the order of the file."""
    yield from experiment.get("steady-state-hypothesis", {}).get("probes", [])
    yield from experiment.get("method", [])
    yield from experiment.get("rollbacks", [])


def substituted(value: Any, configuration: Json, secrets: Json) -> Any:
    """``value`` as Chaos Toolkit would pass it to a function."""
    return substitute(value, configuration, secrets) if configuration or secrets else value


def _control_findings(experiment: Json) -> Iterator[str]:
    """Whether our control, where the experiment declares it, is told all and judges the end."""
    own = [
        each
        for each in get_controls(experiment)
        if (each.get("provider") or {}).get("module") == CONTROL
    ]
    if len(own) > 1:
        yield f"controls: {CONTROL} is declared {len(own)} times, wanted once, at the top"
    for each in own:
        if each.get("scope"):
            yield f"controls: {CONTROL} has the scope {each['scope']!r}, wanted none: it needs both"
        if not each.get("automatic", True):
            yield f"controls: {CONTROL} is not automatic, so that no activity is told to it"


def _unresolved_in(value: object, where: str) -> Iterator[str]:
    if isinstance(value, str):
        for name in _UNRESOLVED.findall(value):
            yield f"{where}: {name} is not in the configuration"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unresolved_in(item, f"{where}, {key}")
    elif isinstance(value, list):
        for item in value:
            yield from _unresolved_in(item, where)


def _is_own(provider: Json, action: str = "") -> bool:
    """Whether it is our action of that name, or any of ours."""
    func = provider.get("func")
    return provider.get("module") == "kvchaos.actions" and action in ("", func)


def _is_readable(arguments: object) -> bool:
    return isinstance(arguments, dict) and isinstance(arguments.get("values") or {}, dict)


def _seconds(arguments: Json) -> float | None:
    """The duration of the fault, if its values have one that can be read."""
    duration = (arguments.get("values") or {}).get("duration")
    try:
        return duration_seconds(duration) if isinstance(duration, str) else None
    except TemplateInvalid:
        return None


def _held_findings(held: object, longest: float | None) -> Iterator[str]:
    """Whether the fault can stand for as long as it is to be held, its injection included."""
    if isinstance(held, int | float) and longest is not None and held and held >= longest:
        yield f"held: the fault's own duration of {longest:g} s ends it before {held:g} s"


def _time_findings(arguments: Json) -> Iterator[str]:
    """Whether what is to be waited is a time: finite, and not below 0."""
    for name in TIMES:
        given = arguments.get(name)
        is_time = isinstance(given, int | float) and 0 <= given < math.inf
        if given is not None and not is_time and not _UNRESOLVED.search(str(given)):
            yield f"{name}: wanted seconds, 0 or more, saw {given!r}"


def _template_findings(arguments: Json, beside: Path | None) -> Iterator[str]:
    """Whether an ``inject_fault`` names a template that exists and gives values that it knows."""
    duration = (arguments.get("values") or {}).get("duration")
    if duration is not None and not _UNRESOLVED.search(str(duration)) and not _seconds(arguments):
        yield f"duration: wanted a number with a unit and above 0, such as 60s, saw {duration!r}"
    try:
        wanted = template_variables(find_template(str(arguments.get("template", "")), beside))
    except TemplateInvalid as error:
        yield str(error)
        return
    given = set(arguments.get("values") or {})
    if missing := sorted(wanted - given - SUPPLIED):
        yield f"template {arguments['template']!r}: missing {missing}"
    if unknown := sorted(given - wanted):
        yield f"template {arguments['template']!r}: unknown {unknown}, it takes {sorted(wanted)}"
