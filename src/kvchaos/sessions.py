"""HTTP connections that are kept: one ``requests`` session for each thread.

Behind a port-forward each new connection is a TLS handshake and a WebSocket, several times the
cost of a request. A session is not for two threads, hence one each; a connection that its other
end has closed (a pod that restarted) is noticed before it is used again.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from kvchaos.clock import SystemClock
from kvchaos.untrusted import whole

CHUNK = 65_536
WAITS = 4
"""How many times as long as a single wait an answer may take: one that drips would never end."""
_clock = SystemClock()


class _Own(threading.local):
    """One thread's session, and until when its answers have to be there."""

    session: requests.Session | None = None
    deadline: float = math.inf


_own = _Own()


def session() -> requests.Session:
    """This thread's session; it takes nothing from the environment (no proxy, no .netrc)."""
    found = _own.session
    if found is None:
        found = _own.session = requests.Session()
        found.trust_env = False
        found.mount("http://", _InTime())
    return found


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread's session is told in here is told in that time, to its last byte, or it is
    a time-out, however short each wait for a part of it was.
    """
    _own.deadline = _clock.now() + seconds
    try:
        yield
    finally:
        _own.deadline = math.inf


def content(reply: requests.Response, limit: int) -> bytes:
    """The body of a reply that was asked for with ``stream=True``; Unreadable when too long.

    Whoever asked closes the reply, and with it the connection unless all of it was read.
    """
    return whole(reply.iter_content(CHUNK), limit)


class _Socket(socket.socket):
    """Waits no longer than its timeout, nor than its thread's answer may take."""

    def recv_into(self, *into: Any) -> int:
        bound, left = self.gettimeout(), _own.deadline - _clock.now()
        if bound is not None and bound <= left:
            return super().recv_into(*into)
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(None if left == math.inf else left)
        try:
            return super().recv_into(*into)
        finally:
            self.settimeout(bound)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        made = self.sock
        self.sock = _Socket(fileno=made.detach())
        self.sock.settimeout(made.gettimeout())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _InTime(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool}
