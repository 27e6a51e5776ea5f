"""HTTP connections that are kept: one ``requests`` session for each thread.

Behind a port-forward each new connection is a TLS handshake and a WebSocket, several times the
cost of a request. A session is not for two threads, hence one each; a connection that its other
end has closed (a pod that restarted) is noticed before it is used again.
"""

from __future__ import annotations

import threading

import requests

_own = threading.local()


def session() -> requests.Session:
    """This thread's session; it takes nothing from the environment (no proxy, no .netrc)."""
    found: requests.Session | None = getattr(_own, "session", None)
    if found is None:
        found = _own.session = requests.Session()
        found.trust_env = False
    return found
