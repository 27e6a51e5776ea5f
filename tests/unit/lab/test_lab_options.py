"""What ``lab up`` changes in the manifests."""

from __future__ import annotations

from typing import Any

from kvchaos.lab.options import with_options


def deployment(role: str, **container: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app.kubernetes.io/name": role}},
        "spec": {"containers": [container]},
    }
    return {"kind": "Deployment", "spec": {"replicas": 1, "template": template}}


def test_engines_and_recovery_go_to_their_deployments_only() -> None:
    """The flag replaces the one there is; other objects pass as they are."""
    service = {"kind": "Service", "spec": {}}
    router = deployment("kvchaos-router", args=["--port=1", "--recovery=replay"])
    bare = deployment("kvchaos-router", command=["kvchaos", "router"])
    other = deployment("other", args=[])
    engine = deployment("kvchaos-engine")

    changed = with_options([service, router, bare, engine, other], engines=5, recovery="none")

    assert changed == [
        {"kind": "Service", "spec": {}},
        deployment("kvchaos-router", args=["--port=1", "--recovery=none"]),
        deployment("kvchaos-router", command=["kvchaos", "router", "--recovery=none"]),
        {**engine, "spec": {**engine["spec"], "replicas": 5}},
        deployment("other", args=[]),
    ]
