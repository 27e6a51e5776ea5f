"""Where a worker's tests run: an embedded lab of its own, or a named context.

The rule: a lab's directory is new for each worker and nobody else's, and the lab ends with the
worker's process, however that ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kvchaos.cluster.client import Cluster
from kvchaos.report.folder import RunData, find_runs, read_run
from kvchaos.run.labstart import lab_in
from kvchaos.settings import LAB_CONTEXT, Settings

PLAY = 900.0  # seconds that an experiment may take


@dataclass(frozen=True, slots=True)
class Played:
    """What came of an experiment: exit code, what was printed, the run if one began."""

    code: int
    said: str
    run: RunData | None

    @property
    def status(self) -> str:
        """pass, fail, unknown, aborted or residue; empty when nothing was run."""
        return str(self.run.record["status"]) if self.run else ""


@dataclass(frozen=True, slots=True)
class Lab:
    """The cluster under test; ``directory`` is the lab's own, None for a named context."""

    context: str
    namespace: str
    engine_selector: str
    router_selector: str
    router_adapter: str
    seed: int
    directory: Path | None

    @property
    def configuration(self) -> dict[str, Any]:
        """What an experiment has to be told to run here."""
        return {
            "kubernetes_context": self.context,
            "namespace": self.namespace,
            "engine_selector": self.engine_selector,
            "router_selector": self.router_selector,
            "router_adapter": self.router_adapter,
            "seed": self.seed,
        }

    def run(
        self, experiment: str | Path, folder: Path, *, timeout: float = PLAY, **configuration: Any
    ) -> Played:
        """Play an experiment here by ``kvchaos run``, in ``folder``; a shipped name or a file.

        ``configuration`` changes keys of the experiment's own. Its rollbacks are played and its
        verdict is its exit code, as from a shell.
        """
        base = {f"KVCHAOS_{key.upper()}": str(told) for key, told in self.configuration.items()}
        variables = {**os.environ, **base, "KUBERNETES_CONTEXT": self.context}
        runs = folder / "kvchaos-runs"
        changed = [word for pair in configuration.items() for word in ("--var", _variable(*pair))]
        words = ["run", "--runs", str(runs), *changed, str(experiment)]
        done = subprocess.run(  # noqa: S603 - our own interpreter  # nosec B603
            [sys.executable, "-m", "kvchaos", *words],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        found = find_runs(runs) if runs.is_dir() else []
        return Played(
            done.returncode, done.stdout + done.stderr, read_run(found[-1]) if found else None
        )


@contextmanager
def opened(config: pytest.Config) -> Iterator[Lab]:
    """The worker's place; a lab is up within, and gone after."""
    context = str(config.getoption("kvchaos_context") or LAB_CONTEXT)
    if context != LAB_CONTEXT:
        with Cluster.connect(context) as cluster:
            cluster.version()
        yield _place(config, context, None)
        return
    directory = Path(tempfile.mkdtemp(prefix="kvchaos-lab-"))  # short: sockets are in it
    try:
        with lab_in(directory, *_shape(config)):
            yield _place(config, context, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _place(config: pytest.Config, context: str, directory: Path | None) -> Lab:
    usual = Settings()
    return Lab(
        context=context,
        namespace=str(config.getoption("kvchaos_namespace") or usual.namespace),
        engine_selector=str(config.getoption("kvchaos_engine_selector") or usual.engine_selector),
        router_selector=str(config.getoption("kvchaos_router_selector") or usual.router_selector),
        router_adapter=str(config.getoption("kvchaos_router_adapter") or usual.router_adapter),
        seed=int(config.getoption("kvchaos_seed")),
        directory=directory,
    )


def _shape(config: pytest.Config) -> list[str]:
    engines, recovery = config.getoption("kvchaos_engines"), "kvchaos_router_recovery"
    words = [f"--engines={engines}", f"--router-recovery={config.getoption(recovery)}"]
    manifests = config.getoption("kvchaos_manifests")
    return [*words, f"--manifests={manifests}"] if manifests else words


def _variable(key: str, value: object) -> str:
    """As ``--var`` takes it, with its type."""
    kind = {int: ":int", float: ":float"}.get(type(value), "")
    return f"{key}{kind}={value}"
