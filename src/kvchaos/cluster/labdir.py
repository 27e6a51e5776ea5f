"""Where this user's embedded lab keeps its files: one rule for the lab and for its clients.

Without the Kubernetes client, which takes longer to import than the rest of ``kvchaos lab up``.
"""

from __future__ import annotations

import os
from pathlib import Path


def lab_dir() -> Path:
    """``$KVCHAOS_LAB_DIR``, else ``kvchaos/lab`` under the state home; always absolute."""
    if told := os.environ.get("KVCHAOS_LAB_DIR"):
        return Path(told).absolute()
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state).absolute() / "kvchaos" / "lab"
