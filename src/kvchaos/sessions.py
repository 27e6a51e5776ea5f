"""HTTP connections that are kept: one ``requests`` session for each thread.

Behind a port-forward each new connection is a TLS handshake and a WebSocket, several times the
cost of a request. A session is not for two threads, hence one each; a connection that its other
end has closed (a pod that restarted) is noticed before it is used again.
"""

from __future__ import annotations

import threading

import requests

from kvchaos.untrusted import whole

CHUNK = 65_536
_own = threading.local()


def session() -> requests.Session:
    """This thread's session; it takes nothing from the environment (no proxy, no .netrc)."""
    found: requests.Session | None = getattr(_own, "session", None)
    if found is None:
        found = _own.session = requests.Session()
        found.trust_env = False
    return found


def content(reply: requests.Response, limit: int) -> bytes:
    """The body of a reply that was asked for with ``stream=True``; Unreadable when too long.

    Whoever asked closes the reply, and with it the connection unless all of it was read.
    """
    return whole(reply.iter_content(CHUNK), limit)
