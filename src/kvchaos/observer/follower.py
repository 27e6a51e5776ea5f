"""One engine rank as it is followed: its link, the order of its batches, its blocks in the oracle.

Not thread-safe and without a clock of its own: the observer's receive loop calls it, with the
time, and holds the lock meanwhile. What it sees goes to ``tell`` as the history's ``stream``.
"""

from __future__ import annotations

from kvchaos.errors import WireError
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.frames import Message, split_live
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.sequence import Tracker
from kvchaos.kvevents.steps import Kind, Step
from kvchaos.kvevents.subscriber import Link
from kvchaos.observer.intake import Intake
from kvchaos.observer.link import EventLink
from kvchaos.observer.settings import Bounds
from kvchaos.observer.streamlog import StreamLog, Tell


class Follower:
    """Follows ``engine`` over whatever link it is given; see the module."""

    def __init__(
        self,
        engine: EngineId,
        *,
        oracle: Oracle,
        bounds: Bounds,
        tell: Tell,
        block_size: int | None = None,
    ) -> None:
        self.engine = engine
        self.tracker = Tracker()
        self.link: EventLink | None = None
        self.connected = False
        self.linked = False  # whether this link was ever on
        self.batches = 0
        self.restarted = False  # by what came in; the pod's status may still have to tell of it
        self._intake = Intake(engine, oracle, block_size=block_size)
        self._bounds = bounds
        self._log = StreamLog(engine, tell)
        self._now = 0.0
        self._replayed_from: int | None = None
        self._failures = 0
        self._deadline: float | None = None
        self._confirm_at: float | None = None
        self._confirm = False
        self._fresh = True
        self._bad_replies = 0

    @property
    def epoch(self) -> int:
        """Which life of the engine's publisher this is, counted from 0."""
        return self.tracker.epoch

    @property
    def head(self) -> int | None:
        """The seq applied last in this epoch."""
        return self._intake.head

    @property
    def block_size(self) -> int | None:
        """Tokens of a block, as this epoch's events say."""
        return self._intake.block_size

    @property
    def incomplete(self) -> str:
        """Why this epoch's blocks will not be known any more; else empty."""
        return self._intake.incomplete

    @property
    def malformed(self) -> int:
        """How many messages were none."""
        return self._log.malformed

    def rates(self) -> dict[str, int]:
        """What came so far, in all epochs, as the history's ``rates`` has it for an engine."""
        blocks = self._intake.counts()["blocks"]
        return {"batches": self.batches, "blocks": blocks, "gaps": self._log.gaps}

    def counts(self) -> dict[str, int]:
        """What came, in all epochs; the names are those of the history's ``observer``."""
        return {"batches": self.batches, "malformed": self.malformed, **self._intake.counts()}

    def trouble(self) -> str:
        """Why what the oracle has may lag behind the engine right now; else empty."""
        if not self.connected:
            return "its event stream is cut" if self.linked else "its event stream is not on yet"
        if self._failures:
            return "its replay port does not answer"
        if self.tracker.asking or self._confirm or self._confirm_at is not None:
            return "its batches are being replayed"
        return self.tracker.reason

    def open(self, link: EventLink) -> None:
        """Follow the engine over ``link`` from now on."""
        self.close()
        self.link = link
        self._bad_replies = 0

    def close(self) -> None:
        """Give up the link; what is known stays."""
        if self.link:
            self.link.close()
        self.link = None
        self.connected = self.linked = False
        self._off()

    def restart(self, reason: str) -> None:
        """The engine's process is known to be another one: begin a new epoch."""
        self._heed(self.tracker.restart(), reason)

    def is_due(self, now: float) -> bool:
        """Whether something is to be done that nothing which comes in would call for."""
        deadline, confirm = self._deadline, self._confirm_at
        return (deadline is not None and now >= deadline) or (
            confirm is not None and now >= confirm
        )

    def turn(self, now: float) -> None:
        """Take what has come and ask for what is due."""
        if not self.link:
            return
        self._now = now
        frames = self.link.live(self._bounds.drain)
        for news in self.link.news():
            self._linked(news)
        self._take_live(frames)
        if len(frames) < self._bounds.drain:
            self._take_replies(self.link)
        elif self._deadline is not None:  # replies may be newer than live messages still to come
            self._deadline = now + self._bounds.silence
        self._on_time()

    def _linked(self, news: Link) -> None:
        """Attempts that never came to a connection also end as disconnected: no news."""
        if news is Link.DISCONNECTED and not self.connected:
            return
        self.connected = news is Link.CONNECTED
        self._log.tell(str(news))
        self._off()
        if self.connected:
            self.linked = self._fresh = self._confirm = True
            self._heed(self.tracker.check())

    def _off(self) -> None:
        """Nothing is due while there is no connection; the next one begins with a replay."""
        self._deadline = self._confirm_at = None
        self._confirm = False
        self._failures = 0

    def _take_live(self, messages: list[list[bytes]]) -> None:
        if not self._take_run(messages):
            self._take_each(messages)

    def _take_run(self, messages: list[list[bytes]]) -> bool:
        """Take them as one if they are the next ones, as nearly always; else nothing is done."""
        try:
            numbered = [(seq, payload) for _, seq, payload in messages]
        except ValueError:  # not of three frames
            return False
        first = self.tracker.next
        if self._fresh or not numbered or not self.tracker.run(numbered):
            return False
        payloads = [payload for _, payload in numbered]
        count, doubt = self._intake.run(payloads, first)
        self.batches += count
        if doubt:
            self._incomplete(doubt, range(first + count - 1, first + count - 1))
        for seq, payload in enumerate(payloads[count:], first + count):
            self._apply(Message(b"", seq, payload))
        return True

    def _take_each(self, messages: list[list[bytes]]) -> None:
        live, apply = self.tracker.live, self._apply
        for frames in messages:
            try:
                message = split_live(frames)
            except WireError as error:
                self._log.bad(str(error))
                continue
            step = live(message)
            if step.kind is Kind.APPLY:
                apply(message)
            else:
                self._heed(step)

    def _take_replies(self, link: EventLink) -> None:
        replies = link.replies(self._bounds.drain)
        asked = self._deadline is not None
        while self._bad_replies < link.malformed_replies():
            self._bad_replies += 1
            self._log.bad("a reply to a replay request could not be read")
        for reply in replies if asked else ():
            self._deadline = self._now + self._bounds.silence
            self._failures = 0
            if self._take_reply(reply):
                return

    def _take_reply(self, reply: Message | End) -> bool:
        """Whether that was the last one of the request."""
        if isinstance(reply, End):
            self._over(self.tracker.replay_ended())
            return True
        step = self.tracker.replayed(reply)
        if step.kind is Kind.APPLY:
            self._apply(reply)
            return False
        self._heed(step)
        return step.ask is not None

    def _on_time(self) -> None:
        """Replays that were silent too long fail, but are asked for again; one confirms others."""
        if self._deadline is not None and self._now >= self._deadline:
            self._failures += 1
            self._confirm = True
            self._over(self.tracker.replay_failed())
        if self._confirm_at is not None and self._now >= self._confirm_at and self.connected:
            self._confirm_at = None
            self._heed(self.tracker.check())

    def _over(self, step: Step) -> None:
        """A replay has ended, well or not."""
        self._deadline = None
        self._heed(step)
        if self.tracker.asking:
            return
        replayed = self.batches - (self._replayed_from or 0)
        if replayed:
            self._log.tell("replayed", seq=self.head, missing=replayed)
        self._settle()

    def _settle(self) -> None:
        """All that was replayed is applied; soon that is confirmed, once for each connection."""
        self._deadline = self._replayed_from = None
        if self._confirm:
            self._confirm = False
            self._confirm_at = self._now + self._bounds.confirm

    def _heed(self, step: Step, reason: str = "") -> None:
        """Do what the tracker says, beyond applying the message at hand."""
        if step.kind is Kind.RESTART:
            self._begin(reason)
        elif step.kind is Kind.GAP and step.missing:
            self._log.tell("gap", seq=step.missing.start, missing=len(step.missing))
        elif step.kind is Kind.LOST and step.missing is not None:
            self._lost(step.missing)
        for message in step.apply:
            self._apply(message)
        if step.ask is not None:
            self._ask(step.ask)

    def _begin(self, reason: str) -> None:
        self._intake.begin(self.epoch)
        self._fresh = True
        self._replayed_from = None
        self.restarted = not reason
        self._log.tell("restart", reason=reason or "its numbers or its history began anew")

    def _ask(self, start: int) -> None:
        if self._replayed_from is None:
            self._replayed_from = self.batches
        if self.link and self.connected:
            self._deadline = self._now + self._bounds.silence
            self.link.ask(start)

    def _lost(self, missing: range) -> None:
        """Without a seq that is missing it is news only once, and only if it is for good."""
        if missing or not (self.tracker.whole or self.incomplete):
            self._incomplete(self.tracker.reason, missing)

    def _incomplete(self, reason: str, missing: range) -> None:
        self._intake.doubt(reason)
        self._log.tell("incomplete", seq=missing.start, missing=len(missing), reason=reason)

    def _apply(self, message: Message) -> None:
        """One batch, the next in order, into the oracle; one that cannot be read is a hole."""
        self.batches += 1
        try:
            doubt = self._intake.apply(message)
        except WireError as error:
            self._log.bad(str(error), seq=message.seq)
            reason = f"batch {message.seq} cannot be read"
            self._incomplete(reason, range(message.seq, message.seq + 1))
            return
        if self._fresh:
            self._fresh = False
            self._log.tell("first event", seq=message.seq)
            if self.tracker.unheard:
                self._confirm_at = self._now
        if doubt:
            self._incomplete(doubt, range(message.seq, message.seq))
