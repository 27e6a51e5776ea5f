"""Watching a kind without end: what changed since the last look, whatever happens in between.

The one rule guarded here: applying the events in order to an empty set always leads to what the
API holds. A stream that ends or breaks goes on from the last version seen; a version too old
(410) means listing again, and the difference from what was known comes out as events.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import urllib3
from urllib3.exceptions import HTTPError

from kvchaos.cluster.breaker import Breaker
from kvchaos.cluster.call import Call
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.pages import is_object
from kvchaos.cluster.refusal import refused_in_stream
from kvchaos.errors import ClusterError, ClusterUnreachable, Gone
from kvchaos.untrusted import MIB, Unreadable, json_of, too_long

logger = logging.getLogger(__name__)

STREAM_SECONDS = 55  # the server ends each stream then, so silence beyond it is a dead link
SILENCE = 70.0  # seconds without a byte after which a stream is given up
FIRST_WAIT = 0.2  # seconds before a broken stream is opened again, doubled each time
LONGEST_WAIT = 5.0
CHUNK = 65_536
LONGEST_LINE = 16 * MIB  # bytes of one event; etcd stores at most 1.5 MiB of an object
IDENTITY = ("uid", "resourceVersion")
KINDS_OF_EVENT = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})

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


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The complete lines of a stream as they arrive; a last half line is dropped.

    Unreadable when one is longer than ``LONGEST_LINE``.
    """
    rest = bytearray()
    for chunk in chunks:
        *ended, last = chunk.split(b"\n")
        for part in ended:
            rest += part
            if rest:
                yield bytes(rest)
            rest.clear()
        rest += last
        if len(rest) > LONGEST_LINE:
            raise too_long(LONGEST_LINE)


class _Line(msgspec.Struct, frozen=True):
    """One event as it stands in the stream."""

    type: str
    object: dict[str, Any]


def version_of(kind: str, body: Object) -> str:
    """The version that the stream has come to; Unreadable for what is no event of a watch."""
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if kind not in KINDS_OF_EVENT or not (kind == "BOOKMARK" or is_object(body, *IDENTITY)):
        raise Unreadable(f"{kind[:20]!r} of no object of Kubernetes")
    if not isinstance(version, str):
        raise Unreadable(f"{kind} without a version")
    return version


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
        if not all(is_object(body, *IDENTITY) for body in listed):
            raise ClusterError(f"list {self._kind.resource}", saw="an object without a version")
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
            for line in lines(answer.stream(CHUNK, decode_content=True)):
                if self._stop.is_set():
                    return
                yield from self._read(call, line)
        except (HTTPError, Unreadable) as error:
            raise ClusterUnreachable(f"{call}: the stream broke", saw=str(error)) from error
        finally:
            breaker.hold(None)
            answer.close()
            answer.release_conn()

    def _read(self, call: Call, line: bytes) -> Iterator[WatchEvent]:
        decoded = json_of(line, _Line)
        kind, body = decoded.type, decoded.object
        if kind == "ERROR":
            raise refused_in_stream(call, body)
        version = version_of(kind, body)
        self._failures = 0
        self._version = version
        if kind != "BOOKMARK":
            event = WatchEvent(kind, body)
            apply(self._known, event)
            yield event
