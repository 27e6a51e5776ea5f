"""From a fault template and its values to one Kubernetes object.

The rule guarded here: values are data. Whatever a value holds, it becomes one JSON value where
the template puts it and cannot add a line, a key or a document. So Jinja writes a mark for every
output, the YAML is parsed with the marks in it, and only then each mark becomes its value::

    name: {{ ("cut-" ~ run) | tojson }}  ->  name: <mark 0>  ->  {"name": "cut-1a2b"}

A mark that is not a whole scalar (a value inside quotes or text) is an error. A template wants
exactly its own variables; what else it may do, ``sandbox`` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, Undefined, meta

from kvchaos.cluster.kinds import Object
from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.sandbox import LARGEST_SOURCE, Sandbox
from kvchaos.plain_yaml import documents
from kvchaos.untrusted import Unreadable, file_text


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


LARGEST_VALUES = 2**20
"""Characters of JSON that all values of one rendering may have, each as often as it is printed."""

_MARK = re.compile("\ue000([0-9]+)\ue001")  # private-use characters: printable to YAML, in no text


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands for a value; no string, so that a template can do nothing with it but print."""

    _number: int

    def __str__(self) -> str:
        return f"\ue000{self._number}\ue001"


class _Marks:
    """The values of one rendering, each behind its mark."""

    def __init__(self) -> None:
        self._values: list[Any] = []
        self._left = LARGEST_VALUES

    def mark(self, value: Any) -> _Mark:
        """The mark for ``value``, which must be JSON; a mark stands for itself."""
        if isinstance(value, _Mark):
            return value
        if isinstance(value, Undefined):
            str(value)  # raises UndefinedError with the name
        plain = json.dumps(value, allow_nan=False)
        self._left -= len(plain)
        if self._left < 0:
            raise ValueError(f"values of more than {LARGEST_VALUES} characters")
        self._values.append(json.loads(plain))
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


def _read(template: Path) -> str:
    try:
        return file_text(template, LARGEST_SOURCE)
    except FileNotFoundError as error:
        there = sorted(path.name for path in template.parent.glob("*.j2"))
        raise TemplateInvalid(
            f"no template {template.name}",
            wanted=f"one of {', '.join(there)}" if there else f"a file in {template.parent}",
        ) from error
    except (OSError, Unreadable) as error:
        raise TemplateInvalid(f"{template.name}: cannot be read", saw=str(error)) from error


def _variables(template: Path, source: str) -> frozenset[str]:
    try:
        return frozenset(meta.find_undeclared_variables(Sandbox(str).parse(source)))
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
        sandbox = Sandbox(marks.mark)
        text = sandbox.text(sandbox.parse(source), values)
        plain = json.loads(json.dumps(documents(text), allow_nan=False))
        found = [marks.filled(each) for each in plain]
    except (TemplateError, TypeError, ValueError, RecursionError) as error:
        raise TemplateInvalid(
            f"{template.name}: cannot be rendered", saw=_MARK.sub("{{ }}", str(error))
        ) from error
    if len(found) != 1 or not isinstance(found[0], dict):
        shapes = ", ".join(type(each).__name__ for each in found)
        raise TemplateInvalid(
            f"{template.name}: not one object", wanted="one YAML mapping", saw=shapes or "nothing"
        )
    rendered: Object = found[0]
    return rendered
