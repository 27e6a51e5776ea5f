"""Where the lab is: one rule for the lab and for its clients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kvchaos.cluster.labdir import lab_dir


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ".local/state/kvchaos/lab"),
        ({"XDG_STATE_HOME": "state"}, "state/kvchaos/lab"),
        ({"XDG_STATE_HOME": "state", "KVCHAOS_LAB_DIR": "mine"}, "mine"),
    ],
)
def test_lab_directory_follows_the_environment(
    environment: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Own variable first, then the state home; a relative path is one from here."""
    for name in ("KVCHAOS_LAB_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert lab_dir() == tmp_path / expected


def test_the_command_lab_does_without_the_kubernetes_client() -> None:
    """It takes longer to import than the rest of ``kvchaos lab up``."""
    program = "import sys, kvchaos.lab.commands; print('kubernetes' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "False\n"
