"""Metrics are pushed within bounds, one group for each experiment; passwords are not shown."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.json import as_json
from kvchaos.report.push import push
from kvchaos.verdict.verdict import judge
from tests.builders import Json, run_that_recovered, run_with_a_pod_killed


class Gateway(ThreadingHTTPServer):
    """Keeps what was put to it, and answers with ``code``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Put)
        self.code = 200
        self.got: list[tuple[str, str | None, bytes]] = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Put(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.code)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def records() -> list[Json]:
    histories = (run_that_recovered(), run_with_a_pod_killed(), run_that_recovered())
    return [as_json(each, judge(each)) for each in histories]


def test_each_experiment_is_a_group_of_its_own(gateway: Gateway) -> None:
    """So that one does not replace another's metrics, nor those of other clusters."""
    assert push(records(), f"http://{gateway.place}") == 2

    title = base64.urlsafe_b64encode(b"The router's index survives: pod-kill").decode()
    path, authorization, body = gateway.got[1]
    assert path.startswith("/metrics/job/kvchaos/context/kvchaos-lab/experiment")
    assert path.endswith("/namespace/kvchaos")
    assert title in path or "pod-kill" in path
    assert authorization is None
    assert b"kvchaos_last_passed" in body


def test_name_and_password_are_sent_and_not_shown(gateway: Gateway) -> None:
    """Also when it fails, and percent-encoded as an address has to have them."""
    gateway.code = 401

    with pytest.raises(KVChaosError, match="could not be pushed") as failure:
        push(records(), f"http://ci:s3cr%40t@{gateway.place}/base/")

    sent = base64.b64encode(b"ci:s3cr@t").decode()
    assert [each[1] for each in gateway.got] == [f"Basic {sent}"]
    assert gateway.got[0][0].startswith("/base/metrics/job/kvchaos/")
    assert "s3cr" not in str(failure.value)
    assert "401" in str(failure.value)


def test_a_gateway_that_is_not_there_is_an_error(gateway: Gateway) -> None:
    """Said in words, with where it was looked for."""
    place = gateway.place
    gateway.socket.close()

    with pytest.raises(KVChaosError, match=f"could not be pushed to http://{place}"):
        push(records(), f"http://{place}", timeout=2.0)


@pytest.mark.parametrize("url", ["gateway:9091", "file:///etc/passwd", "http://", "http://[x", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent, and without showing it: there may be a password in it."""
    with pytest.raises(UsageError, match="--push: wanted http://HOST:PORT"):
        push(records(), url)
