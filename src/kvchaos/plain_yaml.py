"""YAML as far as it is JSON in other clothes: plain values, no references, no tags of its own.

The rule guarded here: the value is no larger than its text, and all of the text is in it. An alias
is a reference, and a few lines of references to references are a value of any size, so there are
none; tags that make Python objects are unknown; of two equal keys one would be lost, so there are
no two. Whatever else is wrong with a text is ``Unreadable`` as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from kvchaos.untrusted import Unreadable

Place = tuple[str | int, ...]
"""The keys, and the numbers in lists from 0, that lead to a value."""

_FAULTS = (  # what PyYAML's constructors raise for tags that do not fit their values
    yaml.YAMLError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class _Loader(yaml.SafeLoader):
    """The safe one, without aliases and with each key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise Unreadable("an alias is not for here: write the value out")
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        found = super().compose_mapping_node(anchor)
        _ensure_distinct(found)
        return found


def documents(text: str | bytes, *, references: bool = False) -> list[Any]:
    """Every document in ``text``; with aliases where ``references`` may be: who reads on in such
    a value, and copies nothing of it, is safe.
    """
    try:
        return list(yaml.load_all(text, Loader=yaml.SafeLoader if references else _Loader))
    except Unreadable:
        raise
    except _FAULTS as error:
        raise Unreadable(" ".join(str(error).split())) from error


def document(text: str | bytes, *, references: bool = False) -> Any:
    """The one document in ``text``; None in an empty one."""
    found = documents(text, references=references)
    if len(found) > 1:
        raise Unreadable(f"{len(found)} documents instead of one")
    return found[0] if found else None


def lines(text: str) -> Mapping[Place, int]:
    """The lines, from 1, in which the keys and the list items of the one document begin."""
    try:
        top = yaml.compose(text, Loader=_Loader)
        return dict(_lines(top, ())) if top else {}
    except _FAULTS as error:
        raise Unreadable(" ".join(str(error).split())) from error


def _ensure_distinct(mapping: yaml.MappingNode) -> None:
    """Unreadable when two keys of it are the same text, or the same number, and so on."""
    seen: dict[tuple[str, str], int] = {}
    for key in (key for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)):
        if (key.tag, key.value) in seen:
            why = f"the key {key.value!r} is there already, in line {seen[key.tag, key.value]}"
            raise Unreadable(f"line {_line(key)}: {why}")
        seen[key.tag, key.value] = _line(key)


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, str(key.value))
            yield here, _line(key)
            yield from _lines(value, here)
    if isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            here = (*place, number)
            yield here, _line(each)
            yield from _lines(each, here)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
