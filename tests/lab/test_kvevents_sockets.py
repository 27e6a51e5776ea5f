"""Publisher, subscription and replay client over loopback, against each other and raw sockets."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import zmq

from kvchaos.clock import SystemClock
from kvchaos.errors import EngineUnreachable, KVChaosError, UsageError, WireError
from kvchaos.kvevents.frames import (
    Message,
    join_live,
    join_reply,
    split_live,
    split_request,
)
from kvchaos.kvevents.publisher import Publisher
from kvchaos.kvevents.replay import ReplayClient
from kvchaos.kvevents.subscriber import Link, Subscription, wait
from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    Dialect,
    Event,
    EventForm,
    decode,
)
from tests.replaying import received, replayed

pytestmark = pytest.mark.lab

ANY_PORT = "tcp://127.0.0.1:*"
EVENTS: list[Event] = [
    BlockStored([1, 2], None, list(range(8)), 4, None, "GPU"),
    BlockRemoved([1], "GPU"),
]


class FixedClock(SystemClock):
    """A wall clock that stands still, so that batches are equal."""

    def wall(self) -> float:
        return 1.5


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def socket(stack: ExitStack, kind: int) -> tuple[zmq.Socket[bytes], str]:
    """A raw socket bound to loopback, and its endpoint."""
    made: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    stack.callback(made.close, 0)
    made.bind(ANY_PORT)
    return made, made.get_string(zmq.LAST_ENDPOINT)


def join(publisher: Publisher, subscription: Subscription) -> int:
    """Publish until something arrives; the seq after the last of these batches."""
    for _ in range(200):
        last = publisher.publish([AllBlocksCleared()])
        while (frames := subscription.receive(0.05)) is not None:
            if split_live(frames).seq == last:
                return last + 1
    raise AssertionError("the subscription was not served")


def gather(subscription: Subscription, count: int) -> list[Message]:
    """The next ``count`` messages, or those of them that come within 5 s of another."""
    found: list[Message] = []
    while len(found) < count and wait([subscription], 5):
        found += [split_live(frames) for frames in subscription.drain(count - len(found))]
    return found


@pytest.mark.parametrize("form", EventForm)
def test_published_batches_arrive_in_order(stack: ExitStack, form: EventForm) -> None:
    """What is published is what is received, in either form, with the publisher's rank."""
    publisher = stack.enter_context(
        Publisher(ANY_PORT, topic=b"kv@", rank=3, dialect=Dialect(events=form), clock=FixedClock())
    )
    subscription = stack.enter_context(Subscription(publisher.endpoint, topic=b"kv"))
    first = join(publisher, subscription)

    sent = [publisher.publish(EVENTS) for _ in range(1000)]
    found = gather(subscription, 1000)

    assert sent == list(range(first, first + 1000))
    assert [message[:2] for message in found] == [(b"kv@", seq) for seq in sent]
    assert [decode(one.payload) for one in found] == [Batch(1.5, EVENTS, 3)] * 1000


def test_other_topics_do_not_arrive(stack: ExitStack) -> None:
    """A topic is a prefix, as in ZMQ."""
    server, endpoint = socket(stack, zmq.PUB)
    subscription = stack.enter_context(Subscription(endpoint, topic=b"kv@a"))
    assert wait([subscription], 5)

    for _ in range(200):
        server.send_multipart(join_live(Message(b"kv@b", 0, b"x")))
        server.send_multipart(join_live(Message(b"kv@ab", 1, b"x")))
        frames = subscription.receive(0.05)
        if frames:
            break

    assert frames is not None
    assert split_live(frames) == Message(b"kv@ab", 1, b"x")


