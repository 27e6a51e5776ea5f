"""The API server on its sockets: TLS, token, streams, limits, and the end of it all."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests

from kvchaos.lab.apiserver.kinds import SECRETS
from tests.lab.apiserver.serving import TOKEN, Running, running
from tests.lab.apiserver.speaking_http import PODS, client, make_running

pytestmark = pytest.mark.lab

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


async def until(holds: Callable[[], bool]) -> None:
    """Return once something is so; fails after 10 s."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is looked at tells nobody when it changes
            await asyncio.sleep(0.01)


def test_tls_is_by_the_labs_own_authority(api: Running, tmp_path: Path) -> None:
    """The kubeconfig's certificate is enough, and without it nobody connects."""
    ca = tmp_path / "ca.pem"
    ca.write_text(api.server.ca_pem)
    headers = {"Authorization": f"Bearer {TOKEN}"}

    trusted = requests.get(f"{api.server.url}/version", headers=headers, verify=str(ca), timeout=5)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{api.server.url}/version", headers=headers, timeout=5)

    assert trusted.json()["gitVersion"].startswith("v1.34")


@pytest.mark.parametrize("header", ["", "Bearer wrong", TOKEN, "Basic eA=="])
def test_wrong_token_is_unauthorized(api: Running, tmp_path: Path, header: str) -> None:
    """401 with a Status; only health is open to all."""
    ca = tmp_path / "ca.pem"
    ca.write_text(api.server.ca_pem)
    headers = {"Authorization": header} if header else {}

    refused = requests.get(f"{api.server.url}{PODS}", headers=headers, verify=str(ca), timeout=5)
    health = requests.get(f"{api.server.url}/healthz", verify=str(ca), timeout=5)

    assert (refused.status_code, refused.json()["reason"]) == (401, "Unauthorized")
    assert (health.status_code, health.text) == (200, "ok")


def test_unix_socket_is_this_users_alone(api: Running) -> None:
    """It asks for no token, so its mode must."""
    mode = api.unix_path.stat().st_mode

    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)


def test_listens_on_loopback_only(api: Running) -> None:
    """Nobody else on the network sees the lab."""
    assert api.server.url.startswith("https://127.0.0.1:")


def test_body_beyond_the_limit_is_refused(api: Running) -> None:
    """3 MiB, as the real server; just below is taken."""

    async def post(size: int) -> tuple[int, str]:
        body = {"metadata": {"generateName": "big-"}, "data": {"k": "x" * size}}
        data = io.BytesIO(json.dumps(body).encode())
        headers = {"Content-Type": "application/json"}
        path = f"{CONFIGMAPS}?dryRun=All"
        async with (
            client(api) as session,
            session.post(path, data=data, headers=headers) as answer,
        ):
            return answer.status, (await answer.json()).get("reason", "")

    sizes = (3 * 1024 * 1024 - 200, 3 * 1024 * 1024)
    assert [api.run(post(size)) for size in sizes] == [(201, ""), (413, "RequestEntityTooLarge")]


def test_watch_streams_each_change_as_it_happens(api: Running) -> None:
    """One line per event; the stream ends at timeoutSeconds with a bookmark."""

    async def scenario() -> list[Any]:
        async with client(api) as session:
            async with session.get(CONFIGMAPS) as answer:
                version = (await answer.json())["metadata"]["resourceVersion"]
            query = f"?watch=1&resourceVersion={version}&timeoutSeconds=1&allowWatchBookmarks=true"
            async with session.get(CONFIGMAPS + query) as stream:
                async with session.post(CONFIGMAPS, json={"metadata": {"name": "seen"}}):
                    first = json.loads(await stream.content.readline())
                async with session.delete(f"{CONFIGMAPS}/seen"):
                    second = json.loads(await stream.content.readline())
                rest = [json.loads(line) async for line in stream.content]
        return [first, second, *rest]

    events = api.run(scenario())

    assert [event["type"] for event in events] == ["ADDED", "DELETED", "BOOKMARK"]


def test_watch_of_a_client_that_left_is_forgotten(api: Running) -> None:
    """No listener stays behind, even when nothing happens any more."""
    listeners = api.core._store._listeners[SECRETS]

    async def scenario() -> tuple[int, int]:
        async with client(api) as session, session.get("/api/v1/secrets?watch=1") as stream:
            assert stream.status == 200
            during = len(listeners)
        await until(lambda: not listeners)
        return during, len(listeners)

    assert api.run(scenario()) == (1, 0)


def test_warning_header_reaches_the_client(api: Running) -> None:
    """Unknown fields are told, not refused, unless Strict."""

    async def scenario() -> tuple[int, str | None]:
        body = {"metadata": {"generateName": "w-", "ns": "x"}}
        async with client(api) as session, session.post(CONFIGMAPS, json=body) as answer:
            return answer.status, answer.headers.get("Warning")

    assert api.run(scenario()) == (201, '299 - "unknown field \\"metadata.ns\\""')


def test_log_is_plain_text_and_its_errors_are_statuses(api: Running) -> None:
    """What the node cannot give is a 400 with its reason."""

    async def scenario() -> list[tuple[int, str]]:
        async with client(api) as session:
            await make_running(session, "logger")
            found = []
            for query in ("", "?tailLines=1", "?tailLines=0", "?previous=true"):
                async with session.get(f"{PODS}/logger/log{query}") as answer:
                    text = await answer.text()
                    found.append((answer.status, text))
        return found

    whole, tail, none, previous = api.run(scenario())

    assert whole == (200, "c line 0\nc line 1\nc line 2\n")
    assert (tail, none) == ((200, "c line 2\n"), (200, ""))
    assert previous[0] == 400
    assert json.loads(previous[1])["message"] == 'previous terminated container "c" not found'


def test_followed_log_goes_on_until_the_container_ends(api: Running) -> None:
    """And a reader who leaves before lets the node's reader go."""

    async def scenario() -> tuple[bytes, bytes]:
        api.node.follow.clear()
        api.node.closed.clear()
        async with client(api) as session:
            await make_running(session, "follower")
            path = f"{PODS}/follower/log?follow=true&tailLines=0"
            async with session.get(path) as leaving:
                assert leaving.status == 200
            await until(lambda: bool(api.node.closed))
            async with session.get(path.replace("=0", "=1")) as staying:
                first = await staying.content.readline()
                api.node.follow.set()
                rest = await staying.content.read()
        return first, rest

    assert api.run(scenario()) == (b"c line 2\n", b"the end\n")
    assert api.node.closed == ["follower", "follower"]


def test_close_ends_every_stream_and_takes_the_socket_away(tmp_path: Path) -> None:
    """``lab down`` waits for nobody."""
    with running(tmp_path) as api:

        async def scenario() -> bytes:
            async with client(api) as session, session.get(f"{PODS}?watch=1") as stream:
                await api.server.close()
                try:
                    return await stream.content.read()
                except aiohttp.ClientPayloadError:
                    return b""

        assert api.run(scenario()) == b""
        assert not api.unix_path.exists()


def test_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    """A killed lab leaves its file; the next one starts all the same."""
    (tmp_path / "api.sock").write_text("left behind")

    with running(tmp_path) as api:
        assert stat.S_ISSOCK(api.unix_path.stat().st_mode)


def test_key_of_the_server_is_not_left_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It touches the disk only while it is loaded."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with running(tmp_path) as api:
        left = sorted(path.name for path in tmp_path.iterdir())

    assert left == ["api.sock", "kubeconfig"]
    assert ssl.PEM_cert_to_DER_cert(api.server.ca_pem)
