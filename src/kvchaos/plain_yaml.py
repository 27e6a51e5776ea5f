"""YAML as far as it is JSON in other clothes: plain values, no references, no tags of its own.

The rule guarded here: the value is no larger than its text. An alias is a reference, and a few
lines of references to references are a value of any size, so there are none; tags that make
Python objects are unknown. Whatever else is wrong with a text is ``Unreadable`` as well.
"""

from __future__ import annotations

from typing import Any

import yaml

from kvchaos.untrusted import Unreadable

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
    """The safe one, without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise Unreadable("an alias is not for here: write the value out")
        return super().compose_node(parent, index)


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
