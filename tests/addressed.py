"""Engines' pods that have an address of their own in the cluster's network."""

from __future__ import annotations

from kvchaos.cluster.kinds import Object
from tests.run_world import engine_pod


def engine_at(address: str, name: str, **metadata: str) -> Object:
    """One that runs there; a ``deletionTimestamp`` makes it one that is about to go."""
    body = engine_pod(name)
    body["status"]["podIP"] = address
    body["metadata"] |= metadata
    return body
