"""Engines and router on a real cluster in a namespace of the test's own, and what is seen there."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kvchaos.assets import asset
from kvchaos.clock import SystemClock, poll
from tests.chaosrun import BIN

CONTEXT = os.environ.get("KVCHAOS_E2E_CONTEXT", "")
MESH = "chaos-mesh"
DAEMON = "app.kubernetes.io/component=chaos-daemon"
AWAY = "kvchaos-e2e-away"
CLOCK = SystemClock()
# "open" or "cut" for each address given, by a TCP connection to the engine's event port
DIAL = """
import socket, sys
for address in sys.argv[1:]:
    try:
        socket.create_connection((address, 5557), timeout=1).close()
        print("open")
    except OSError:
        print("cut")
"""


def kubectl(*arguments: str, timeout: float = 120, text: str | None = None) -> str:
    """What kubectl said; fails with its complaint."""
    done = subprocess.run(
        ["kubectl", "--context", CONTEXT, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        input=text,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(kind: str, namespace: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(kubectl("get", kind, "-n", namespace, "-o", "json"))[
        "items"
    ]
    return found


def until(read: Callable[[], Any], *, timeout: float = 30.0) -> Any:
    """What ``read`` gave once it was true; fails with the last value when time is out."""
    value, waited = poll(read, bool, timeout=timeout, every=0.3, clock=CLOCK)
    assert value, f"still {value!r} after {waited:.1f} s"
    return value


@dataclass(frozen=True)
class Place:
    """A namespace with engines and a router that are ready."""

    namespace: str

    def environment(self, **more: str) -> dict[str, str]:
        """What an experiment is told to run here."""
        return os.environ | {
            "KUBERNETES_CONTEXT": CONTEXT,
            "KVCHAOS_NAMESPACE": self.namespace,
            "COLUMNS": "100",
            **more,
        }

    def links(self) -> list[str]:
        """``open`` or ``cut`` for the link from the router to each engine."""
        addresses = [
            pod["status"]["podIP"]
            for pod in listed("pods", self.namespace)
            if pod["metadata"]["labels"]["app.kubernetes.io/name"] == "kvchaos-engine"
            and not pod["metadata"].get("deletionTimestamp")
        ]
        told = ("exec", "deployment/kvchaos-router", "-n", self.namespace, "--", "python3", "-c")
        return sorted(kubectl(*told, DIAL, *addresses).split())

    def faults(self) -> list[dict[str, Any]]:
        return listed("networkchaos", self.namespace)

    def sources(self) -> set[str]:
        """The faults that have rules in a pod here."""
        return {
            entry["source"]
            for rules in listed("podnetworkchaos", self.namespace)
            for entries in rules["spec"].values()
            for entry in entries
        }

    def is_cut(self) -> bool:
        return "cut" in self.links()

    def reap(self, *arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """``kvchaos reap`` in this namespace, ended; its output as text."""
        return subprocess.run(
            [BIN / "kvchaos", "reap", "--namespace", self.namespace, *arguments],
            cwd=cwd,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def apply(self, *bodies: dict[str, Any]) -> None:
        kubectl("apply", "-f", "-", text=yaml.safe_dump_all(bodies))

    def fault(self, run: str, **spec: Any) -> dict[str, Any]:
        """A network fault between one engine and the router, as a run would send it."""
        place = {"namespaces": [self.namespace], "podPhaseSelectors": ["Running"]}
        router = {"labelSelectors": {"app.kubernetes.io/name": "kvchaos-router"}, **place}
        return {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": "NetworkChaos",
            "metadata": {
                "name": f"by-hand-{run}",
                "namespace": self.namespace,
                "labels": {"kvchaos.io/run": run},
            },
            "spec": {
                "direction": "both",
                "duration": "300s",
                "mode": "one",
                "selector": {
                    "labelSelectors": {"app.kubernetes.io/name": "kvchaos-engine"},
                    **place,
                },
                "target": {"mode": "all", "selector": router},
                **spec,
            },
        }

    def kubeconfig(self, account: str, path: Path) -> Path:
        """A kubeconfig of the same context with that service account's token."""
        raw = ("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        config = json.loads(kubectl(*raw))
        token = kubectl("create", "token", account, "-n", self.namespace, "--duration=1h").strip()
        (user,) = config["users"]
        user["user"] = {"token": token}
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), encoding="utf-8")
        return path


@contextmanager
def placed(tmp: Path, *parts: str) -> Iterator[Place]:
    """The test overlay, and more parts of ``deploy/``, in a namespace that is gone afterwards."""
    place = Place(f"kvchaos-e2e-{uuid.uuid4().hex[:6]}")
    folders = [asset("deploy", "overlays", "test"), *(asset("deploy", part) for part in parts)]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": place.namespace,
        "resources": [os.path.relpath(folder, tmp) for folder in folders],
        "images": [{"name": "kvchaos", "newName": "localhost/kvchaos", "newTag": "dev"}],
    }
    (tmp / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    try:
        kubectl("apply", "-k", str(tmp))
        for name in ("kvchaos-engine", "kvchaos-router"):
            kubectl(
                *("rollout", "status", f"deployment/{name}"),
                *("-n", place.namespace, "--timeout=90s"),
            )
        yield place
    finally:
        place.reap("--all", cwd=tmp)
        kubectl("delete", "namespace", place.namespace, "--wait=true", "--timeout=90s")


@contextmanager
def without_daemon() -> Iterator[None]:
    """No chaos-daemon on any node; it is back afterwards, whatever happens."""
    patch = {"spec": {"template": {"spec": {"nodeSelector": {AWAY: "true"}}}}}
    daemons = ("ds/chaos-daemon", "-n", MESH)
    try:
        kubectl("patch", *daemons, "--type=merge", "-p", json.dumps(patch))
        kubectl("wait", "--for=delete", "pod", "-l", DAEMON, "-n", MESH, "--timeout=60s")
        yield
    finally:
        bring_daemon_back()


def bring_daemon_back() -> None:
    """Take our node selector away, if it is there, and wait until a daemon is ready."""
    patch = {"spec": {"template": {"spec": {"nodeSelector": {AWAY: None}}}}}
    daemons = ("ds/chaos-daemon", "-n", MESH)
    kubectl("patch", *daemons, "--type=merge", "-p", json.dumps(patch))
    kubectl("rollout", "status", *daemons, "--timeout=60s")
