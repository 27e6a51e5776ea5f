"""Go's duration texts, as Chaos Mesh reads them."""

from __future__ import annotations

import re

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"[-+]?(?:0|(?:{_PART.pattern})+)")


def go_duration(text: str) -> float | None:
    """Seconds; None for what Go's ParseDuration refuses (``""`` and ``30`` too)."""
    if not _WHOLE.fullmatch(text):
        return None
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total
