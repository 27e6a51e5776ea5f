"""What an experiment says to kvchaos alone: its stop conditions, under ``extensions``.

``{"name": "kvchaos", "stop_conditions": [{"name": ..., "every": seconds, "deadline": seconds,
"tolerance": ..., "provider": {...}}]}``: each is a probe of Chaos Toolkit with a tolerance, of any
kind that it has. A deadline is the time that one asking may take; both times may be left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaoslib import substitute
from chaoslib.activity import ensure_activity_is_valid
from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid

Json = dict[str, Any]

NAME = "kvchaos"
KEYS = frozenset({"name", "stop_conditions"})
CONDITION_KEYS = frozenset({"name", "type", "every", "deadline", "tolerance", "provider"})
EVERY = 1.0  # seconds, when not said
SHORTEST_DEADLINE = 10.0  # seconds, when not said; three times ``every`` where that is longer
BOUNDED = frozenset({"process", "http"})  # providers that end at their own timeout
RECORDING = frozenset({"fault_in_effect", "index_recovered"})
"""Probes of kvchaos that leave evidence for the verdict: once each, and not from a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopCondition:
    """A probe as Chaos Toolkit takes it, and how often it is asked, for how long.

    ``tolerance`` has configuration and secrets in it, ``shown`` is its text without the secrets.
    """

    name: str
    every: float
    deadline: float
    probe: Json
    tolerance: Any
    shown: str


def raw_conditions(experiment: Json) -> list[Json]:
    """The stop conditions as they stand in the file, as far as they are objects."""
    return [
        condition
        for extension in _own(experiment)
        for condition in _list(extension.get("stop_conditions"))
        if isinstance(condition, dict)
    ]


def stop_conditions(
    experiment: Json, configuration: Json, secrets: Json
) -> tuple[StopCondition, ...]:
    """The stop conditions of an experiment that has no ``findings``."""
    return tuple(_condition(each, configuration, secrets) for each in raw_conditions(experiment))


def findings(experiment: Json, configuration: Json, secrets: Json) -> Iterator[str]:
    """Each thing that is wrong with the extension; chaoslib's own judgement of probes included."""
    said = experiment.get("extensions") or []
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        yield f"extensions: wanted a list of objects, saw {_short(said)}"
        return
    for each in said:
        if each.get("name") != NAME and "stop_conditions" in each:
            named = _short(each.get("name")).replace('"', "'")
            yield f"stop_conditions in extension {named}: wanted the name {NAME}"
    own = _own(experiment)
    if len(own) > 1:
        yield f"extensions: {len(own)} are named {NAME!r}, wanted one"
    for extension in own:
        yield from _unknown_keys(extension, KEYS, f"extension {NAME!r}")
        conditions = extension.get("stop_conditions", [])
        if not isinstance(conditions, list) or not all(isinstance(c, dict) for c in conditions):
            yield f"stop_conditions: wanted a list of objects, saw {_short(conditions)}"
    raw = raw_conditions(experiment)
    for number, condition in enumerate(raw, start=1):
        where = f"stop condition {condition.get('name') or number!r}"
        for finding in _condition_findings(condition, configuration, secrets):
            yield f"{where}: {finding}"
    names = Counter(str(each["name"]) for each in raw if each.get("name"))
    yield from (f"stop condition {name!r}: named {n} times" for name, n in names.items() if n > 1)


def _condition(raw: Json, configuration: Json, secrets: Json) -> StopCondition:
    every = float(substitute(raw.get("every", EVERY), configuration, secrets))
    deadline = substitute(raw.get("deadline"), configuration, secrets)
    deadline = float(deadline or max(SHORTEST_DEADLINE, 3 * every))
    provider = dict(raw["provider"])
    if provider.get("type") in BOUNDED:
        provider.setdefault("timeout", deadline)
    tolerance = raw["tolerance"]
    return StopCondition(
        name=raw["name"],
        every=every,
        deadline=deadline,
        probe={"type": "probe", "name": raw["name"], "provider": provider, "tolerance": tolerance},
        tolerance=substitute(tolerance, configuration, secrets),
        shown=_short(substitute(tolerance, configuration, {})),
    )


def _condition_findings(raw: Json, configuration: Json, secrets: Json) -> Iterator[str]:
    yield from _unknown_keys(raw, CONDITION_KEYS, "it")
    if not isinstance(raw.get("name"), str) or not raw["name"].strip():
        yield "it has no name"
    if raw.get("type", "probe") != "probe":
        yield f"type: wanted probe, saw {_short(raw['type'])}"
    for key in ("every", "deadline"):
        if key in raw:
            yield from _seconds_findings(key, substitute(raw[key], configuration, secrets))
    yield from _probe_findings(raw)
    if "tolerance" not in raw:
        yield "it has no tolerance"
        return
    tolerance = substitute(raw["tolerance"], configuration, secrets)
    yield from _refused_by_chaoslib(ensure_hypothesis_tolerance_is_valid, tolerance)


def _probe_findings(raw: Json) -> Iterator[str]:
    provider = raw.get("provider")
    if not isinstance(provider, dict):
        yield "it has no provider"
        return
    module, func = provider.get("module"), provider.get("func")
    if module == "kvchaos.actions":
        yield f"{func} is an action, wanted a probe"
    if module == "kvchaos.probes" and func in RECORDING:
        yield f"{func} records evidence of the run's fault, wanted a probe that only looks"
    probe = {"type": "probe", "name": raw.get("name") or "it", "provider": provider}
    yield from _refused_by_chaoslib(ensure_activity_is_valid, probe)


def _seconds_findings(key: str, value: object) -> Iterator[str]:
    if isinstance(value, str) and "${" in value:
        return  # told as a name that is in no configuration
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):  # type: ignore[operator]
        yield f"{key}: wanted seconds above 0, saw {_short(value)}"


def _refused_by_chaoslib(ensure: Any, value: Any) -> Iterator[str]:
    try:
        ensure(value)
    except Exception as error:  # noqa: BLE001 - it imports the user's module, and trips on odd values
        yield str(error) or type(error).__name__


def _unknown_keys(said: Mapping[str, Any], known: frozenset[str], what: str) -> Iterator[str]:
    if unknown := sorted(set(said) - known):
        yield f"unknown {unknown}, {what} takes {sorted(known)}"


def _own(experiment: Json) -> list[Json]:
    return [
        each
        for each in _list(experiment.get("extensions"))
        if isinstance(each, dict) and each.get("name") == NAME
    ]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(value: object) -> str:
    return json.dumps(value, default=str)[:200]
