"""From a fault template and its values to one Kubernetes object.

The rule guarded here: values are data. Whatever a value holds, it becomes one JSON value where
the template puts it and cannot add a line, a key or a document. So Jinja writes a mark for every
output, the YAML is parsed with the marks in it, and only then each mark becomes its value::

    name: {{ ("cut-" ~ run) | tojson }}  ->  name: <mark 0>  ->  {"name": "cut-1a2b"}

A mark that is not a whole scalar (a value inside quotes or text) is an error. A template has no
globals, no filter but ``tojson``, no includes, and wants exactly its own variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError, Undefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kvchaos.cluster.kinds import Object
from kvchaos.errors import TemplateInvalid


def render(template: Path, values: Mapping[str, Any]) -> Object:
    """The one object that ``template`` makes of ``values``.

    TemplateInvalid names the template and what is missing, unknown, or not as it must be.
    """
    source = _read(template)
    _demand_exactly(template, wanted=_variables(template, source), given=set(values))
    return _object(template, source, values)


def template_variables(path: Path) -> frozenset[str]:
    """The names of the values that the template at ``path`` wants."""
    return _variables(path, _read(path))


_MARK = re.compile("\ue000([0-9]+)\ue001")  # private-use characters: printable to YAML, in no text


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands for a value; no string, so that a template can do nothing with it but print."""

    number: int

    def __str__(self) -> str:
        return f"\ue000{self.number}\ue001"


class _Marks:
    """The values of one rendering, each behind its mark."""

    def __init__(self) -> None:
        self._values: list[Any] = []

    def mark(self, value: Any) -> _Mark:
        """The mark for ``value``, which must be JSON; a mark stands for itself."""
        if isinstance(value, _Mark):
            return value
        if isinstance(value, Undefined):
            str(value)  # raises UndefinedError with the name
        self._values.append(json.loads(json.dumps(value, allow_nan=False)))
        return _Mark(len(self._values) - 1)

    def filled(self, node: Any) -> Any:
        """``node`` with each mark replaced; ValueError where one is only part of a text."""
        if isinstance(node, dict):
            return {self._key(key): self.filled(each) for key, each in node.items()}
        if isinstance(node, list):
            return [self.filled(each) for each in node]
        return self._value(node) if isinstance(node, str) else node

    def _key(self, text: str) -> str:
        value = self._value(text)
        if not isinstance(value, str):
            raise ValueError(f"a key must be text, not {value!r}")  # noqa: TRY004 - input, mapped
        return value

    def _value(self, text: str) -> Any:
        whole = _MARK.fullmatch(text)
        value = self._values[int(whole[1])] if whole else text
        if isinstance(value, str) and _MARK.search(value):
            shown = _MARK.sub("{{ }}", value)
            raise ValueError(f"a value inside the text {shown!r}: join by ~ in {{{{ }}}} instead")
        return value


def _environment(marks: _Marks) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=marks.mark,
        autoescape=False,
    )
    environment.globals.clear()
    environment.filters = {"tojson": marks.mark}
    return environment


def _read(template: Path) -> str:
    try:
        return template.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        there = sorted(path.name for path in template.parent.glob("*.j2"))
        raise TemplateInvalid(
            f"no template {template.name}",
            wanted=f"one of {', '.join(there)}" if there else f"a file in {template.parent}",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateInvalid(f"{template.name}: cannot be read", saw=str(error)) from error


def _variables(template: Path, source: str) -> frozenset[str]:
    try:
        return frozenset(meta.find_undeclared_variables(_environment(_Marks()).parse(source)))
    except TemplateError as error:
        raise TemplateInvalid(f"{template.name}: not a template", saw=str(error)) from error


def _demand_exactly(template: Path, *, wanted: frozenset[str], given: set[str]) -> None:
    missing, unknown = sorted(wanted - given), sorted(given - wanted)
    if missing or unknown:
        raise TemplateInvalid(
            f"{template.name}: missing {missing}, unknown {unknown}",
            wanted=f"exactly {', '.join(sorted(wanted)) or 'no values'}",
        )


def _object(template: Path, source: str, values: Mapping[str, Any]) -> Object:
    marks = _Marks()
    try:
        text = _environment(marks).from_string(source).render(values)
        documents = marks.filled(json.loads(json.dumps(list(yaml.safe_load_all(text)))))
    except (TemplateError, yaml.YAMLError, TypeError, ValueError) as error:
        raise TemplateInvalid(
            f"{template.name}: cannot be rendered", saw=_MARK.sub("{{ }}", str(error))
        ) from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        shapes = ", ".join(type(each).__name__ for each in documents)
        raise TemplateInvalid(
            f"{template.name}: not one object", wanted="one YAML mapping", saw=shapes or "nothing"
        )
    found: Object = documents[0]
    return found
