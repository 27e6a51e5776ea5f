"""Metrics sent to a Prometheus push gateway.

The rule guarded here: it is bounded, what the gateway keeps of other experiments stays, and a
password in the address is sent to that address alone and never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from urllib.parse import SplitResult, unquote, urlsplit

from prometheus_client import push_to_gateway
from prometheus_client.exposition import basic_auth_handler

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.metrics import WHERE, groups, registry
from kvchaos.verdict.events import Json

JOB = "kvchaos"
TIMEOUT = 10.0
"""Seconds for one request; there is one for each experiment."""


def push(records: Sequence[Json], url: str, *, timeout: float = TIMEOUT) -> int:
    """Replace what the gateway at ``url`` has of these experiments; returns how many they are.

    ``http://user:password@host:9091`` sends both. KVChaosError when the gateway does not take it.
    """
    address = _address(url)
    handler = partial(
        basic_auth_handler, username=_said(address.username), password=_said(address.password)
    )
    place = address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()
    found = groups(records)
    for where, of_it in found.items():
        key = dict(zip(WHERE, where, strict=True))
        try:
            push_to_gateway(
                place, JOB, registry(of_it), grouping_key=key, timeout=timeout, handler=handler
            )
        except (OSError, HTTPException) as error:
            raise KVChaosError(
                f"the metrics could not be pushed to {place}",
                wanted="a Prometheus push gateway that takes them",
                saw=str(error),
            ) from error
    return len(found)


def _address(url: str) -> SplitResult:
    """The address in its parts; UsageError when it is none."""
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and bool(address.hostname)
        usable = usable and (address.port is None or address.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("--push", wanted="http://HOST:PORT or https://", saw="another address")
    return address


def _said(part: str | None) -> str | None:
    return None if part is None else unquote(part)
