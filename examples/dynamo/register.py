"""Tell Dynamo's indexer anew of every engine that is there: ``python examples/dynamo/register.py``.

It follows nobody by itself, and keeps whoever is gone. The place is named as for experiments, by
``KUBERNETES_CONTEXT``, ``KVCHAOS_NAMESPACE``, ``KVCHAOS_ROUTER_SELECTOR`` and so on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import Any

import requests

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS
from kvchaos.cluster.portforward import Bridge
from kvchaos.settings import Settings, settings_from

VARIABLES = {
    "kubernetes_context": "KUBERNETES_CONTEXT",
    "namespace": "KVCHAOS_NAMESPACE",
    "engine_selector": "KVCHAOS_ENGINE_SELECTOR",
    "router_selector": "KVCHAOS_ROUTER_SELECTOR",
    "model": "KVCHAOS_MODEL",
    "event_port": "KVCHAOS_EVENT_PORT",
    "replay_port": "KVCHAOS_REPLAY_PORT",
    "router_port": "KVCHAOS_ROUTER_HTTP_PORT",
    "ranks": "KVCHAOS_RANKS",
    "block_size": "KVCHAOS_BLOCK_SIZE",
}


def main() -> None:
    """Forget the model's workers, then register each rank of each engine that is alive."""
    given = {name: os.environ[key] for name, key in VARIABLES.items() if key in os.environ}
    place = settings_from(given)
    with Cluster.connect(place.kubernetes_context) as cluster, Bridge(cluster) as bridge:
        engines = alive(cluster, place, place.engine_selector)
        routers = alive(cluster, place, place.router_selector)
        if len(routers) != 1:
            sys.exit(f"{len(routers)} pods with {place.router_selector}, wanted the indexer's")
        at = bridge.address(pods.name(routers[0]), place.router_port, namespace=place.namespace)
        ask = partial(answer, at)
        forget(place, ask)
        for engine in engines:
            for rank in range(place.ranks):
                ask("POST", "/register", worker(place, pods.address(engine), rank))
            sys.stdout.write(f"registered {pods.name(engine)} at {pods.address(engine)}\n")


def answer(at: str, method: str, path: str, body: Any = None) -> Any:
    """What the indexer says; raises when it refuses."""
    reply = requests.request(method, f"http://{at}{path}", json=body, timeout=5)
    reply.raise_for_status()
    return reply.json()


def alive(cluster: Cluster, place: Settings, labels: str) -> list[Any]:
    """The pods with these labels that are not on their way out."""
    found = cluster.list(PODS, namespace=place.namespace, labels=labels)
    return [pod for pod in found if pods.is_alive(pod)]


def forget(place: Settings, ask: Callable[..., Any]) -> None:
    """Unregister all workers of the model."""
    for known in ask("GET", "/workers"):
        if known["model_name"] == place.model:
            named = ("instance_id", "model_name", "routing_group")
            ask("POST", "/unregister", {key: known[key] for key in named})


def worker(place: Settings, address: str, rank: int) -> dict[str, Any]:
    """A rank of the engine at this address; its worker's number is the address."""
    return {
        "instance_id": int(ip_address(address)),
        "dp_rank": rank,
        "endpoint": f"tcp://{address}:{place.event_port + rank}",
        "replay_endpoint": f"tcp://{address}:{place.replay_port + rank}",
        "model_name": place.model,
        "block_size": place.block_size,
    }


if __name__ == "__main__":
    main()
