"""Chaos experiments for KV-cache-aware LLM gateways: did the prefix index recover?"""

from __future__ import annotations

from typing import Any

__all__ = ["discover"]


def discover(discover_system: bool = True) -> dict[str, Any]:
    """What ``chaos discover kvchaos`` lists: every action, probe and control hook, documented."""
    from kvchaos.discovery import discovered  # noqa: PLC0415 - a pod must not load chaoslib

    return discovered()
