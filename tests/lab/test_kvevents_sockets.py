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
from kvchaos.observer.link import ZmqLink
from kvchaos.observer.settings import Bounds
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


def test_waiting_for_nothing_ends_in_time(stack: ExitStack) -> None:
    """Every wait is bounded."""
    subscription = stack.enter_context(Subscription("tcp://127.0.0.1:1"))
    client = stack.enter_context(ReplayClient("tcp://127.0.0.1:1"))

    sources: list[Subscription | ReplayClient] = [subscription, client]

    assert wait(sources, 0.01) == []
    assert subscription.receive(0.01) is None
    assert client.receive(0.01) is None
    assert subscription.drain(5) == []


def history(*, buffer_steps: int = 100, topic_frame: bool = True) -> Publisher:
    """A publisher that has sent ten batches."""
    publisher = Publisher(
        ANY_PORT,
        replay_endpoint=ANY_PORT,
        buffer_steps=buffer_steps,
        topic=b"kv",
        topic_frame=topic_frame,
        clock=FixedClock(),
    )
    for _ in range(10):
        publisher.publish(EVENTS)
    for _ in range(100):
        if replayed(publisher.replay_endpoint, 9):
            return publisher
    raise AssertionError("the batches were not sent")


@pytest.mark.parametrize("topic_frame", [True, False])
def test_replay_gives_what_was_published(stack: ExitStack, topic_frame: bool) -> None:
    """From any seq on, in the form before and since vLLM 0.26."""
    publisher = stack.enter_context(history(topic_frame=topic_frame))

    found = replayed(publisher.replay_endpoint, 4)

    assert [message.seq for message in found] == list(range(4, 10))
    assert {message.topic for message in found} == {b"kv" if topic_frame else b""}
    assert [decode(one.payload) for one in found] == [Batch(1.5, EVENTS, 0)] * 6


def test_replay_of_what_is_not_there_yet_is_only_its_end(stack: ExitStack) -> None:
    """The end marker alone is an answer."""
    publisher = stack.enter_context(history())

    assert replayed(publisher.replay_endpoint, 10) == []


def test_history_begins_later_than_asked_once_it_is_full(stack: ExitStack) -> None:
    """And the engine says nothing of it."""
    publisher = stack.enter_context(history(buffer_steps=3))

    found = replayed(publisher.replay_endpoint, 2)

    assert [message.seq for message in found] == [7, 8, 9]


class Scripted(threading.Thread):
    """A ROUTER that answers the n-th request with the n-th list of frames."""

    def __init__(self, stack: ExitStack, *answers: Sequence[Sequence[bytes]]) -> None:
        super().__init__(daemon=True)
        self._socket, self.endpoint = socket(stack, zmq.ROUTER)
        self._answers = answers
        self.starts: list[int] = []
        self.start()
        stack.callback(self.join, 10)

    def run(self) -> None:
        for answer in self._answers:
            if not self._socket.poll(5000):
                return
            peer, start = split_request(self._socket.recv_multipart())
            self.starts.append(start)
            for frames in answer:
                self._socket.send_multipart([peer, *frames])


def replies(*seqs: int | None) -> list[list[bytes]]:
    """Replies with these seqs; None = the end marker."""
    return [join_reply(None if seq is None else Message(b"", seq, b"%d" % seq)) for seq in seqs]


def test_malformed_replies_are_passed_over(stack: ExitStack) -> None:
    """And counted; who asked sees by the numbers what is lacking."""
    server = Scripted(stack, [[b"", b"junk"], *replies(0, None)])
    client = stack.enter_context(ReplayClient(server.endpoint))
    client.request(0)

    assert (received(client), client.malformed) == ([Message(b"", 0, b"0")], 1)
    assert not client.waiting


def test_new_request_abandons_the_one_under_way(stack: ExitStack) -> None:
    """Replies to an old request never come in among those to the new one."""
    server = Scripted(stack, replies(0, 1, 2), replies(7, None))
    client = stack.enter_context(ReplayClient(server.endpoint))
    client.request(0)
    assert wait([client], 5) == [client]

    client.request(7)

    assert (received(client), server.starts) == ([Message(b"", 7, b"7")], [0, 7])


def test_invalid_replay_requests_are_ignored(stack: ExitStack) -> None:
    """As in vLLM: a DEALER that forgets the empty frame hears nothing, the next one does."""
    publisher = stack.enter_context(history())
    bad: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    stack.callback(bad.close, 0)
    bad.connect(publisher.replay_endpoint or "")
    bad.send((0).to_bytes(8, "big"))

    assert len(replayed(publisher.replay_endpoint, 0)) == 10
    assert not bad.poll(0)


