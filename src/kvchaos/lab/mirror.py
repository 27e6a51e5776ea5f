"""Mirror pods: objects that only tell of what runs without them, marked as static pods' are."""

from __future__ import annotations

from typing import Any

MIRROR = "kubernetes.io/config.mirror"


def is_mirror(pod: dict[str, Any]) -> bool:
    """Whether the pod has no process of its own."""
    return MIRROR in (pod["metadata"].get("annotations") or {})
