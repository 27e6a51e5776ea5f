"""One question to a router over its HTTP.

The rule guarded here: what comes back has the shape that the router documents, or the router is
``RouterUnreachable``, because a misread index would be a false verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import requests

from kvchaos.errors import RouterUnreachable
from kvchaos.sessions import WAITS, content, session, within
from kvchaos.untrusted import Unreadable, json_of

T = TypeVar("T")


def asked(
    address: Callable[[], str],
    question: str,
    shape: type[T],
    *,
    body: Any = None,
    limit: int,
    timeout: float,
) -> T:
    """The answer to a ``question`` such as ``GET /index`` from the router at ``address()``.

    At most ``limit`` bytes of it are read; each wait is at most ``timeout`` seconds, and all of
    them together ``WAITS`` times that.
    """
    what = f"{question} of the router"
    method, _, path = question.partition(" ")
    try:
        url = f"http://{address()}{path}"
        with (
            within(WAITS * timeout),
            session().request(method, url, json=body, timeout=timeout, stream=True) as reply,
        ):
            reply.raise_for_status()
            return json_of(content(reply, limit), shape)
    except requests.RequestException as error:
        raise RouterUnreachable(what, saw=str(error)) from error
    except Unreadable as error:
        raise RouterUnreachable(what, wanted="its documented JSON", saw=str(error)) from error