def test_malformed_messages_come_out_as_frames_and_cost_nothing_else(stack: ExitStack) -> None:
    """Whatever is sent, draining goes on; whoever splits counts what is no message."""
    server, endpoint = socket(stack, zmq.PUB)
    subscription = stack.enter_context(Subscription(endpoint))
    good = join_live(Message(b"", 7, b"last"))
    for _ in range(200):
        server.send(b"hello")
        if subscription.receive(0.05):
            break

    for frames in ([b""], [b"a", b"b"], [b"a"] * 9, good, [b"", b"short", b"x"], good, good):
        server.send_multipart(frames)
    found: list[Message] = []
    malformed = 0
    while len(found) < 2 and wait([subscription], 5):
        for frames in subscription.drain(100):
            try:
                found.append(split_live(frames))
            except WireError:
                malformed += 1

    assert found[-1] == Message(b"", 7, b"last")
    assert malformed >= 3


def test_lone_frame_does_not_wait_for_more(stack: ExitStack) -> None:
    """A message that is too short comes out although no other follows."""
    server, endpoint = socket(stack, zmq.PUB)
    subscription = stack.enter_context(Subscription(endpoint))
    for _ in range(200):
        server.send(b"hello")
        if wait([subscription], 0.05) and (found := subscription.drain(1)):
            break

    assert set(found[0]) == {b"hello"}


def test_drain_takes_no_more_than_asked(stack: ExitStack) -> None:
    """One engine cannot keep the loop from the others."""
    publisher = stack.enter_context(Publisher(ANY_PORT))
    subscription = stack.enter_context(Subscription(publisher.endpoint))
    first = join(publisher, subscription)
    for _ in range(10):
        publisher.publish(EVENTS)

    found: list[list[bytes]] = []
    while len(found) < 10 and wait([subscription], 5):
        part = subscription.drain(3)
        assert len(part) <= 3
        found += part

    assert [split_live(frames).seq for frames in found] == list(range(first, first + 10))


def test_link_events_tell_of_each_connection(stack: ExitStack, tmp_path: Path) -> None:
    """A publisher that comes, goes and comes again is told so, and numbers from 0 again."""
    endpoint = f"ipc://{tmp_path}/events"
    subscription = stack.enter_context(Subscription(endpoint))

    told = []
    for _ in range(2):
        with Publisher(endpoint) as publisher:
            assert wait([subscription], 5)
            told += [event.what for event in subscription.link_events()]
            assert join(publisher, subscription) < 200
        assert wait([subscription], 5)
        subscription.drain(1000)
        told += [event.what for event in subscription.link_events()]

    assert told == [Link.CONNECTED, Link.DISCONNECTED] * 2


def test_heartbeats_are_set_in_milliseconds(stack: ExitStack) -> None:
    """libzmq's unit is not ours, and a queue without bound is none of ours either."""
    subscription = stack.enter_context(
        Subscription("tcp://127.0.0.1:1", heartbeat=1.0, heartbeat_timeout=3.0)
    )
    plain = stack.enter_context(Subscription("tcp://127.0.0.1:1", rcvhwm=5))

    found = subscription.socket
    assert (found.heartbeat_ivl, found.heartbeat_timeout, found.rcvhwm) == (1000, 3000, 20_000)
    assert (plain.socket.heartbeat_ivl, plain.socket.rcvhwm) == (0, 5)


@pytest.mark.parametrize("endpoint", ["", "tcp://", "tcp://nowhere", "10.0.0.7:5557"])
def test_endpoint_that_is_none_is_unreachable(endpoint: str) -> None:
    """Said at once, and with the endpoint."""
    with pytest.raises(EngineUnreachable, match="event endpoint is not usable"):
        Subscription(endpoint)
    with pytest.raises(EngineUnreachable, match="event endpoint is not usable"):
        ReplayClient(endpoint)


def test_waiting_for_nothing_takes_its_time() -> None:
    """A router or an observer without engines waits in a loop: it must not spin."""
    clock, rounds = SystemClock(), 0
    deadline = clock.now() + 0.3
    while clock.now() < deadline:
        assert wait([], 0.05) == []
        rounds += 1

    assert rounds < 20
