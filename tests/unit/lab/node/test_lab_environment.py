"""The variables of a container."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kvchaos.lab.node.environment import base, environment, field

POD: dict[str, Any] = {
    "metadata": {
        "name": "engine-0",
        "namespace": "kvchaos",
        "uid": "u-1",
        "labels": {"app.kubernetes.io/name": "engine"},
    },
    "spec": {"nodeName": "kvchaos-lab", "serviceAccountName": "router"},
    "status": {"podIP": "10.244.0.2", "podIPs": [{"ip": "10.244.0.2"}]},
}
STORED = {
    ("configmaps", "settings"): {"COLOUR": "red", "SIZE": "3"},
    ("secrets", "token"): {"TOKEN": "s3cret"},
}


async def read(plural: str, name: str) -> Mapping[str, str]:
    return STORED[plural, name]


def made(container: dict[str, Any]) -> dict[str, str]:
    return asyncio.run(environment(container, POD, base={"BASE": "b"}, read=read))


def test_values_fields_and_keys_come_in_their_order() -> None:
    """Later entries may refer to earlier ones; unknown references stay as they are."""
    container = {
        "env": [
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "GREETING", "value": "hello $(POD) $(NOBODY) $(BASE)"},
            {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "SIZE"}}},
            {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "token", "key": "TOKEN"}}},
            {"name": "EMPTY"},
        ]
    }

    assert made(container) == {
        "BASE": "b",
        "POD": "engine-0",
        "GREETING": "hello engine-0 $(NOBODY) b",
        "KEY": "3",
        "PASS": "s3cret",
        "EMPTY": "",
    }


def test_whole_maps_come_before_single_values() -> None:
    """``envFrom`` with its prefix, overridden by ``env``."""
    container = {
        "envFrom": [
            {"prefix": "C_", "configMapRef": {"name": "settings"}},
            {"secretRef": {"name": "token"}},
        ],
        "env": [{"name": "C_SIZE", "value": "4"}],
    }

    assert made(container) == {"BASE": "b", "C_COLOUR": "red", "C_SIZE": "4", "TOKEN": "s3cret"}


def test_fields_are_those_of_the_downward_api() -> None:
    """Paths into the pod, subscripts for labels, lists with commas; empty when absent."""
    paths = [
        "metadata.namespace",
        "metadata.uid",
        "metadata.labels['app.kubernetes.io/name']",
        "metadata.annotations['none']",
        "spec.nodeName",
        "status.podIP",
        "status.podIPs",
        "status.nothing",
    ]

    assert [field(POD, path) for path in paths] == [
        "kvchaos", "u-1", "engine", "", "kvchaos-lab", "10.244.0.2", "10.244.0.2", "",
    ]  # fmt: skip


def test_every_pod_can_reach_the_api() -> None:
    """A kubeconfig and the service variables, whatever its spec says."""
    variables = base(POD, Path("/lab/pod-kubeconfig"))

    assert {name: variables[name] for name in ("KUBECONFIG", "HOSTNAME")} == {
        "KUBECONFIG": "/lab/pod-kubeconfig",
        "HOSTNAME": "engine-0",
    }
    assert variables["KUBERNETES_SERVICE_HOST"] == "10.244.0.1"
    assert variables["KUBERNETES_SERVICE_PORT"] == "6443"
