"""Asking one engine rank for the batches that it still has.

The rule guarded here: replies to one request are never taken for those to another, and nothing
that comes in raises. An engine says nothing when its history begins later than asked, and drops
replies, also the end marker, without a word: holes and silence are for whoever asked to notice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import Enum
from typing import Final

import zmq

from kvchaos.errors import WireError
from kvchaos.kvevents.closing import Closing
from kvchaos.kvevents.frames import Message, join_request, split_reply
from kvchaos.kvevents.subscriber import connect, milliseconds, open_socket

logger = logging.getLogger(__name__)

_QUEUE: Final = 20_000


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
