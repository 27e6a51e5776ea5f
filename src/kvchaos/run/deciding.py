"""The keys by which our probes' answers are judged, and what it means when one is null. Pure."""

from __future__ import annotations

DECIDING = (
    "agrees", "visible", "followed", "recovered", "complete", "clean", "effect", "failed",
)  # fmt: skip


def cannot_say(output: object) -> bool:
    """Whether a probe answered that it does not know: its deciding key is null."""
    return isinstance(output, dict) and any(output.get(key, "") is None for key in DECIDING)
