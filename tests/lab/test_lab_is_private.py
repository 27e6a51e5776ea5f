"""A lab is its user's alone: who has no token gets nothing, and nobody else can connect or read."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE, S_ISSOCK

import aiohttp
import pytest

from tests.lab.apiserver.serving import TOKEN, Running, running
from tests.lab.small_lab import Lab, deployment, until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

LISTEN = "0A"  # the state of a socket in /proc/net/tcp
ROUTES = [
    "/",
    "/version",
    "/api",
    "/apis",
    "/api/v1",
    "/apis/apps/v1",
    "/openapi/v3",
    "/nothing",
    "/api/v1/namespaces/default/pods",
    "/api/v1/namespaces/default/pods?watch=true",
    "/api/v1/namespaces/default/pods/a/log?follow=true",
    "/api/v1/namespaces/default/pods/a/portforward?ports=80",
    "/api/v1/namespaces/kube-system/secrets",
    "/healthz/../api/v1/secrets",
    "//healthz",
    "/healthz/",
]
STRANGERS = {
    "nothing": None,
    "wrong": "Bearer wrong",
    "beginning": f"Bearer {TOKEN[:-1]}",
    "longer": f"Bearer {TOKEN}x",
    "no scheme": TOKEN,
    "other scheme": f"Basic {TOKEN}",
    "empty": "Bearer ",
    "case": f"Bearer {TOKEN.upper()}",
    "not ASCII": "Bearer tökén",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("lab")) as api:
        yield api


async def codes(api: Running, header: str | None, method: str) -> dict[str, tuple[int, str]]:
    """What each route answers: its status, and the reason in its body."""
    context = ssl.create_default_context(cadata=api.server.ca_pem)
    headers = {} if header is None else {"Authorization": header}
    found = {}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), headers=headers
    ) as session:
        for route in ROUTES:
            async with session.request(method, api.server.url + route) as answer:
                found[route] = (answer.status, (await answer.json())["reason"])
    return found


@pytest.mark.parametrize("header", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_stranger_is_refused_on_every_route(
    api: Running, header: str | None, method: str
) -> None:
    """Discovery, watches, logs and paths that lead nowhere included: 401 tells of nothing."""
    found = asyncio.run(codes(api, header, method))

    assert found == dict.fromkeys(ROUTES, (401, "Unauthorized"))


@pytest.mark.parametrize("header", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_gets_no_websocket(api: Running, header: str | None) -> None:
    """A port-forward is refused before it is upgraded."""
    headers = {} if header is None else {"Authorization": header}
    context = ssl.create_default_context(cadata=api.server.ca_pem)
    url = f"{api.server.url}/api/v1/namespaces/default/pods/a/portforward?ports=80"

    async def knock() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                await session.ws_connect(
                    url, headers=headers, ssl=context, protocols=("v4.channel.k8s.io",)
                )
            except aiohttp.WSServerHandshakeError as error:
                return error.status
        return 101

    assert asyncio.run(knock()) == 401


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.down()
    assert until(lambda: not lab.processes())


def listening(pid: int) -> set[str]:
    """The addresses, as the kernel writes them, on which a process listens for TCP."""
    sockets = {
        link.readlink().name
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    found = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        for fields in map(str.split, lines):
            if fields[3] == LISTEN and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found


def test_a_lab_listens_on_loopback_and_its_files_are_private(lab: Lab) -> None:
    """As the kernel tells it of the daemon; also in a directory that was open to others."""
    lab.directory.root.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        lab.up(deployment("web", replicas=1, marker=lab.marker))
    finally:
        os.umask(before)
    directory = lab.directory
    private = (directory.kubeconfig, directory.pod_kubeconfig, *sockets(lab))

    assert listening(lab.state().daemon.pid) == {"0100007F"}
    assert S_IMODE(directory.root.stat().st_mode) == 0o700
    assert {path.name: oct(S_IMODE(path.stat().st_mode)) for path in private} == {
        path.name: "0o600" for path in private
    }
    assert all(S_ISSOCK(path.stat().st_mode) for path in sockets(lab))


def sockets(lab: Lab) -> tuple[Path, Path]:
    return (lab.directory.api_socket, lab.directory.node_socket)
