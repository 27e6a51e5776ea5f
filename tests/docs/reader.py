"""A reader of the documents: a copy of what they would see, a lab, and clusters by their names.

``my-context`` and the cluster ``MY_CLUSTER`` of the pages are a second lab, so that what is said of
a cluster and what is said of the lab do not get into each other's way.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.chaosrun import BIN
from tests.docs.elsewhere import ELSEWHERE, without_comment

TOP = Path(__file__).resolve().parents[2]
needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="the pages use kubectl, which is not on the PATH"
)
FOLDERS = ("experiments", "templates", "deploy", "docs", "examples", "benchmarks")
FILES = ("Makefile", "README.md", "pyproject.toml", "constraints.txt", "mkdocs.yml")
NAMES = re.compile(r"\bPOD\b")
CLUSTERS = ("my-context", "MY_CLUSTER")
"""By what names the pages speak of a cluster of the reader's own; the first is a context, too."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A home, a lab and a cluster below ``root``; faults stand for so many ``seconds``."""

    root: Path
    seconds: str = "1"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.root / "home"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "KVCHAOS_LAB_DIR": str(self.root / "lab"),
            "KVCHAOS_FAULT_SECONDS": self.seconds,
            "KVCHAOS_TRAFFIC_SECONDS": "0",
            "KVCHAOS_RECOVERY_BUDGET": "4",
            "COLUMNS": "100",
        }

    @property
    def cluster(self) -> dict[str, str]:
        """The environment in which the lab is the one that stands for a cluster."""
        return self.environment | {"KVCHAOS_LAB_DIR": str(self.root / "cluster")}

    def copy(self, name: str) -> Path:
        """A folder with what a checkout has, in which a page may do as it likes."""
        folder = self.root / name
        folder.mkdir(parents=True)
        for each in filter(lambda name: (TOP / name).is_dir(), FOLDERS):
            shutil.copytree(TOP / each, folder / each)
        for each in filter(lambda name: (TOP / name).is_file(), FILES):
            shutil.copy(TOP / each, folder / each)
        (folder / ".venv").symlink_to(sys.prefix)
        return folder

    def names_clusters(self) -> None:
        """Write ``~/.kube/config`` with the clusters and users that the pages speak of."""
        lab = yaml.safe_load((self.root / "cluster" / "kubeconfig").read_text(encoding="utf-8"))
        cluster, user = lab["clusters"][0]["cluster"], lab["users"][0]["user"]
        context = {"cluster": CLUSTERS[0], "user": "admin"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CLUSTERS[0],
            "clusters": [{"name": name, "cluster": cluster} for name in CLUSTERS],
            "users": [{"name": name, "user": user} for name in ("admin", "kvchaos-runner")],
            "contexts": [{"name": CLUSTERS[0], "context": context}],
        }
        path = self.root / "home" / ".kube" / "config"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        path.chmod(0o600)


FIRST = 'import json, sys; print(min(each["name"] for each in json.load(sys.stdin)["pods"]))'
PROLOGUE = f"__engine() {{ kvchaos lab status --json | {sys.executable} -c '{FIRST}'; }}\n"
"""Defines what stands for ``POD``: the name of an engine's pod in the lab."""
DEAF = "kvchaos lab up --router-recovery none"
LONG_ENOUGH = "5"
"""Seconds of a cut that a router notices: by then its heartbeats have torn the connection."""


def typed(text: str) -> str:
    """What a reader types: the name of a pod for ``POD``, longer cuts where they have to tell."""
    there = ELSEWHERE.get(without_comment(text))
    if text == DEAF:
        return f"export KVCHAOS_FAULT_SECONDS={LONG_ENOUGH}; {text}"
    return there.instead if there else NAMES.sub("$(__engine)", text)


def kvchaos(environment: dict[str, str], *words: str) -> str:
    """What the command ``kvchaos`` says; it has to succeed."""
    done = subprocess.run(
        [BIN / "kvchaos", *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
