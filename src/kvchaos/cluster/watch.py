"""Watching a kind without end: what changed since the last look, whatever happens in between.

The one rule guarded here: applying the events in order to an empty set always leads to what the
API holds. A stream that ends or breaks goes on from the last version seen; a version too old
(410) means listing again, and the difference from what was known comes out as events.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.refusal import refused_in_stream
from kvchaos.errors import ClusterError, ClusterUnreachable, Gone

logger = logging.getLogger(__name__)

STREAM_SECONDS = 55  # the server ends each stream then, so silence beyond it is a dead link
SILENCE = 70.0  # seconds without a byte after which a stream is given up
FIRST_WAIT = 0.2  # seconds before a broken stream is opened again, doubled each time
LONGEST_WAIT = 5.0
CHUNK = 65_536

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ``type`` is ADDED, MODIFIED or DELETED; ``object`` as it is or last was."""

    type: str
    object: Object


class Source(Protocol):
    """What a watch needs of the API."""

    def list_page(self, kind: Kind, query: Mapping[str, str]) -> tuple[list[Object], str]:
        """All objects, and the version of the collection."""
        ...

    def open(self, call: Call, *, silence: float) -> urllib3.BaseHTTPResponse:
        """A stream of events."""
        ...


def key_of(body: Object) -> Key:
    """What tells objects of one kind apart at one time: namespace and name."""
    metadata = body["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def differences(known: Mapping[Key, Object], listed: Iterable[Object]) -> Iterator[WatchEvent]:
    """The events that lead from ``known`` to ``listed``; a replaced object is gone, then there."""
    now = {key_of(body): body for body in listed}
    for key, old in known.items():
        if key not in now or now[key]["metadata"]["uid"] != old["metadata"]["uid"]:
            yield WatchEvent("DELETED", old)
    for key, new in now.items():
        before = known.get(key)
        if before is None or before["metadata"]["uid"] != new["metadata"]["uid"]:
            yield WatchEvent("ADDED", new)
        elif before["metadata"]["resourceVersion"] != new["metadata"]["resourceVersion"]:
            yield WatchEvent("MODIFIED", new)


def apply(known: dict[Key, Object], event: WatchEvent) -> None:
    """Make ``known`` what it is after ``event``."""
    if event.type == "DELETED":
        known.pop(key_of(event.object), None)
    else:
        known[key_of(event.object)] = event.object


def is_passing(error: ClusterError) -> bool:
    """Whether trying again may help: no answer, or a server in trouble; not a refusal."""
    return isinstance(error, ClusterUnreachable) or type(error) is ClusterError


def lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The complete lines of a stream as they arrive; a last half line is dropped."""
    rest = b""
    for chunk in answer.stream(CHUNK, decode_content=True):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)


class Breaker:
    """Ends a blocked read as soon as ``stop`` is set, from a thread of its own."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._done = threading.Event()
        self._answer: urllib3.BaseHTTPResponse | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="kvchaos-watch-stop", daemon=True)
        self._thread.start()

    def hold(self, answer: urllib3.BaseHTTPResponse | None) -> None:
        """The answer to break, or None; it is broken at once when ``stop`` is set already."""
        with self._lock:
            self._answer = answer
        if self._stop.is_set():
            self._break()

    def close(self) -> None:
        self._done.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._done.is_set():
            if self._stop.wait(0.1):
                self._break()
                return

    def _break(self) -> None:
        with self._lock, suppress(RuntimeError, ValueError, OSError):
            if isinstance(self._answer, urllib3.HTTPResponse):
                self._answer.shutdown()


class Watch:
    """One watch of one kind: iterate it for events, until ``stop`` is set."""

    def __init__(
        self, source: Source, kind: Kind, *, query: Mapping[str, str], stop: threading.Event
    ) -> None:
        self._source = source
        self._kind = kind
        self._query = dict(query)
        self._stop = stop
        self._known: dict[Key, Object] = {}
        self._version = ""
        self._failures = 0

    def events(self, *, namespace: str | None) -> Iterator[WatchEvent]:
        """Every change since nothing was known. Raises a refusal, and any failure at the start."""
        breaker = Breaker(self._stop)
        try:
            yield from self._relist()
            while not self._stop.is_set():
                yield from self._survive(namespace, breaker)
        finally:
            breaker.close()

    def _survive(self, namespace: str | None, breaker: Breaker) -> Iterator[WatchEvent]:
        try:
            if not self._version:
                yield from self._relist()
            yield from self._stream(namespace, breaker)
        except Gone:
            logger.info("watch %s: version %s is too old", self._kind.resource, self._version)
            self._version = ""
        except ClusterError as error:
            if not is_passing(error):
                raise
            self._pause(error)

    def _pause(self, error: ClusterError) -> None:
        if self._stop.is_set():
            return
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 10)
        logger.warning("watch %s: %s; again in %.1f s", self._kind.resource, error, wait)
        self._stop.wait(wait)

    def _relist(self) -> Iterator[WatchEvent]:
        listed, version = self._source.list_page(self._kind, self._query)
        for event in list(differences(self._known, listed)):
            apply(self._known, event)
            yield event
        self._version = version

    def _stream(self, namespace: str | None, breaker: Breaker) -> Iterator[WatchEvent]:
        call = Call(
            verb="watch",
            kind=self._kind,
            namespace=namespace,
            query={
                **self._query,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": self._version,
                "timeoutSeconds": str(STREAM_SECONDS),
            },
        )
        answer = self._source.open(call, silence=SILENCE)
        breaker.hold(answer)
        try:
            for line in lines(answer):
                if self._stop.is_set():
                    return
                yield from self._read(call, line)
        except (HTTPError, msgspec.DecodeError) as error:
            raise ClusterUnreachable(f"{call}: the stream broke", saw=str(error)) from error
        finally:
            breaker.hold(None)
            answer.close()
            answer.release_conn()

    def _read(self, call: Call, line: bytes) -> Iterator[WatchEvent]:
        decoded = msgspec.json.decode(line)
        kind, body = decoded["type"], decoded["object"]
        if kind == "ERROR":
            raise refused_in_stream(call, body)
        self._failures = 0
        self._version = body["metadata"]["resourceVersion"]
        if kind != "BOOKMARK":
            event = WatchEvent(kind, body)
            apply(self._known, event)
            yield event
