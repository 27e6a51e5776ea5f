"""Requests over the connection pool: each bounded in time, tried again where that is safe.

The one rule guarded here: a call takes no longer than its timeout, all attempts included, nor
more memory than ``LARGEST``; and a request whose answer was lost is sent again only when sending
it twice equals sending it once.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import msgspec
import tenacity
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from kvchaos.clock import Clock
from kvchaos.cluster.call import UNSAFE_TO_REPEAT, Call
from kvchaos.cluster.config import Access
from kvchaos.cluster.refusal import refused
from kvchaos.errors import ClusterError, ClusterUnreachable
from kvchaos.untrusted import MIB, Unreadable, whole

logger = logging.getLogger(__name__)

TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
NEVER_SENT = (NewConnectionError, ConnectTimeoutError, ProxyError)
FIRST_WAIT = 0.1  # seconds, doubled each time
LONGEST_WAIT = 2.0
LARGEST = 64 * MIB  # bytes of one answer; a page of 500 pods is about 5 MiB
LARGEST_REFUSAL = MIB  # bytes of an answer that is an error
CHUNK = 65_536
CONNECTION = re.compile(r"^(<.*?>|\w+\(.*?\)): ")


class OutcomeUnknown(ClusterUnreachable):
    """The request may or may not have been carried out: look before sending it again."""


class Unanswered(OutcomeUnknown):
    """No answer at all came: it may even be carried out later."""


class _Again(Exception):
    """An attempt that failed in a way that may pass; not ``acted``: surely nothing was done."""

    def __init__(
        self, text: str, error: ClusterError, *, acted: bool = True, after: float | None = None
    ) -> None:
        self.text = text
        self.error = error
        self.acted = acted
        self.after = after
        super().__init__(text)


class Transport:
    """Sends calls to one API server; safe to share between threads. ``once``: tries none again."""

    def __init__(self, access: Access, *, timeout: float, clock: Clock, once: bool = False) -> None:
        self.access = access
        self.timeout = timeout
        self.clock = clock
        self.once = once

    def send(self, call: Call) -> bytes:
        """The body of the server's success answer.

        Raises the error that the answer means, ClusterUnreachable when there was none in time,
        OutcomeUnknown when the answer to a create or delete was lost.
        """
        start = self.clock.now()
        deadline = start + self.timeout
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: _may_repeat(call, error)),
            wait=_wait,
            stop=lambda state: self.once or self.clock.now() + state.upcoming_sleep >= deadline,
            sleep=self.clock.sleep,
            before_sleep=lambda state: _log_retry(call, state),
            reraise=True,
        )
        try:
            return retrying(self._attempt, call, deadline)
        except _Again as last:
            raise self._give_up(call, last, retrying, self.clock.now() - start) from last.__cause__

    def open(self, call: Call, *, silence: float) -> urllib3.BaseHTTPResponse:
        """A success answer whose body is still to be read; reads fail after ``silence`` seconds.

        One attempt only. Raises as ``send`` does.
        """
        start = self.clock.now()
        timeout = urllib3.Timeout(connect=self.timeout, read=silence)
        try:
            answer = self._request(call, timeout)
        except _Again as last:
            raise self._unreachable(call, last.text, self.clock.now() - start, 1) from last
        if answer.status >= 300:
            raise refused(call, answer.status, _beginning_of(answer))
        return answer

    def _attempt(self, call: Call, deadline: float) -> bytes:
        left = max(deadline - self.clock.now(), 0.1)
        answer = self._request(call, urllib3.Timeout(total=left))
        body = self._body(call, answer, deadline)
        if 200 <= answer.status < 300:
            return body
        error = refused(call, answer.status, body)
        if answer.status not in TRY_AGAIN:
            raise error
        raise _Again(
            f"HTTP {answer.status}",
            error,
            acted=answer.status != 429,
            after=_seconds(answer.headers.get("Retry-After")),
        )

    def _body(self, call: Call, answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """The whole body, of bounded size and in time; else the connection is given up."""
        try:
            body = whole(self._chunks(answer, deadline), LARGEST)
        except Unreadable as error:
            answer.close()
            raise ClusterError(
                f"{call}: the answer of {self.access.server} is too long", saw=str(error)
            ) from error
        except HTTPError as error:
            answer.close()
            raise _Again(_last_words(error), ClusterUnreachable(str(call))) from error
        answer.release_conn()
        return body

    def _chunks(self, answer: urllib3.BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
        while chunk := answer.read1(CHUNK, decode_content=True):
            yield chunk
            if self.clock.now() > deadline:
                raise HTTPError(f"its answer still came after {self.timeout} s")

    def _request(self, call: Call, timeout: urllib3.Timeout) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": "kvchaos", **self.access.headers()}
        body = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            body = msgspec.json.encode(call.body)
        try:
            return self.access.pool.request(
                call.method,
                self.access.server + call.target,
                headers=headers,
                body=body,
                timeout=timeout,
                retries=False,
                preload_content=False,
            )
        except SSLError as error:
            if "CERTIFICATE" in str(error).upper():
                raise self._unreachable(call, str(error), 0.0, 1) from error
            raise _Again(_last_words(error), ClusterUnreachable(str(call))) from error
        except HTTPError as error:
            acted = not isinstance(error, NEVER_SENT)
            raise _Again(_last_words(error), ClusterUnreachable(str(call)), acted=acted) from error

    def _give_up(
        self, call: Call, last: _Again, retrying: tenacity.Retrying, took: float
    ) -> ClusterError:
        attempts = int(retrying.statistics.get("attempt_number", 1))
        lost = last.acted and call.verb in UNSAFE_TO_REPEAT
        if lost:
            silent = isinstance(last.error, ClusterUnreachable)
            kind = Unanswered if silent else OutcomeUnknown
            return self._unreachable(call, last.text, took, attempts, kind=kind)
        if isinstance(last.error, ClusterUnreachable):
            return self._unreachable(call, last.text, took, attempts)
        error = last.error
        saw = f"{error.saw}, {_times(attempts)} in {took:.1f} s"
        return type(error)(error.what, saw=saw, look=self.access.hint)

    def _unreachable(
        self,
        call: Call,
        text: str,
        took: float,
        attempts: int,
        *,
        kind: type[ClusterUnreachable] = ClusterUnreachable,
    ) -> ClusterUnreachable:
        return kind(
            f"{call}: no answer from {self.access.server} (context {self.access.context})",
            saw=f"{text}, {_times(attempts)} in {took:.1f} s",
            look=self.access.hint,
        )


def _may_repeat(call: Call, error: BaseException) -> bool:
    if not isinstance(error, _Again):
        return False
    return not error.acted or call.verb not in UNSAFE_TO_REPEAT


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after is not None:
        return error.after
    return float(min(FIRST_WAIT * 2 ** (state.attempt_number - 1), LONGEST_WAIT))


def _log_retry(call: Call, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    text = error.text if isinstance(error, _Again) else error
    logger.warning("%s: %s; trying again in %.1f s", call, text, state.upcoming_sleep)


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isdecimal() else None


def _times(attempts: int) -> str:
    return "tried once" if attempts == 1 else f"tried {attempts} times"


def _beginning_of(answer: urllib3.BaseHTTPResponse) -> bytes:
    """As much of an error's body as is worth reading; the connection is given up."""
    try:
        return bytes(answer.read(LARGEST_REFUSAL, decode_content=True))
    except HTTPError:
        return b""
    finally:
        answer.close()


def _last_words(error: Exception) -> str:
    """What went wrong, without the connection object that urllib3 names first."""
    return CONNECTION.sub("", str(error)) or type(error).__name__
