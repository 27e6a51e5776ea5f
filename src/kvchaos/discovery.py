"""What Chaos Toolkit can discover of kvchaos: its actions, probes and controls."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from chaoslib.discovery.discover import (
    discover_actions,
    discover_activities,
    discover_probes,
    initialize_discovery_result,
)


def discovered() -> dict[str, Any]:
    """Chaos Toolkit's discovery document: one entry for each function that experiments name."""
    found: dict[str, Any] = initialize_discovery_result("kvchaos", version("kvchaos"), "kvchaos")
    found["activities"] = [
        *discover_actions("kvchaos.actions"),
        *discover_probes("kvchaos.probes"),
        *discover_activities("kvchaos.control", "control"),
    ]
    return found
