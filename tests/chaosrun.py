"""Runs shipped experiments as a user does: the command ``chaos run``, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvchaos.assets import asset

BIN = Path(sys.executable).parent
EXPERIMENTS = ("network-partition", "pod-kill", "engine-restart", "router-restart")
Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``chaos run`` left: its exit code, what it printed, its journal."""

    code: int
    said: str
    journal: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The verdict that the control wrote into the journal."""
        return str(self.journal["kvchaos"]["verdict"])


def chaos_run(experiment: Path | str, folder: Path, environment: Environment) -> Outcome:
    """Run a shipped experiment by its name, or any by its path, with ``folder`` as the place."""
    path = (
        experiment if isinstance(experiment, Path) else asset("experiments", f"{experiment}.json")
    )
    journal = folder / "journal.json"
    done = subprocess.run(
        [BIN / "chaos", "--no-version-check", "run", "--journal-path", journal, path],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=170,
        check=False,
    )
    written = json.loads(journal.read_text()) if journal.exists() else {}
    return Outcome(done.returncode, done.stdout, written)


def kvchaos(
    environment: Environment, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The command ``kvchaos``, ended; its output as text."""
    return subprocess.run(
        [BIN / "kvchaos", *arguments],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
