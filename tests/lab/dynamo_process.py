"""NVIDIA Dynamo's standalone indexer as a real process on loopback.

``KVCHAOS_DYNAMO_PYTHON`` names a Python that has ``ai-dynamo-runtime`` (1.6.1 was tried). Digests
as hashes are left out of the tests: that release reads 64-bit numbers only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from kvchaos.clock import poll
from tests.lab.sim_processes import CLOCK, HOST, STARTED, EngineProcess, free_port

PYTHON = os.environ.get("KVCHAOS_DYNAMO_PYTHON", "")
MODEL = "kvchaos-demo"

needs_dynamo = pytest.mark.skipif(
    not PYTHON, reason="KVCHAOS_DYNAMO_PYTHON names no Python with Dynamo"
)


class IndexerProcess:
    """Dynamo's indexer, as whoever runs it speaks with it."""

    def __init__(self, log: Path) -> None:
        port = free_port()
        self.address = f"{HOST}:{port}"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "dynamo.indexer", "--port", str(port)], stdout=file, stderr=file
            )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"http://{self.address}/health", timeout=1).ok
        return False

    def register(
        self,
        engine: EngineProcess,
        *,
        rank: int = 0,
        instance: int = 1,
        port: int | None = None,
        replay: bool = True,
    ) -> None:
        """Let it follow one rank of ``engine``, at ``port`` if not at its own."""
        worker = {
            "instance_id": instance,
            "dp_rank": rank,
            "endpoint": f"tcp://{HOST}:{port or engine.events + rank}",
            "model_name": MODEL,
            "block_size": 16,
        }
        if replay:
            worker["replay_endpoint"] = f"tcp://{HOST}:{engine.replay + rank}"
        self.post("/register", worker)

    def unregister(self, *, instance: int = 1) -> None:
        """Let it forget all ranks of an engine."""
        self.post("/unregister", {"instance_id": instance, "model_name": MODEL})

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"http://{self.address}{path}", json=body, timeout=5)
        answer.raise_for_status()
        value: dict[str, Any] = answer.json()
        return value


@contextmanager
def running_indexer(log: Path) -> Iterator[IndexerProcess]:
    """One that answers, until the end of the block."""
    indexer = IndexerProcess(log)
    try:
        healthy, _ = poll(indexer.is_healthy, bool, timeout=STARTED, every=0.1, clock=CLOCK)
        assert healthy, log.read_text()
        yield indexer
    finally:
        indexer.stop()
