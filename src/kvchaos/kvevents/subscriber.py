"""A SUB socket on one engine rank, and waiting on many sockets at once.

The rule guarded here: nothing that an engine sends raises here; frames come out as they are, and
queues, message sizes and waits are bounded. What the link does is told by its ``LinkEvent``s.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import zmq
from zmq.utils.monitor import recv_monitor_message

from kvchaos.errors import EngineUnreachable
from kvchaos.kvevents.closing import Closing
from kvchaos.kvevents.wire import MAX_PAYLOAD

_CONNECT: Final = 1000
_SOCKETS: Final = 65_000  # libzmq's own default allows for 255 engines
_NOW: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.RCVMORE)
_FRAMES: Final = 8  # of one message that are kept; more than three are wrong anyway
_EVENTS: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


class Link(StrEnum):
    """What became of the connection."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class LinkEvent(NamedTuple):
    """``what`` happened to the connection with ``endpoint``."""

    what: Link
    endpoint: str


class Subscription(Closing):
    """What one engine rank publishes under ``topic`` (a prefix), from any thread, one at a time.

    Connects in the background and again after each loss, so that nothing here waits for a peer.
    ``heartbeat`` and ``heartbeat_timeout`` are seconds; without them a silent link is kept.
    ``EngineUnreachable`` if the endpoint itself is no endpoint.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        topic: bytes = b"",
        heartbeat: float | None = None,
        heartbeat_timeout: float | None = None,
        rcvhwm: int = 20_000,
    ) -> None:
        self.endpoint = endpoint
        self.socket = open_socket(zmq.SUB, rcvhwm=rcvhwm)
        if heartbeat is not None:
            self.socket.heartbeat_ivl = milliseconds(heartbeat)
            self.socket.heartbeat_timeout = milliseconds(heartbeat_timeout or heartbeat)
        self.socket.subscribe(topic)
        self._links: list[LinkEvent] = []
        self._monitor = _monitor(self.socket)
        try:
            connect(self.socket, endpoint)
        except EngineUnreachable:
            self.close()
            raise

    @property
    def sockets(self) -> Sequence[zmq.Socket[bytes]]:
        """What a ``Poller`` waits on."""
        return (self.socket, self._monitor)

    def receive(self, timeout: float) -> list[bytes] | None:
        """The frames of the next message; None if none came within ``timeout`` seconds."""
        if not self.socket.poll(milliseconds(timeout)):
            return None
        return self.socket.recv_multipart()

    def drain(self, limit: int) -> list[list[bytes]]:
        """The frames of the messages that have come, oldest first, at most ``limit``.

        Asking whether more frames follow costs as much as all else, so it is asked once, after
        the third. Messages of fewer frames, which no engine sends, may so run together.
        """
        messages: list[list[bytes]] = []
        receive, option = self.socket.recv, self.socket.getsockopt
        frames: list[bytes] = []
        try:
            for _ in range(limit):
                frames = [receive(_NOW)]
                frames.append(receive(_NOW))
                frames.append(receive(_NOW))
                while option(_MORE):
                    more = receive(_NOW)
                    if len(frames) < _FRAMES:
                        frames.append(more)
                messages.append(frames)
                frames = []
        except zmq.Again:
            if frames:
                messages.append(frames)
        return messages

    def link_events(self) -> list[LinkEvent]:
        """What became of the connection since the last call, oldest first.

        Call it after ``drain``: then a reconnect is told no later than the first message after it.
        """
        self.read_links()
        told, self._links = self._links, []
        return told

    def read_links(self) -> None:
        """Take the monitor's news, so that they no longer wake a ``Poller``."""
        while self._monitor.poll(0):
            news = recv_monitor_message(self._monitor)
            up = news["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self._links.append(
                LinkEvent(Link.CONNECTED if up else Link.DISCONNECTED, self.endpoint)
            )

    def close(self) -> None:
        """Give up the sockets at once; safe to repeat."""
        if not self.socket.closed:
            self.socket.disable_monitor()
        self._monitor.close(0)
        self.socket.close()


class Source(Protocol):
    """What a ``Poller`` can wait on."""

    @property
    def sockets(self) -> Sequence[zmq.Socket[bytes]]: ...

    def read_links(self) -> None: ...


S = TypeVar("S", bound=Source)


def wait(sources: Iterable[S], timeout: float) -> list[S]:
    """Those of ``sources`` that have something, as soon as one has; none after ``timeout`` s.

    A message to receive, or a link event. All must belong to the calling thread.
    """
    of: dict[Any, S] = {socket: source for source in sources for socket in source.sockets}
    if not of:  # pyzmq does not wait for nothing: callers in a loop would spin
        threading.Event().wait(timeout)
        return []
    ready = zmq.zmq_poll([(socket, zmq.POLLIN) for socket in of], milliseconds(timeout))
    found = list({id(of[socket]): of[socket] for socket, _ in ready}.values())
    for source in found:
        source.read_links()
    return found


def open_socket(kind: int, *, rcvhwm: int) -> zmq.Socket[bytes]:
    """A socket with our bounds: queue, message size, connection attempt, no linger.

    ``EngineUnreachable`` when there can be no more sockets.
    """
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    context.set(zmq.MAX_SOCKETS, _SOCKETS)  # heeded by libzmq before its first socket
    try:
        socket = context.socket(kind)
    except zmq.ZMQError as error:
        raise _none_left(error) from error
    socket.linger = 0
    socket.rcvhwm = rcvhwm
    socket.maxmsgsize = MAX_PAYLOAD
    socket.connect_timeout = _CONNECT
    return socket


def _monitor(socket: zmq.Socket[bytes]) -> zmq.Socket[bytes]:
    """Where ``socket`` tells of its connection; else ``EngineUnreachable``, and it is closed."""
    try:
        return socket.get_monitor_socket(_EVENTS)
    except zmq.ZMQError as error:
        socket.close()
        raise _none_left(error) from error


def _none_left(error: zmq.ZMQError) -> EngineUnreachable:
    return EngineUnreachable(
        "no socket for the engine's events",
        wanted="six open files for each engine and rank",
        saw=error.strerror,
        look="ulimit -n",
    )


def connect(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """Start to connect; ``EngineUnreachable``, and ``socket`` closed, if that is no endpoint."""
    try:
        socket.ipv6 = "[" in endpoint
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise EngineUnreachable(
            "event endpoint is not usable",
            wanted="such as tcp://10.0.0.7:5557",
            saw=f"{endpoint or 'nothing'} ({error.strerror})",
        ) from error


def milliseconds(seconds: float) -> int:
    """As libzmq counts; never its -1, which would be for ever."""
    return max(0, round(seconds * 1000))
