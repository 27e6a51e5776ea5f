"""What engines say of themselves at ``/metrics``, in the text format of Prometheus.

vLLM names its cache's settings as labels: ``vllm:cache_config_info{block_size="16",...} 1.0``, a
line for each rank. The rule: who says nothing, or cannot be asked, is left out and never guessed.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Protocol

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.errors import KVChaosError
from kvchaos.untrusted import MIB, Unreadable, whole

MOST = 8  # engines that are asked, and at once; a hundred of them are made alike
PATIENCE = 2.0  # seconds for each wait
LARGEST = 16 * MIB  # bytes of a page
CHUNK = 2**16
_BLOCK_SIZE = re.compile(
    rb'^vllm:cache_config_info(?=\{)[^\n]*?[{,] *block_size="(\d{1,9})"', re.MULTILINE
)


class Ports(Protocol):
    """What is needed of a cluster's client."""

    def open_port(self, pod: str, port: int, *, namespace: str) -> socket.socket: ...


def told_block_sizes(
    cluster: Ports, engines: Sequence[Object], port: int
) -> dict[str, frozenset[int]]:
    """Tokens of a block, as each of the first engines says, by its pod; mostly one number each."""
    asked = engines[:MOST]
    with ThreadPoolExecutor(MOST, "kvchaos-metrics") as pool:
        pages = list(pool.map(lambda pod: _page(cluster, pod, port), asked))
    told = {pods.name(pod): block_sizes(page) for pod, page in zip(asked, pages, strict=True)}
    return {name: sizes for name, sizes in told.items() if sizes}


def block_sizes(page: bytes) -> frozenset[int]:
    """Every size that a page names; none if it is not vLLM's."""
    return frozenset(size for found in _BLOCK_SIZE.findall(page) if (size := int(found)))


def _page(cluster: Ports, pod: Object, port: int) -> bytes:
    """An engine's metrics; empty when it has none, or they cannot be read."""
    try:
        stream = cluster.open_port(
            pods.name(pod), port, namespace=str(pod["metadata"]["namespace"])
        )
        with stream:
            return _read(stream)
    except (KVChaosError, HTTPException, OSError, Unreadable):
        return b""


def _read(stream: socket.socket) -> bytes:
    stream.settimeout(PATIENCE)
    link = HTTPConnection("engine", timeout=PATIENCE)
    link.sock = stream
    link.request("GET", "/metrics", headers={"Connection": "close"})
    with link.getresponse() as reply:
        return whole(iter(partial(reply.read, CHUNK), b""), LARGEST)
