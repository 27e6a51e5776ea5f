"""Metrics are pushed within bounds, one group for each experiment; passwords are not shown."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.json import as_json
from kvchaos.report.push import push
from kvchaos.verdict.verdict import judge
from tests.builders import Json, altered, run_that_recovered, run_with_a_pod_killed
from tests.dripping import dripping

NO_COUNTER = 'pushed metrics are invalid: * collected metric "kvchaos_runs" is not a COUNTER\n'


class Gateway(ThreadingHTTPServer):
    """Keeps what was put to it, and answers with ``code``, these headers and this text."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Put)
        self.code = 200
        self.headers: dict[str, str] = {}
        self.says = ""
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
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.says.encode())

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


def named(experiment: str) -> list[Json]:
    history = altered(run_that_recovered(), "run_started", experiment=experiment)
    return [as_json(history, judge(history))]


def in_base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def records() -> list[Json]:
    histories = (run_that_recovered(), run_with_a_pod_killed(), run_that_recovered())
    return [as_json(each, judge(each)) for each in histories]


def test_each_experiment_is_a_group_of_its_own(gateway: Gateway) -> None:
    """So that one does not replace another's metrics, nor those of other clusters."""
    assert push(records(), f"http://{gateway.place}") == 2

    path, authorization, body = gateway.got[1]
    told = {
        "experiment": "The router's index survives: pod-kill",
        "context": "kvchaos-lab",
        "namespace": "kvchaos",
    }
    groups = "".join(f"/{name}@base64/{in_base64(value)}" for name, value in told.items())
    assert path == f"/metrics/job/kvchaos{groups}"
    assert authorization is None
    assert b"kvchaos_last_passed" in body


@pytest.mark.parametrize("name", ["..", ".", "a/b", "100%", "a+b?c#d", "\u00e9 \U0001f600"])
def test_any_name_is_a_group(gateway: Gateway, name: str) -> None:
    """None is a step in the path: a gateway answers ``..`` with another address."""
    push(named(name), f"http://{gateway.place}")

    assert f"/experiment@base64/{in_base64(name)}/" in gateway.got[0][0]


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


def test_a_name_without_a_password_is_sent_too(gateway: Gateway) -> None:
    """Some take a token there."""
    push(records(), f"http://t0ken@{gateway.place}")

    assert gateway.got[0][1] == f"Basic {base64.b64encode(b't0ken:').decode()}"


def test_what_the_gateway_says_of_a_refusal_is_shown(gateway: Gateway) -> None:
    """In one line: ``400 Bad Request`` alone tells nobody what is bad."""
    gateway.code, gateway.says = 400, NO_COUNTER

    with pytest.raises(KVChaosError) as failure:
        push(records(), f"http://{gateway.place}")

    assert failure.value.saw == f"HTTP 400 Bad Request: {NO_COUNTER.strip()}"


def test_of_a_refusal_a_page_is_not_shown_and_a_text_not_all(gateway: Gateway) -> None:
    """A page is for browsers; the rest of a long text is more of the same."""
    gateway.code, gateway.says = 502, "<html>" + "x" * 100_000
    gateway.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(KVChaosError) as page:
        push(records(), f"http://{gateway.place}")

    gateway.headers = {}
    with pytest.raises(KVChaosError) as long:
        push(records(), f"http://{gateway.place}")

    assert page.value.saw == "HTTP 502 Bad Gateway"
    assert len(long.value.saw) < 700


def test_a_password_that_comes_back_is_not_shown(gateway: Gateway) -> None:
    """Some proxies tell in a refusal what they were asked."""
    sent = base64.b64encode(b"ci:s3cr@t").decode()
    gateway.code, gateway.says = 403, f"Authorization: Basic {sent}, which is s3cr@t"

    with pytest.raises(KVChaosError) as failure:
        push(records(), f"http://ci:s3cr%40t@{gateway.place}")

    shown = "HTTP 403 Forbidden: Authorization: Basic [redacted], which is [redacted]"
    assert failure.value.saw == shown


def test_nothing_is_sent_to_where_a_gateway_says_that_it_is(gateway: Gateway) -> None:
    """Whoever named the address and gave it a password meant that one."""
    elsewhere = f"http://{gateway.place}/elsewhere"
    gateway.code, gateway.headers = 307, {"Location": elsewhere}

    with pytest.raises(KVChaosError) as failure:
        push(records(), f"http://ci:s3cret@{gateway.place}")

    assert len(gateway.got) == 1
    assert failure.value.saw == f"HTTP 307 Temporary Redirect: it is at {elsewhere}"


@pytest.mark.timeout(10)
def test_a_gateway_that_says_nothing_is_not_waited_for() -> None:
    """It took the connection, and that is all that ever comes of it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(KVChaosError) as failure:
            push(records(), f"http://{place}", timeout=0.2)

    assert failure.value.saw == "no answer for 0.2 s"


@pytest.mark.timeout(10)
def test_an_answer_that_never_ends_is_not_waited_for() -> None:
    """Each byte of it comes in time; all of them never would."""
    with dripping(b"HTTP/1.1 200 OK\r\nX: ") as place, pytest.raises(KVChaosError) as failure:
        push(records(), f"http://{place}", timeout=0.2)

    assert failure.value.saw == "no whole answer within 0.8 s"


@pytest.mark.parametrize("host", ["a" * 70, "..", "a b"])
def test_a_host_that_cannot_be_is_an_error(host: str) -> None:
    """And no traceback: whoever looks a name up has his own errors."""
    with pytest.raises(KVChaosError, match="could not be pushed to http"):
        push(records(), f"http://{host}:9091", timeout=0.2)


def test_what_was_pushed_before_an_error_is_told(gateway: Gateway) -> None:
    """It is there, and stays."""
    place = gateway.place
    put = _Put.do_PUT

    class FirstOnly(_Put):
        def do_PUT(self) -> None:
            self.server.code = 507 if self.server.got else 200
            put(self)

    gateway.RequestHandlerClass = FirstOnly

    with pytest.raises(KVChaosError, match="after 1 of 2 experiments"):
        push(records(), f"http://{place}")


def test_a_gateway_that_is_not_there_is_an_error(gateway: Gateway) -> None:
    """Said in words, with where it was looked for."""
    place = gateway.place
    gateway.socket.close()

    with pytest.raises(KVChaosError, match=f"could not be pushed to http://{place}"):
        push(records(), f"http://{place}", timeout=2.0)


WRONG = (
    *("gateway:9091", "file:///etc/passwd", "http://", "http://[x", "", "http://host:9091/\x00"),
    *("http://host:9091/?token=s3cret", "http://host:9091/#metrics"),
)


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent, and without showing it: there may be a password in it."""
    with pytest.raises(UsageError) as failure:
        push(records(), url)

    assert str(failure.value) == "--push: wanted http://HOST:PORT or https://, saw another address"
