"""Where this user's lab is, without importing what a client of it needs."""

from __future__ import annotations

import os
from pathlib import Path

from kvchaos.lab.directory import LabDirectory


def lab_directory() -> LabDirectory:
    """``$KVCHAOS_LAB_DIR``, else ``kvchaos/lab`` under the state home.

    The same rule as ``kvchaos.cluster.config.lab_dir`` (a test compares them): that module
    imports the Kubernetes client, which takes longer than the rest of ``lab up``.
    """
    if told := os.environ.get("KVCHAOS_LAB_DIR"):
        return LabDirectory(Path(told).absolute())
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return LabDirectory(Path(state) / "kvchaos" / "lab")
