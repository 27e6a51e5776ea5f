"""A client of the API server under test, on its unix socket, as the lab's controllers are."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.lab.apiserver.serving import Running

PODS = "/api/v1/namespaces/default/pods"


@asynccontextmanager
async def client(api: Running) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that gives up after 30 s."""
    connector = aiohttp.UnixConnector(path=str(api.unix_path))
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession("http://lab", connector=connector, timeout=timeout) as session:
        yield session


async def make_running(session: aiohttp.ClientSession, name: str) -> None:
    """A pod of that name that says it runs."""
    body = {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    async with session.post(PODS, json=body) as made:
        assert made.status in {201, 409}
    headers = {"Content-Type": "application/merge-patch+json"}
    status = json.dumps({"status": {"phase": "Running"}})
    async with session.patch(f"{PODS}/{name}/status", data=status, headers=headers) as patched:
        assert patched.status == 200
