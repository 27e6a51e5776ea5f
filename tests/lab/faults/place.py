"""A lab that stays up, and the short experiment whose runs are disturbed in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kvchaos.assets import asset
from tests.chaosrun import BIN, kvchaos
from tests.lab.faults.truth import Truth

Json = dict[str, Any]

QUIET = {"chaos": ["--no-version-check"], "kvchaos": []}
SHORT = {
    "KVCHAOS_FAULT_SECONDS": "2",
    "KVCHAOS_FAULT_DURATION": "30s",
    "KVCHAOS_RECOVERY_BUDGET": "10",
}
"""A cut that is soon healed, and that nothing but kvchaos ends while one is looking."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for runs, its lab, and the environment that leads nowhere else."""

    root: Path
    environment: Mapping[str, str]

    @property
    def truth(self) -> Truth:
        return Truth(Path(self.environment["KVCHAOS_LAB_DIR"]))

    def start(
        self,
        folder: Path,
        experiment: Path,
        *,
        program: str = "chaos",
        environment: Mapping[str, str] | None = None,
    ) -> Started:
        """``chaos run`` of ``experiment`` in ``folder``, which it makes; not waited for.

        ``program`` may be ``kvchaos`` as well: it has the same verb.
        """
        folder.mkdir(parents=True, exist_ok=True)
        said = (folder / "said.txt").open("wb")
        command = [str(BIN / program), *QUIET[program], "run"]
        process = subprocess.Popen(
            [*command, "--journal-path", "journal.json", str(experiment)],
            cwd=folder,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        return Started(process, folder, said, program)

    def reap(self, *how: str) -> subprocess.CompletedProcess[str]:
        """``kvchaos reap`` in this lab."""
        return kvchaos(self.environment, "reap", "--context", "kvchaos-lab", *how)


@dataclass(slots=True)
class Started:
    """A run's process, its folder, and where it writes what it says."""

    process: subprocess.Popen[bytes]
    folder: Path
    said: IO[bytes]
    program: str
    stuck: bool = field(default=False)

    def end(self, *, within: float) -> int:
        """Its exit code; a process that has not ended in time is ``stuck`` and killed."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.stuck = True
            self.process.kill()
            self.process.wait()
        self.said.close()
        return self.process.returncode


@contextmanager
def place(root: Path) -> Iterator[Place]:
    """A lab under ``root``, up until the block ends."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KVCHAOS_")}
    environment = (
        kept
        | SHORT
        | {
            "KVCHAOS_LAB_DIR": str(root / "lab"),
            "KUBERNETES_CONTEXT": "kvchaos-lab",
            "KUBECONFIG": str(root / "none"),
            "COLUMNS": "100",
        }
    )
    root.mkdir(parents=True, exist_ok=True)
    up = kvchaos(environment, "lab", "up")
    assert up.returncode == 0, up.stderr
    try:
        yield Place(root, environment)
    finally:
        kvchaos(environment, "lab", "down")


def short_partition(folder: Path, **method: Json) -> Path:
    """The shipped partition with little to warm and little patience, as a file in ``folder``.

    ``method`` replaces arguments of its functions: ``inject_fault={"timeout": 5}``.
    """
    experiment = json.loads(asset("experiments", "network-partition.json").read_text())
    changes: dict[str, Json] = {
        "warm_engines": {"prefixes": 2, "blocks": 4},
        "inject_fault": {"timeout": 8},
        "recover_fault": {"timeout": 8},
        "fault_in_effect": {"within": 8},
        "flush_engines": {"within": 8},
        **method,
    }
    for activity in (*experiment["method"], *experiment["rollbacks"]):
        provider = activity["provider"]
        provider.setdefault("arguments", {}).update(changes.get(provider["func"], {}))
    path = folder / "experiment.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(experiment))
    return path


def hear_signals() -> None:
    """Let the runs that are started from here hear SIGINT and SIGHUP: both may be inherited
    ignored, from a shell's background or from nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
