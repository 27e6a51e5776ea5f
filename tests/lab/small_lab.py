"""A lab of a test's own: its directory, its commands, its API, and its processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kvchaos.clock import SystemClock, poll
from kvchaos.errors import NotFound
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.socketclient import SocketClient
from kvchaos.lab.state import LabState, read_state

CLOCK = SystemClock()
PATIENCE = 30.0
SERVE = (Path(__file__).parent / "answering.py").read_text(encoding="utf-8")


def until(read: Any, *, timeout: float = PATIENCE) -> Any:
    """What ``read`` gave once it was true; fails with the last value when time is out."""
    value, waited = poll(read, bool, timeout=timeout, every=0.05, clock=CLOCK)
    assert value, f"still {value!r} after {waited:.1f} s"
    return value


def deployment(name: str, *, replicas: int, marker: str, **container: Any) -> dict[str, Any]:
    """Pods that answer ``hello`` on TCP 7000; ``marker`` is in their command line."""
    labels = {"app": name}
    spec = {
        "name": "c",
        "image": "any:dev",
        "command": ["python3", "-c", SERVE, marker],
        "readinessProbe": {"tcpSocket": {"port": 7000}, "periodSeconds": 1},
        **container,
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [spec]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "kvchaos"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


@dataclass
class Lab:
    """A directory in which a lab may be up, and what a user does with it."""

    root: Path
    marker: str = field(default_factory=lambda: f"marker-{uuid.uuid4().hex}")
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    user: int | None = None

    @property
    def directory(self) -> LabDirectory:
        return LabDirectory(self.root / "lab")

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """``kvchaos lab WORDS``."""
        environment = {
            **os.environ,
            "KVCHAOS_LAB_DIR": str(self.directory.root),
            **self.environment,
        }
        return subprocess.run(
            [self.python, "-m", "kvchaos.lab", *words],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            user=self.user,
        )

    def up(self, *objects: dict[str, Any], timeout: float = 30) -> None:
        """Up with these objects in place of the shipped ones; skips where the kernel refuses."""
        done = self.try_up(*objects, timeout=timeout)
        if "the kernel refuses" in done.stderr:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr

    def try_up(
        self, *objects: dict[str, Any], timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        manifests = self.root / "manifests"
        manifests.mkdir(exist_ok=True, mode=0o755)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kvchaos"}}
        (manifests / "all.yaml").write_text(yaml.safe_dump_all([namespace, *objects]))
        (manifests / "kustomization.yaml").write_text("resources: [all.yaml]")
        return self.run("up", "--manifests", str(manifests), "--timeout", str(timeout))

    def down(self) -> None:
        done = self.run("down")
        assert done.returncode == 0, done.stderr

    def state(self) -> LabState:
        state = read_state(self.directory)
        assert state is not None
        return state

    def processes(self) -> list[int]:
        """Every process of this lab: daemon, node and pods."""
        return mentioning(self.marker) + mentioning(str(self.directory.root))

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        kind = "application/merge-patch+json" if method == "PATCH" else ""
        client = SocketClient(self.directory.api_socket)
        return client.request(method, path, body=body, content_type=kind)

    def pods(self, app: str) -> list[dict[str, Any]]:
        path = f"/api/v1/namespaces/kvchaos/pods?labelSelector=app%3D{app}"
        found: list[dict[str, Any]] = self.request("GET", path)["items"]
        return found

    def chaos(self, kind: str, name: str = "") -> dict[str, Any] | None:
        """A Chaos Mesh object of the namespace as it is now; None when there is none."""
        tail = f"/{name}" if name else ""
        path = f"/apis/chaos-mesh.org/v1alpha1/namespaces/kvchaos/{kind}{tail}"
        try:
            return self.request("GET", path)
        except NotFound:
            return None

    def fault(self, kind: str, name: str, **spec: Any) -> None:
        """Create a fault."""
        body = {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": {"networkchaos": "NetworkChaos", "podchaos": "PodChaos"}[kind],
            "metadata": {"name": name, "namespace": "kvchaos"},
            "spec": spec,
        }
        self.request("POST", f"/apis/chaos-mesh.org/v1alpha1/namespaces/kvchaos/{kind}", body)

    def status(self) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return seen


def mentioning(text: str) -> list[int]:
    """The pids of all processes with ``text`` in their command line, but this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in command:
            found.append(int(entry.name))
    return found
