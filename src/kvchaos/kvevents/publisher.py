"""The publishing side of an engine rank: PUB for batches, ROUTER for replays, as in vLLM.

The rule guarded here: what a consumer can see of it (numbers, frames, order, what is lost and
when) is what vLLM's ``ZmqEventPublisher`` shows; see ``vllm/distributed/kv_events.py``. So one
thread sends the batches and serves a replay between two of them, history is bounded, a slow peer
loses batches silently, and nothing says goodbye.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import zmq

from kvchaos.clock import Clock, SystemClock
from kvchaos.errors import KVChaosError, UsageError, WireError
from kvchaos.kvevents.closing import Closing
from kvchaos.kvevents.frames import Message, join_live, join_reply, split_request
from kvchaos.kvevents.wire import VLLM, Batch, Dialect, Event, encode

logger = logging.getLogger(__name__)

_IDLE: Final = 0.1
_FULL: Final = 5.0
_MAX_REQUEST: Final = 1024


def offset_port(endpoint: str, rank: int) -> str:
    """``endpoint`` for a data-parallel rank: port + rank, or for inproc the suffix ``_dp<rank>``.

    A port that the system chooses (0 or ``*``) stays. ``UsageError`` for ipc, as in vLLM.
    """
    if rank == 0:
        return endpoint
    if endpoint.startswith("inproc://"):
        return f"{endpoint}_dp{rank}"
    base, _, port = endpoint.rpartition(":")
    if not endpoint.startswith("tcp://") or not (port == "*" or port.isdecimal()):
        raise UsageError(
            f"rank {rank} has no endpoint of its own",
            wanted="tcp://HOST:PORT or inproc://NAME",
            saw=endpoint,
        )
    return endpoint if port in ("*", "0") else f"{base}:{int(port) + rank}"


class Publisher(Closing):
    """Numbers and sends batches, and answers replays from the last ``buffer_steps`` of them.

    Binds if the endpoint has ``*`` or ``::`` or is inproc or ipc, else connects; the replay
    endpoint is always bound. ``endpoint`` and ``replay_endpoint`` afterwards hold the real ports.
    ``publish`` and ``close`` may be called from any thread. ``UsageError`` if a port is taken.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        replay_endpoint: str | None = None,
        topic: bytes = b"",
        rank: int = 0,
        buffer_steps: int = 10_000,
        hwm: int = 100_000,
        max_queue_size: int = 100_000,
        dialect: Dialect = VLLM,
        topic_frame: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._topic, self._rank, self._dialect = topic, rank, dialect
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._queue: queue.Queue[Message] = queue.Queue(max_queue_size)
        self._next = 0
        self._closed = False
        self._sender = _Sender(self._queue, buffer_steps=buffer_steps, topic_frame=topic_frame)
        try:
            self.endpoint = self._sender.open_live(offset_port(endpoint, rank), hwm=hwm)
            self.replay_endpoint = replay_endpoint and self._sender.open_replay(
                offset_port(replay_endpoint, rank)
            )
        except BaseException:
            self._sender.close()
            raise
        self._thread = threading.Thread(
            target=self._sender.run, name=f"publisher-{rank}", daemon=True
        )
        self._thread.start()

    def publish(self, events: list[Event]) -> int:
        """The seq of the batch of ``events``, which is on its way now.

        Waits up to 5 s while ``max_queue_size`` batches wait to be sent; then the batch is lost,
        and its seq stays a hole.
        """
        batch = Batch(self._clock.wall(), events, self._rank)
        payload = encode(batch, self._dialect)
        with self._lock:
            if self._closed:
                raise KVChaosError("publisher is closed", look="close() came before publish()")
            seq = self._next
            self._next += 1
            try:
                self._queue.put(Message(self._topic, seq, payload), timeout=_FULL)
            except queue.Full:
                logger.warning("batch %s is lost: the queue of %s is full", seq, self.endpoint)
        return seq

    def close(self, drain: float = 1.0) -> None:
        """Stop after sending what waits, or after ``drain`` seconds; what is in flight then may
        be lost, as in vLLM. libzmq frees the ports by and by, mostly some ms after the return.
        Safe to repeat.
        """
        with self._lock:
            self._closed = True
        self._sender.finish.set()
        self._thread.join(drain)
        self._sender.stop.set()
        self._thread.join(_FULL)


class _Sender:
    """The sockets, the buffer and the one thread that may touch them once ``run`` runs."""

    def __init__(
        self, waiting: queue.Queue[Message], *, buffer_steps: int, topic_frame: bool
    ) -> None:
        self.finish = threading.Event()
        self.stop = threading.Event()
        self._waiting = waiting
        self._buffer: deque[Message] = deque(maxlen=buffer_steps)
        self._topic_frame = topic_frame
        self._live = _socket(zmq.PUB)
        self._replay = _socket(zmq.ROUTER)
        self._replay.maxmsgsize = _MAX_REQUEST
        self._replay.sndhwm = 2 * (buffer_steps + 1)

    def open_live(self, endpoint: str, *, hwm: int) -> str:
        self._live.sndhwm = hwm
        if "*" in endpoint or "::" in endpoint or endpoint.startswith(("ipc://", "inproc://")):
            return _bind(self._live, endpoint)
        _attach(self._live.connect, endpoint)
        return endpoint

    def open_replay(self, endpoint: str) -> str:
        return _bind(self._replay, endpoint)

    def close(self) -> None:
        self._live.close()
        self._replay.close()

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self._serve_replay()
                if not self._send_next() and self.finish.is_set():
                    break
        finally:
            self.close()

    def _send_next(self) -> bool:
        try:
            message = self._waiting.get(timeout=0 if self.finish.is_set() else _IDLE)
        except queue.Empty:
            return False
        try:
            self._live.send_multipart(join_live(message))
        except zmq.ZMQError:
            logger.exception("batch %s was not sent", message.seq)
        else:
            self._buffer.append(message)
        return True

    def _serve_replay(self) -> None:
        if not self._replay.poll(0):
            return
        try:
            peer, start = split_request(self._replay.recv_multipart())
        except WireError as error:
            logger.warning("replay request ignored: %s", error)
            return
        for message in self._buffer:
            if message.seq >= start:
                self._reply(peer, message)
        self._reply(peer, None)

    def _reply(self, peer: bytes, message: Message | None) -> None:
        self._replay.send_multipart([peer, *join_reply(message, topic_frame=self._topic_frame)])


def _socket(kind: int) -> zmq.Socket[bytes]:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.linger = 0
    return socket


def _bind(socket: zmq.Socket[bytes], endpoint: str) -> str:
    """The endpoint really bound, with the port that the system chose."""
    socket.ipv6 = "[" in endpoint
    _attach(socket.bind, endpoint)
    return str(socket.get_string(zmq.LAST_ENDPOINT))


def _attach(how: Callable[[str], object], endpoint: str) -> None:
    try:
        how(endpoint)
    except zmq.ZMQError as error:
        raise UsageError(
            "event endpoint is not usable", wanted=f"a free {endpoint}", saw=error.strerror
        ) from error
