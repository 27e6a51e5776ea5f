"""What the API server asks of the node: a pod's logs and a connection to one of its ports.

The API server knows pods only as objects; whoever runs them implements ``NodeBackend``.
"""

from __future__ import annotations

from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class PodRef(NamedTuple):
    """One life of a pod: a name alone may mean another pod a second later."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines of which container; the container's name is always filled in."""

    container: str
    tail: int | None = None  # lines from the end
    follow: bool = False
    previous: bool = False  # the container's life before this one
    since: float | None = None  # seconds back from now
    limit_bytes: int | None = None
    timestamps: bool = False


class NodeBackend(Protocol):
    """The node, as far as the API server needs it."""

    def logs(self, pod: PodRef, query: LogQuery) -> AsyncIterator[bytes]:
        """Chunks of the log; raises ``LabError`` before the first one when there is none.

        With ``follow`` it ends when the container does, or when the reader closes it.
        """
        ...

    async def open_port(self, pod: PodRef, port: int) -> tuple[StreamReader, StreamWriter]:
        """A TCP connection to 127.0.0.1:``port`` inside the pod's network namespace.

        Raises ``OSError`` when nothing listens there, ``LabError`` when no such pod runs.
        """
        ...
