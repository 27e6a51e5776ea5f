"""What the Makefile does to all that it starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_modules_are_compiled_once_for_all_processes() -> None:
    """Also on a machine whose environment says otherwise."""
    done = subprocess.run(
        [
            "make",
            "--no-print-directory",
            "--eval=told: ; @echo [$$PYTHONDONTWRITEBYTECODE]",
            "told",
        ],
        cwd=TOP,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout == "[]\n"
