"""Which pods a fault hits: Chaos Mesh's pod selector and its modes. Pure but for ``rng``.

As there: ``pods`` bypasses every other selector; ``all`` takes pods in any phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

from kvchaos.errors import LabError
from kvchaos.lab.api import Object

Match = Callable[[Object, Object], bool]


class NotSelected(LabError):
    """The selector or its mode selects nothing, or is not usable."""


def select(spec: Object, pods: Sequence[Object], *, namespace: str, rng: Random) -> list[Object]:
    """The pods that ``spec`` (``selector``, ``mode``, ``value``) picks among ``pods``.

    ``namespace`` is the fault's own, the default of the selector.

    Raises:
        NotSelected: no pod matches, or the mode's value is not usable.
    """
    selector = spec.get("selector") or {}
    matching = [pod for pod in pods if matches(selector, pod, namespace=namespace)]
    if not matching:
        raise NotSelected("no pod is selected")
    return pick(matching, mode=spec["mode"], value=str(spec.get("value") or ""), rng=rng)


def matches(selector: Object, pod: Object, *, namespace: str) -> bool:
    """Whether ``selector`` takes ``pod``."""
    meta = pod["metadata"]
    if named := selector.get("pods"):
        return meta["name"] in (named.get(meta["namespace"]) or [])
    if meta["namespace"] not in (selector.get("namespaces") or [namespace]):
        return False
    return all(match(selector[key], pod) for key, match in _MATCHES.items() if selector.get(key))


def pick(pods: Sequence[Object], *, mode: str, value: str, rng: Random) -> list[Object]:
    """As many of ``pods`` as ``mode`` and ``value`` say, at random.

    Raises:
        NotSelected: ``value`` is not usable with ``mode``.
    """
    if mode == "all":
        return list(pods)
    if mode == "one":
        return [rng.choice(pods)]
    number = _positive(mode, value)
    if mode == "fixed":
        return rng.sample(pods, min(number, len(pods)))
    if number > 100:
        raise NotSelected(f"percentage value of {number} is invalid, Must be (0,100]")
    if mode == "random-max-percent":
        number = rng.randint(0, number)
    return rng.sample(pods, math.ceil(len(pods) * number / 100))


def _positive(mode: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError as error:
        raise NotSelected(f"value {value!r} is not usable with mode {mode}") from error
    if number <= 0:
        raise NotSelected("cannot select any object as value below or equal 0")
    return number


def _labels(wanted: Mapping[str, str], pod: Object) -> bool:
    return wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def _annotations(wanted: Mapping[str, str], pod: Object) -> bool:
    return wanted.items() <= (pod["metadata"].get("annotations") or {}).items()


def _fields(wanted: Mapping[str, str], pod: Object) -> bool:
    return all(_field(pod, path) == value for path, value in wanted.items())


def _field(pod: Object, path: str) -> str:
    value: object = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return str(value)


def _phases(wanted: Sequence[str], pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in wanted


def _nodes(wanted: Sequence[str], pod: Object) -> bool:
    return pod["spec"].get("nodeName") in wanted


def _expressions(wanted: Sequence[Object], pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return all(_expression(each, labels) for each in wanted)


def _expression(requirement: Object, labels: Mapping[str, str]) -> bool:
    key, values = requirement["key"], requirement.get("values") or []
    answers = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers[requirement["operator"]]


_MATCHES: Mapping[str, Callable[..., bool]] = {
    "labelSelectors": _labels,
    "annotationSelectors": _annotations,
    "fieldSelectors": _fields,
    "expressionSelectors": _expressions,
    "podPhaseSelectors": _phases,
    "nodes": _nodes,
}
