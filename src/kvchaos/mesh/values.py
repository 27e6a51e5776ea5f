"""The values of a fault template, as experiments may write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kvchaos.errors import TemplateInvalid

LABELS = frozenset({"labels", "source", "target"})
"""Variables that hold labels: an object, or text as kubectl takes it, ``a=b,c=d``."""


def template_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with labels written as text made into objects."""
    return {
        name: labels_of(value) if name in LABELS and isinstance(value, str) else value
        for name, value in values.items()
    }


def labels_of(text: str) -> dict[str, str]:
    """``a=b,c=d`` as an object; ``TemplateInvalid`` for a selector that is more than labels."""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if not pairs or any(
        not equals or not key or key.endswith("!") or value.startswith("=")
        for key, equals, value in pairs
    ):
        raise TemplateInvalid("labels", wanted="label=value, separated by commas", saw=repr(text))
    return {key: value for key, _, value in pairs}
