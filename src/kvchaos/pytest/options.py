"""The plugin's options: which cluster, what runs in a lab, the seed.

Every session of pytest reads this, so nothing of kvchaos is imported: the defaults are those of
``kvchaos.settings``, looked up when a test asks.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def add(parser: pytest.Parser) -> None:
    """Add them to pytest's own."""
    group = parser.getgroup("kvchaos", "chaos for KV-cache-aware gateways")
    group.addoption(
        "--kvchaos-context",
        help="A context of the kubeconfig; the default is an embedded lab for each worker.",
    )
    group.addoption("--kvchaos-namespace", help="Where engines are.")
    group.addoption("--kvchaos-engine-selector", help="Their label.")
    group.addoption("--kvchaos-router-selector", help="The router's label.")
    group.addoption("--kvchaos-router-adapter", help="What asks it: a name, or module:Name.")
    group.addoption("--kvchaos-seed", type=int, default=7, help="Decides prompts and events.")
    group.addoption("--kvchaos-engines", type=int, default=3, help="So many in a lab.")
    group.addoption(
        "--kvchaos-router-recovery",
        choices=("replay", "none"),
        default="replay",
        help="none: the lab's router neither replays nor notices restarts.",
    )
    group.addoption(
        "--kvchaos-manifests",
        type=Path,
        help="A kustomize folder that is applied in a lab, with a router of your own.",
    )
