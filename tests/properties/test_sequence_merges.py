"""However live messages, replays, losses and restarts interleave, the tracker gives one epoch."""

from __future__ import annotations

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.sequence import APPLY, Kind, Step, Tracker


class Life:
    """One life of a publisher: what it has published, and what it can still replay."""

    def __init__(self, number: int, buffer: int) -> None:
        self.number = number
        self.seq = 0
        self.log: list[Message] = []
        self.buffer: deque[Message] = deque(maxlen=buffer)

    def publish(self, *, hole: bool = False) -> Message | None:
        message = Message(b"", self.seq, b"%d of life %d" % (self.seq, self.number))
        self.seq += 1
        self.log.append(message)
        if hole:
            return None
        self.buffer.append(message)
        return message


class Streams(RuleBasedStateMachine):
    """A publisher, a link that loses, and a tracker whose steps are carried out."""

    @initialize(buffer=st.sampled_from([0, 1, 3, 1000]), hold=st.sampled_from([1, 4, 1000]))
    def start(self, buffer: int, hold: int) -> None:
        self.size = buffer
        self.lives = [Life(0, buffer)]
        self.forgetful = buffer < 1000
        self.tracker = Tracker(window=max(buffer, 8), hold=hold, tries=3)
        self.connected = True
        self.link: deque[tuple[Life, Message]] = deque()
        self.request: int | None = None
        self.replies: deque[Message | None] = deque()
        self.applied: list[Message] = []
        self.carry_out(self.tracker.check(), None)

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def carry_out(self, step: Step, message: Message | None) -> None:
        if step.kind is Kind.RESTART:
            self.applied.clear()
        if step is APPLY and message is not None:
            self.applied.append(message)
        self.applied += step.apply
        if step.ask is not None:
            self.request = step.ask
            self.replies.clear()

    @rule(times=st.integers(1, 6), lost=st.booleans())
    def publish(self, times: int, lost: bool) -> None:
        for _ in range(times):
            message = self.life.publish()
            if message is not None and self.connected and not lost:
                self.link.append((self.life, message))

    @rule()
    def publish_fails(self) -> None:
        self.life.publish(hole=True)
        self.forgetful = True

    @rule()
    def disconnect(self) -> None:
        self.connected = False

    @precondition(lambda self: not self.connected)
    @rule(reads_first=st.booleans())
    def reconnect(self, reads_first: bool) -> None:
        if reads_first:
            self.read_all()
        self.connected = True
        self.carry_out(self.tracker.check(), None)

    @rule(in_flight=st.booleans())
    def restart(self, in_flight: bool) -> None:
        """What the old life sent may still be there, to be read long after; or is lost with it."""
        self.connected = False
        if not in_flight:
            self.replies.clear()
        self.lives.append(Life(len(self.lives), self.size))

    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        for _ in range(min(count, len(self.link))):
            _, message = self.link.popleft()
            self.carry_out(self.tracker.live(message), message)

    def read_all(self) -> None:
        self.read(count=len(self.link))

    @precondition(lambda self: self.request is not None)
    @rule(dropped=st.sets(st.integers(2, 7)))
    def serve(self, dropped: set[int]) -> None:
        """The first two replies always come: a ROUTER drops only beyond its high-water mark (1000
        by default), and a request meets an empty pipe, being a new client's or made after the end
        marker of the one before. Seen of libzmq: no reply before the 500th is dropped.
        """
        found = [one for one in self.life.buffer if one.seq >= (self.request or 0)]
        every = [*found, None]
        self.replies = deque(one for at, one in enumerate(every) if at not in dropped)
        self.request = None

    @rule(count=st.integers(1, 5))
    def read_replies(self, count: int) -> None:
        """What an older life sent live has come before a newer one answers, and is read first;
        what the present life sends live may come later than its replies.
        """
        for _ in range(count):
            while self.link and self.link[0][0] is not self.life:
                self.read(count=1)
            if not self.replies:
                return
            reply = self.replies.popleft()
            if reply is None:
                self.carry_out(self.tracker.replay_ended(), None)
            else:
                self.carry_out(self.tracker.replayed(reply), reply)

    @precondition(lambda self: self.tracker.asking and not self.replies and self.request is None)
    @rule()
    def silence(self) -> None:
        self.carry_out(self.tracker.replay_failed(), None)

    @invariant()
    def nothing_is_skipped_repeated_or_mixed_unsaid(self) -> None:
        if not hasattr(self, "applied") or self.tracker.reason:
            return
        assert any(self.applied == life.log[: len(self.applied)] for life in self.lives)

    @invariant()
    def order_is_kept(self) -> None:
        seqs = [message.seq for message in getattr(self, "applied", [])]
        assert seqs == sorted(set(seqs))

    def teardown(self) -> None:
        """Once the link is well and one more batch was published, all that can be had is had."""
        if not hasattr(self, "applied"):
            return
        self.read_all()
        self.connected = True
        self.carry_out(self.tracker.check(), None)
        self.publish(times=1, lost=False)
        self.read_all()
        for _ in range(20):
            if self.request is not None:
                self.serve(dropped=set())
            self.read_replies(count=len(self.replies))

        assert not self.tracker.asking
        assert self.applied[-1:] == self.life.log[-1:]
        if not self.tracker.reason:
            assert self.applied == self.life.log
        if not self.forgetful:
            assert self.tracker.complete


Streams.TestCase.settings = settings(stateful_step_count=40)
TestStreams = Streams.TestCase
