"""Metrics sent to a Prometheus push gateway: ``PUT /metrics/job/kvchaos/experiment@base64/...``.

The rule guarded here: no wait is endless, what the gateway keeps of other experiments stays, and a
password in the address is sent to that address alone and never shown.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from queue import Empty, SimpleQueue
from ssl import SSLCertVerificationError
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlsplit
from urllib.request import Request, urlopen

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.redact import Redactor
from kvchaos.report.layout import printable
from kvchaos.report.metrics import WHERE, groups, metrics
from kvchaos.verdict.events import Json

JOB = "kvchaos"
TIMEOUT = 10.0
"""Seconds to connect, and between two bytes of an answer; a request for each experiment."""
WAITS = 4
"""How many times as long a whole answer may take."""
MOST = 4096
"""Bytes of a refusal that are read: the gateway says there what it does not like."""
SHOWN = 600
"""Characters of it that are shown."""
IN_PATHS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where one is: ``place`` may be shown; ``authorization``, empty when there is none, may not.

    ``secrets`` takes that out of what is shown of an answer: some proxies tell what was asked.
    """

    place: str
    authorization: str
    secrets: Redactor


def push(records: Sequence[Json], url: str, *, timeout: float = TIMEOUT) -> int:
    """Replace what the gateway at ``url`` has of these experiments; returns how many they are.

    ``http://user:password@host:9091`` sends both. KVChaosError when the gateway does not take it,
    of the first experiment of which it does not.
    """
    gateway = _gateway(url)
    found = groups(records)
    for done, (where, of_it) in enumerate(found.items()):
        try:
            put = partial(_put, gateway, where, metrics(of_it), timeout=timeout)
            _in_time(put, WAITS * timeout)
        except (OSError, HTTPException, UnicodeError) as error:  # the last: of a host's name
            pushed = f", after {done} of {len(found)} experiments" if done else ""
            raise KVChaosError(
                f"the metrics could not be pushed to {gateway.place}{pushed}",
                wanted="a Prometheus push gateway that takes them, at /metrics/job below that",
                saw=_reason(error, gateway, timeout=timeout),
            ) from error
    return len(found)


def _put(gateway: Gateway, where: Sequence[str], text: str, *, timeout: float) -> None:
    """HTTPError for any answer but a good one; a PUT is never redirected."""
    request = Request(  # noqa: S310 - _gateway lets http and https pass alone
        f"{gateway.place}/metrics/job/{JOB}{_group(where)}",
        data=text.encode(),
        method="PUT",
        headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4},
    )
    if gateway.authorization:
        request.add_unredirected_header("Authorization", gateway.authorization)
    with urlopen(request, timeout=timeout):  # noqa: S310 - as above  # nosec B310
        pass


def _in_time(put: Callable[[], None], seconds: float) -> None:
    """On a thread of its own, which nobody waits for when the time is over: an answer may drip."""
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def end() -> None:
        try:
            put()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for it
            ended.put(error)
        else:
            ended.put(None)

    Thread(target=end, name="kvchaos-push", daemon=True).start()
    try:
        error = ended.get(timeout=seconds)
    except Empty:
        raise OSError(f"no whole answer within {seconds:g} s") from None
    if error is not None:
        raise error


def _group(where: Sequence[str]) -> str:
    """The part of the path that says whose metrics these are, any text in it: in base64.

    Otherwise ``..`` is a step up, and ``=`` is how the gateway wants an empty one.
    """
    coded = (base64.urlsafe_b64encode(value.encode()).decode() or "=" for value in where)
    return "".join(f"/{name}@base64/{value}" for name, value in zip(WHERE, coded, strict=True))


def _reason(error: Exception, gateway: Gateway, *, timeout: float) -> str:
    """What went wrong, in a line; of a refusal also what the gateway says of it."""
    if isinstance(error, HTTPError):
        with error:
            said = gateway.secrets.text(_said(error))
        return printable(f"HTTP {error.code} {error.reason}: {said[:SHOWN]}").strip(": ")
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, TimeoutError):
        return f"no answer for {timeout:g} s"
    if isinstance(inner, SSLCertVerificationError):
        return f"{inner.verify_message} (SSL_CERT_FILE can name the authority's certificate)"
    return printable(f"{inner}") or type(inner).__name__


def _said(error: HTTPError) -> str:
    """Where the gateway is said to be instead, or what came at once of a text; a page says less."""
    if moved := error.headers.get("Location"):
        return f"it is at {moved}"
    if error.headers.get_content_type() == "text/html":
        return ""
    try:
        return str(error.read1(MOST).decode(errors="replace"))
    except (OSError, HTTPException):
        return ""


def _gateway(url: str) -> Gateway:
    """The gateway's address in its parts; UsageError when it is none."""
    try:
        address = urlsplit(url)
        usable = address.scheme in ("http", "https") and bool(address.hostname)
        usable = usable and url.strip().isprintable()
        usable = usable and (address.port is None or address.port > 0)
        usable = usable and not (address.query or address.fragment)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError("--push", wanted="http://HOST:PORT or https://", saw="another address")
    path = quote(address.path.rstrip("/"), safe=IN_PATHS)
    place = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{path}"
    name, password = unquote(address.username or ""), unquote(address.password or "")
    sent = base64.b64encode(f"{name}:{password}".encode()).decode()
    secrets = Redactor([password or name, sent])
    return Gateway(place, f"Basic {sent}" if name or password else "", secrets)