def test_ranks_have_ports_of_their_own(stack: ExitStack) -> None:
    """vLLM's data-parallel offset, on inproc so that no port can be taken."""
    publishers = [stack.enter_context(Publisher("inproc://ranks", rank=rank)) for rank in range(2)]

    assert [one.endpoint for one in publishers] == ["inproc://ranks", "inproc://ranks_dp1"]


def test_port_that_is_taken_is_told(stack: ExitStack) -> None:
    """At the start, not in a thread's log; and the other socket is given back."""
    _, endpoint = socket(stack, zmq.PUB)

    with pytest.raises(UsageError, match=f"wanted a free {endpoint}"):
        Publisher(ANY_PORT, replay_endpoint=endpoint)


def test_publisher_connects_where_it_does_not_bind(stack: ExitStack) -> None:
    """vLLM binds wildcards only; llm-d has engines connect to a central subscriber."""
    server, endpoint = socket(stack, zmq.SUB)
    server.subscribe(b"")
    publisher = stack.enter_context(Publisher(endpoint))
    for _ in range(200):
        publisher.publish([AllBlocksCleared()])
        if server.poll(50):
            break

    assert decode(split_live(server.recv_multipart()).payload).events == [AllBlocksCleared()]


def test_closed_publisher_refuses(stack: ExitStack) -> None:
    """Closing twice is fine, publishing then is not."""
    publisher = Publisher(ANY_PORT)
    publisher.close()
    publisher.close()

    with pytest.raises(KVChaosError, match="publisher is closed"):
        publisher.publish(EVENTS)


def test_full_queue_loses_the_batch_and_keeps_its_number(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wait for the sender is bounded; the hole then is there for all to see."""
    publisher = stack.enter_context(Publisher(ANY_PORT))
    stuck: queue.Queue[Message] = queue.Queue(1)
    monkeypatch.setattr(publisher, "_queue", stuck)
    monkeypatch.setattr("kvchaos.kvevents.publisher._FULL", 0.01)

    seqs = [publisher.publish(EVENTS) for _ in range(2)]

    assert (seqs, stuck.get_nowait().seq) == ([0, 1], 0)
    assert "batch 1 is lost" in caplog.text


def test_a_loop_that_waits_on_no_socket_does_not_spin() -> None:
    """A router or an observer without engines goes round and round."""
    clock, rounds = SystemClock(), 0
    deadline = clock.now() + 0.3
    while clock.now() < deadline:
        assert wait([], 0.05) == []
        rounds += 1

    assert rounds < 20


def test_a_message_beyond_the_largest_costs_its_sender_the_link(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never arrives, and libzmq does not connect again: the engine counts as cut off."""
    monkeypatch.setattr("kvchaos.kvevents.subscriber.MAX_PAYLOAD", 2**16)
    replay = stack.enter_context(ReplayClient("tcp://127.0.0.1:1"))
    assert (replay.socket.maxmsgsize, replay.socket.rcvhwm) == (2**16, 20_000)

    peer, endpoint = socket(stack, zmq.PUB)
    heard = stack.enter_context(Subscription(endpoint))

    def sent(payload: bytes) -> list[bytes] | None:
        peer.send_multipart([b"", b"\0" * 8, payload])
        return heard.receive(0.05)

    assert any(sent(b"x") for _ in range(100))
    assert sent(bytes(2**17)) is None
    told = []
    for _ in range(100):
        told += heard.link_events()
        if len(told) > 1:
            break
        heard.socket.poll(50)
    assert [link.what for link in told] == [Link.CONNECTED, Link.DISCONNECTED]


def test_of_a_message_of_many_frames_only_the_first_are_kept(stack: ExitStack) -> None:
    """It is refused anyway, and its frames could be any number."""
    peer, endpoint = socket(stack, zmq.PUB)
    heard = stack.enter_context(Subscription(endpoint))

    def sent() -> list[list[bytes]]:
        peer.send_multipart([b"f"] * 10_000)
        heard.socket.poll(50)
        return heard.drain(1)

    found = next(messages for _ in range(100) if (messages := sent()))

    assert [len(frames) for frames in found] == [8]


@pytest.mark.parametrize("left", [0, 1, 3])
def test_no_more_sockets_is_an_engine_that_is_not_reached(
    monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """The thread that follows all the others goes on; what was opened of this one is closed."""
    context = zmq.Context[zmq.Socket[bytes]]()
    context.set(zmq.MAX_SOCKETS, 4)
    taken = [context.socket(zmq.PAIR) for _ in range(4 - left)]
    monkeypatch.setattr(zmq.Context, "instance", lambda: context)

    with pytest.raises(EngineUnreachable, match="no socket for the engine's events"):
        ZmqLink("tcp://127.0.0.1:9", "tcp://127.0.0.1:9", bounds=Bounds())

    for each in taken:
        each.close(0)
    ended = threading.Thread(target=context.term, daemon=True)
    ended.start()
    ended.join(10)  # which waits until the last socket is closed
    assert not ended.is_alive()
