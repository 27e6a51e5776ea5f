"""What a fault's selection of pods must be: its mode, its value, and its selector. Pure.

A selector without phase takes pods that are completed or not yet started, and injection never
ends; one without namespaces means the fault's own, one without labels every pod there: each is
asked for by name. The keys are those that ``targets`` can resolve beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kvchaos.cluster.kinds import Object

MODES = ("one", "all", "fixed", "fixed-percent", "random-max-percent")
NARROWING = (
    "labelSelectors", "expressionSelectors", "annotationSelectors", "fieldSelectors", "nodes",
)  # fmt: skip
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def selection_findings(spec: Object, *, at: str) -> Iterator[str]:
    """Everything wrong with the mode, value and selector of ``spec``, which stands at ``at``."""
    mode, value = spec.get("mode"), spec.get("value")
    if mode not in MODES:
        yield f"{at}.mode: wanted one of {_listed(MODES)}, saw {mode!r}"
    if value is not None and not isinstance(value, str):
        yield f"{at}.value: wanted a string, saw {value!r}"
    elif mode in MODES and not _fits(str(mode), value or ""):
        yield f"{at}.value: wanted {_VALUES[str(mode)]} in quotes for mode {mode}, saw {value!r}"
    selector = spec.get("selector")
    if not isinstance(selector, dict):
        yield f"{at}.selector: wanted a selector, saw {selector!r}"
    else:
        yield from _selector(selector, at=f"{at}.selector")


def _selector(selector: Object, *, at: str) -> Iterator[str]:
    if unknown := selector.keys() - SHAPES.keys():
        yield f"{at}: wanted only {_listed(SHAPES)}, saw {_listed(map(str, unknown))}"
    for key, (fits, wanted) in SHAPES.items():
        if key in selector and not fits(selector[key]):
            yield f"{at}.{key}: wanted {wanted}, saw {selector[key]!r}"
    if selector.get("pods"):
        if len(selector) > 1:
            yield f"{at}.pods: beats every other key, so it must stand alone"
        return
    if selector.get("podPhaseSelectors") != ["Running"]:
        # without it, completed and pending pods are selected, and injection never ends
        yield f"{at}.podPhaseSelectors: wanted [Running], saw {selector.get('podPhaseSelectors')!r}"
    if not selector.get("namespaces"):
        yield f"{at}.namespaces: wanted at least one, named"
    if not any(selector.get(key) for key in NARROWING):
        yield f"{at}: names every pod of its namespaces; wanted one of {_listed(NARROWING)}"


def _is_pairs(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _is_expressions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("key"), str)
        and each.get("operator") in OPERATORS
        and _is_names(each.get("values", []))
        for each in value
    )


def _is_pods(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_names, value.values()))


_PAIRS = (_is_pairs, "an object of strings")
_NAMES = (_is_names, "a list of names")
SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "labelSelectors": _PAIRS,
    "annotationSelectors": _PAIRS,
    "fieldSelectors": _PAIRS,
    "expressionSelectors": (_is_expressions, f"a list of key, operator ({', '.join(OPERATORS)})"),
    "namespaces": _NAMES,
    "nodes": _NAMES,
    "podPhaseSelectors": _NAMES,
    "pods": (_is_pods, "lists of names by namespace"),
}
"""What each key of a selector that kvchaos can resolve holds."""


_VALUES = {
    "fixed": "a number above 0",
    "fixed-percent": "a number from 1 to 100",
    "random-max-percent": "a number from 1 to 100",
}


def _fits(mode: str, value: str) -> bool:
    if mode not in _VALUES:
        return True
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else 0
    return number > 0 and (mode == "fixed" or number <= 100)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
