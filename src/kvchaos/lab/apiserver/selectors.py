"""Label and field selectors: parsed once, then asked of many objects.

Labels: ``a=b``, ``a==b``, ``a!=b``, ``a in (x,y)``, ``a notin (x,y)``, ``a``, ``!a``, joined by
commas. Fields: ``path=value``, ``path==value``, ``path!=value``, joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kvchaos.lab.apiserver.kinds import Kind
from kvchaos.lab.apiserver.refusal import bad_request

_KEY = r"(?P<key>[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?)"
_SET = re.compile(_KEY + r"\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY = re.compile(_KEY + r"\s*(?P<operator>==|=|!=)\s*(?P<value>[A-Za-z0-9_.-]*)")
_PRESENCE = re.compile(r"(?P<operator>!?)\s*" + _KEY)
_FIELD = re.compile(r"(?P<key>[^=!,]+?)\s*(?P<operator>==|=|!=)\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition; ``values`` None asks only whether the key is there."""

    key: str
    values: frozenset[str] | None
    negated: bool

    def holds(self, of: Mapping[str, str]) -> bool:
        """A missing key satisfies every negated requirement, as in Kubernetes."""
        value = of.get(self.key)
        if self.values is None:
            return (value is not None) is not self.negated
        return (value in self.values) is not self.negated


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements on labels and on fields, all of which must hold."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.fields)

    def matches(self, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
        return all(one.holds(labels) for one in self.labels) and all(
            one.holds(fields) for one in self.fields
        )


EVERYTHING = Selector()


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The requirements of a labelSelector; 400 when it is none."""
    return tuple(_label_requirement(part, text) for part in _parts(text))


def parse_fields(text: str, kind: Kind) -> tuple[Requirement, ...]:
    """The requirements of a fieldSelector; 400 for a field that ``kind`` cannot be selected by."""
    known = {"metadata.name", *kind.fields}
    if kind.namespaced:
        known.add("metadata.namespace")
    found = []
    for part in filter(None, text.split(",")):
        match = _FIELD.fullmatch(part.strip())
        if match is None:
            raise bad_request(f"invalid field selector: {text!r}")
        key = match["key"]
        if key not in known:
            raise bad_request(f"field label not supported: {key}")
        found.append(Requirement(key, frozenset([match["value"]]), match["operator"] == "!="))
    return tuple(found)


def _label_requirement(part: str, text: str) -> Requirement:
    if match := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, match["operator"] == "notin")
    if match := _EQUALITY.fullmatch(part):
        return Requirement(match["key"], frozenset([match["value"]]), match["operator"] == "!=")
    if match := _PRESENCE.fullmatch(part):
        return Requirement(match["key"], None, match["operator"] == "!")
    raise bad_request(f"unable to parse requirement {part!r} of label selector {text!r}")


def _parts(text: str) -> Iterator[str]:
    """Split at the commas outside parentheses."""
    for part in re.split(r",(?![^()]*\))", text):
        if stripped := part.strip():
            yield stripped
