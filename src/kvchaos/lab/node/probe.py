"""Readiness, liveness and startup probes, dialled from the node's side of the bridge.

So a pod whose eth0 is cut from other pods stays ready, and one cut from everything does not,
as with kubelet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from kvchaos.lab.api import Object

_EAGER_SECONDS = 0.1  # until a probe first answers: programs start in tenths of seconds here

Report = Callable[[bool, str], None]


@dataclass(slots=True)
class Threshold:
    """Turns single answers into a verdict: it changes after enough equal answers in a row."""

    verdict: bool
    successes: int
    failures: int
    _row: int = 0

    def seen(self, succeeded: bool) -> bool:
        """The verdict after one more answer."""
        if succeeded == self.verdict:
            self._row = 0
            return self.verdict
        self._row += 1
        if self._row >= (self.successes if succeeded else self.failures):
            self.verdict, self._row = succeeded, 0
        return self.verdict


async def watch(
    spec: Object,
    check: Callable[[], Awaitable[str]],
    report: Report,
    *,
    initial: bool,
    eager: bool,
) -> None:
    """Probe until cancelled; ``report(verdict, why)`` after every answer, ``why`` empty if good.

    ``initial`` is the verdict before the first answer. With ``eager`` it asks ten times a second
    until the first good answer, whatever the period; failures still count once per period.
    """
    threshold = Threshold(initial, spec.get("successThreshold", 1), spec.get("failureThreshold", 3))
    period = float(spec.get("periodSeconds") or 10)
    every = min(period, _EAGER_SECONDS) if eager else period
    left = 0.0  # seconds until a failure counts again: eagerness must not use up failures
    await asyncio.sleep(float(spec.get("initialDelaySeconds") or 0))
    while True:
        why = await check()
        if not why:
            every = period
        if not why or left <= 0:
            report(threshold.seen(not why), why)
            left = period
        await asyncio.sleep(every)
        left -= every


def checker(
    spec: Object, container: Object, address: str, session: aiohttp.ClientSession
) -> Callable[[], Awaitable[str]] | None:
    """A function that asks once and says what is wrong; None for probes the lab does not have."""
    timeout = float(spec.get("timeoutSeconds") or 1)
    if "httpGet" in spec:
        action = spec["httpGet"]
        url = (
            f"{action.get('scheme', 'HTTP').lower()}://{action.get('host') or address}"
            f":{port_number(action['port'], container)}/{action.get('path', '/').lstrip('/')}"
        )
        return lambda: _http(session, url, timeout)
    if "tcpSocket" in spec:
        port = port_number(spec["tcpSocket"]["port"], container)
        return lambda: _tcp(spec["tcpSocket"].get("host") or address, port, timeout)
    return None


def port_number(port: int | str, container: Object) -> int:
    """A port by number, or by the name that the container gives it (0 when it does not)."""
    if isinstance(port, int) or port.isdigit():
        return int(port)
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or []}
    return int(named.get(port, 0))


async def _http(session: aiohttp.ClientSession, url: str, timeout: float) -> str:  # noqa: ASYNC109 - the probe's own field
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=timeout), allow_redirects=False, ssl=False
        ) as answer:
            good = HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST
            return "" if good else f"HTTP probe failed with statuscode: {answer.status}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        return f'Get "{url}": {str(cause) or type(cause).__name__}'


async def _tcp(address: str, port: int, timeout: float) -> str:  # noqa: ASYNC109 - the probe's own field
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return f"dial tcp {address}:{port}: {str(error) or type(error).__name__}"
    writer.close()
    return ""
