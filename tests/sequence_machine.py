"""A publisher with its lives, a link that loses, and a tracker whose steps are carried out.

The invariants say that however live messages, replays, losses and restarts interleave, what the
tracker calls complete is of one life, from its beginning. Hypothesis plays it, and random walks do.
"""

from __future__ import annotations

from collections import deque

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.sequence import Tracker
from kvchaos.kvevents.steps import APPLY, Kind, Step


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

    @initialize(
        buffer=st.sampled_from([1000, 1, 3, 0]),
        hold=st.sampled_from([1000, 1, 4]),
        tries=st.sampled_from([1, 3]),
        window=st.sampled_from([1000, 1, 3]),
    )
    def start(self, buffer: int, hold: int, tries: int, window: int) -> None:
        self.size = buffer
        self.lives = [Life(0, buffer)]
        self.forgetful = buffer < 1000
        self.holds_all = hold >= 1000
        self.tracker = Tracker(window=window, hold=hold, tries=tries)
        self.connected = True
        self.answered = False
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

    @rule(times=st.integers(1, 6), copies=st.integers(0, 2))
    def publish(self, times: int, copies: int) -> None:
        """Batches that are lost, come once, or come twice."""
        for _ in range(times):
            message = self.life.publish()
            if message is not None and self.connected:
                self.link += [(self.life, message)] * copies

    @rule()
    def publish_fails(self) -> None:
        self.life.publish(hole=True)
        self.forgetful = True

    @precondition(lambda self: self.connected)
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

    @rule(in_flight=st.booleans(), unseen=st.integers(0, 3), returns=st.booleans())
    def restart(self, in_flight: bool, unseen: int, returns: bool) -> None:
        """What the old life sent may still be there, to be read long after; or is lost with it."""
        self.connected = False
        if not in_flight:
            self.replies.clear()
        self.lives.append(Life(len(self.lives), self.size))
        self.publish(times=unseen, copies=0)
        if returns:
            self.reconnect(reads_first=False)

    @precondition(lambda self: self.link)
    @rule(count=st.integers(1, 5), at_once=st.booleans())
    def read(self, count: int, *, at_once: bool = False) -> None:
        """One by one; or as a run, if they are one."""
        run = [message for _, message in self.link][:count] if at_once else []
        frames = [(message.seq.to_bytes(8, "big"), message.payload) for message in run]
        if run and self.tracker.run(frames):
            self.applied += run
            for _ in run:
                self.link.popleft()
            return
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

    @precondition(lambda self: self.replies)
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
                self.answered = True
                self.carry_out(self.tracker.replayed(reply), reply)

    @precondition(lambda self: self.tracker.asking and not self.replies and self.request is None)
    @rule()
    def silence(self) -> None:
        """What came live and was held no more may now be gone for good."""
        self.forgetful |= not self.holds_all
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

    @rule(answered=st.integers(1, 3), reads_first=st.booleans())
    def answer(self, answered: int, *, reads_first: bool) -> None:
        """Replays as they mostly are: whole, and at once."""
        if reads_first:
            self.read_all()
        for _ in range(answered):
            if self.request is not None:
                self.serve(dropped=set())
            self.read_replies(count=len(self.replies))

    @rule(nudged=st.booleans())
    def all_is_well(self, nudged: bool) -> None:
        """Once the link is well, and a replay was asked for, all that can be had is had. A last
        batch that no replay shows can only be known of once one more is published, the nudge. So
        can a new life without batches after an old one of which no replay showed any: it looks
        like a publisher that keeps none.
        """
        if not self.connected:
            self.reconnect(reads_first=True)
        self.read_all()
        self.carry_out(self.tracker.check(), None)
        if nudged:
            self.publish(times=1, copies=1)
            self.read_all()
        self.answer(20, reads_first=False)

        assert not self.tracker.asking
        if nudged and self.size:  # who keeps nothing seems to restart at each replay
            assert self.applied[-1:] == self.life.log[-1:]
        shown = list(self.life.buffer)[-1:] == self.life.log[-1:]
        if not self.tracker.reason and (nudged or shown):
            assert self.applied == self.life.log
        told_apart = nudged or self.answered or not any(life.log for life in self.lives)
        if not self.forgetful and told_apart:
            assert self.tracker.complete

    def teardown(self) -> None:
        if hasattr(self, "applied"):
            self.all_is_well(nudged=True)
