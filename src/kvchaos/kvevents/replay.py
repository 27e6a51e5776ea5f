"""Asking one engine rank for the batches that it still has.

The rule guarded here: an answer that is not known to be whole is never taken for one. An engine
says nothing when its history begins later than asked, and drops replies, also the end marker,
without a word; so silence is bounded, holes are looked for, and both are told.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import zmq

from kvchaos.clock import Clock
from kvchaos.errors import WireError
from kvchaos.kvevents.closing import Closing
from kvchaos.kvevents.frames import Message, join_request, split_reply
from kvchaos.kvevents.subscriber import connect, milliseconds, open_socket

logger = logging.getLogger(__name__)

_QUEUE: Final = 20_000
_BURST: Final = 500
"""Replies from which on a ROUTER at libzmq's default high-water mark may drop the last ones."""


class End(Enum):
    """The replay is over."""

    END = "end"


class ReplayClient(Closing):
    """Requests to one ROUTER, one at a time; from any thread, one at a time.

    A new request abandons the one under way, replies of which never come out again.
    ``malformed`` counts replies that were none. ``EngineUnreachable`` if the endpoint itself is
    no endpoint; a peer that is not there only stays silent.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.malformed = 0
        self.waiting = False
        self.socket = self._open()

    def _open(self) -> zmq.Socket[bytes]:
        socket = open_socket(zmq.DEALER, rcvhwm=_QUEUE)
        connect(socket, self.endpoint)
        return socket

    @property
    def sockets(self) -> Sequence[zmq.Socket[bytes]]:
        """What ``wait`` waits on."""
        return (self.socket,)

    def read_links(self) -> None:
        """Nothing to read: only silence counts here."""

    def request(self, start: int) -> None:
        """Ask for every batch from ``start`` on."""
        if self.waiting:
            self.socket.close()
            self.socket = self._open()
        self.waiting = True
        self.socket.send_multipart(join_request(start), zmq.NOBLOCK)

    def receive(self, timeout: float) -> Message | End | None:
        """The next reply; None if none, or a malformed one, came within ``timeout``
        seconds.
        """
        if not self.socket.poll(milliseconds(timeout)):
            return None
        return next(iter(self.drain(1)), None)

    def drain(self, limit: int) -> list[Message | End]:
        """The replies that have come, oldest first, at most ``limit``; after ``END`` none."""
        replies: list[Message | End] = []
        try:
            while len(replies) < limit:
                replies += self._reply(self.socket.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            pass
        return replies

    def _reply(self, frames: Sequence[bytes]) -> list[Message | End]:
        try:
            message = split_reply(frames)
        except WireError as error:
            self.malformed += 1
            logger.warning("reply from %s ignored: %s", self.endpoint, error)
            return []
        if message is not None:
            return [message]
        self.waiting = False
        return [End.END]

    def close(self) -> None:
        """Give up the socket at once; safe to repeat."""
        self.socket.close()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was had: messages in order of seq; ``complete`` if none from the start on is missing,
    else ``reason`` tells what is.
    """

    messages: list[Message] = field(default_factory=list)
    complete: bool = False
    reason: str = ""

    @property
    def first_seq(self) -> int | None:
        """Where the engine's history began, if it has any."""
        return self.messages[0].seq if self.messages else None


def replay(
    endpoint: str,
    start: int,
    *,
    idle_timeout: float,
    total_timeout: float,
    clock: Clock,
    limit: int = 1_000_000,
) -> Replayed:
    """Every batch from ``start`` on that the engine at ``endpoint`` still has, at most ``limit``.

    Asks again for what comes next where replies ceased for ``idle_timeout`` seconds or skipped
    some, as long as that brings more; and after a long replay, whether that was really all.
    """
    deadline = clock.now() + total_timeout
    found = _Found(start, limit)
    turn = _Turn.REQUEST
    with ReplayClient(endpoint) as client:
        while turn is not _Turn.DONE:
            if turn is _Turn.REQUEST:
                client.request(found.begin())
                turn = _Turn.READ
            left = deadline - clock.now()
            if left <= 0:
                found.lacks(f"the replay was not over after {total_timeout:g} s")
                break
            reply = client.receive(min(idle_timeout, left))
            if reply is not None or left > idle_timeout:
                turn = found.take(reply)
    return Replayed(found.messages, not found.reason, found.reason)


class _Turn(Enum):
    REQUEST = "request"
    READ = "read"
    DONE = "done"


class _Found:
    """What ``replay`` has so far."""

    def __init__(self, start: int, limit: int) -> None:
        self.messages: list[Message] = []
        self.reason = ""
        self._next = start
        self._limit = limit
        self._new = 0

    def begin(self) -> int:
        """Where the next request starts."""
        self._new = 0
        return self._next

    def lacks(self, reason: str) -> None:
        self.reason = self.reason or reason

    def take(self, reply: Message | End | None) -> _Turn:
        if reply is End.END:
            return _Turn.REQUEST if self._new >= _BURST else _Turn.DONE
        if reply is None or reply.seq > self._next:
            if self._new:
                return _Turn.REQUEST
            if reply is None:
                self.lacks("no reply came, not even the end marker")
                return _Turn.DONE
            self.lacks(f"history begins at {reply.seq}, asked from {self._next}")
        return self._keep(reply)

    def _keep(self, reply: Message) -> _Turn:
        if reply.seq >= self._next:
            self.messages.append(reply)
            self._next = reply.seq + 1
            self._new += 1
        if len(self.messages) < self._limit:
            return _Turn.READ
        self.lacks(f"more than {self._limit} batches")
        return _Turn.DONE
