"""Which of an engine rank's batches to apply, in which order, and what is missing; pure.

The rule guarded here: within an epoch each batch is applied once and in order of its seq, batches
of two epochs are never mixed, and what could not be had is said (``reason``), never passed over.

Live messages and replies to replays both go through a ``Tracker``. It heeds three facts: a
publisher numbers its batches from 0 in each of its lives; one connection brings live seqs in
growing order; a replay holds whatever was published before it was asked for and is not yet
forgotten. Each replay is asked for from the last applied batch *inclusive*: its payload (a hash
of it is kept) proves that the publisher is still the same one. Another payload at that seq, or
a history that ends before it, is a restart; a history that begins later proves nothing, so what
follows is applied but counts as incomplete. (A publisher with ``buffer_steps`` 0 seems to
restart at each replay, and so is not complete.)

What was held while a replay from 0 was under way may be of the life before, so it is applied only
once a replay has brought it, or one held before it. What was there at the time of a request and
is not in its replay is of another life.

Replies to an abandoned request must not come in: a new request replaces the one under way. Read
what is live, all that is there, before what is replayed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.memory import Memory


class Kind(StrEnum):
    """What became of a message, or of a replay."""

    APPLY = "apply"
    DUPLICATE = "duplicate"
    HELD = "held"
    GAP = "gap"
    ASK = "ask"
    RESTART = "restart"
    LOST = "lost"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: at ``RESTART`` forget the engine's blocks, then apply ``apply`` in order,
    then request ``ask`` if it is not None.

    The constant ``APPLY`` is for speed: it means the very message handed in. ``HELD``: kept until
    the replay is over. ``GAP``: ``missing`` was skipped. ``ASK``: the replay is not enough yet.
    ``LOST``: within ``missing`` are seqs that cannot be had; if it is empty, nobody can tell.
    ``REPLAYED``: the replay is over and all is in order.
    """

    kind: Kind
    apply: tuple[Message, ...] = ()
    ask: int | None = None
    missing: range | None = None


APPLY: Final = Step(Kind.APPLY)
DUPLICATE: Final = Step(Kind.DUPLICATE)
HELD: Final = Step(Kind.HELD)
_FORGOTTEN: Final = "the publisher has them no more"
_UNPROVEN: Final = "the publisher's history begins too late to show that it is the same one"
_SILENT: Final = "the publisher did not answer a replay"
_ABSENT: Final = "the publisher's history does not hold what came from it"


class Tracker:
    """The order of one (pod, rank); knows seqs and payloads, not what is in them.

    ``epoch`` counts the publisher's lives seen, ``next`` is the seq to be applied next. ``gaps``,
    ``duplicates`` (live), ``restarts`` and ``lost`` (seqs) count from the start on; ``reason``
    tells what this epoch lacks ("" = nothing). At most ``hold`` messages are held, ``window``
    hashes kept, and ``tries`` replays in a row left unanswered before going on without.
    """

    def __init__(self, *, window: int = 16_384, hold: int = 20_000, tries: int = 3) -> None:
        self.epoch = 0
        self.gaps = 0
        self.duplicates = 0
        self.restarts = 0
        self.lost = 0
        self._tries = tries
        self._answers = False
        self._mute = False
        self._memory = Memory(window=window, hold=hold)
        self._begin()

    def _begin(self) -> None:
        self.next = 0
        self._reason = ""
        self._whole = True
        self._newest = -1
        self._memory.clear()
        self._asking = False
        self._proven = True
        self._joined = False
        self._trusting = False
        self._asked_at = 0
        self._goal = -1
        self._failures = 0

    @property
    def complete(self) -> bool:
        """Whether every batch of the epoch that is known of was applied, from seq 0 on."""
        return not self.reason and not self._asking

    @property
    def reason(self) -> str:
        """What this epoch lacks; that a publisher which never keeps anything replays nothing from
        0 on does not say that there is nothing.
        """
        mute = self._mute and not self._answers and self.next == 0
        return self._reason or (_ABSENT if mute else "")

    @property
    def whole(self) -> bool:
        """Whether nothing is amiss in this epoch that no replay can make good."""
        return self._whole

    @property
    def unheard(self) -> bool:
        """Whether it is still open if the publisher keeps any history. Check once it has published:
        else a new life without batches cannot be told from a publisher that keeps none.
        """
        return not (self._answers or self._mute)

    @property
    def asking(self) -> bool:
        """Whether a replay is under way, and live messages are held."""
        return self._asking

    def check(self) -> Step:
        """Ask what there is: at the start, and after each reconnect, when the publisher may be
        another one and batches may have passed unseen.
        """
        return self._ask(Kind.ASK)

    def restart(self) -> Step:
        """The publisher is known to be another one (its container restarted): begin anew."""
        return self._restart()

    def live(self, message: Message) -> Step:
        """What to do with a message of the subscription."""
        if message.seq == self.next and not self._asking:
            self._newest = self.next
            self.next += 1
            self._joined = True
            self._memory.applied.append(hash(message.payload))
            return APPLY
        return self._out_of_order(message)

    def _out_of_order(self, message: Message) -> Step:
        if message.seq <= self._newest or message.seq < self.next:
            return self._passed(message)
        self._newest = message.seq
        self._memory.keep(message)
        if self._asking:
            return HELD
        self.gaps += 1
        return self._ask(Kind.GAP, range(self.next, message.seq))

    def _passed(self, message: Message) -> Step:
        """A replay was faster, or the message came twice; or another life of the publisher."""
        known = self._memory.digest(message.seq, self.next)
        later = message.seq > self._newest
        if known == hash(message.payload) or (known is None and later):
            self._newest = max(self._newest, message.seq)
            self.duplicates += 1
            return DUPLICATE
        return self._restart(message)

    def replayed(self, message: Message) -> Step:
        """What to do with a reply to the replay asked for last."""
        if not self._asking:
            return DUPLICATE
        self._answers = True
        known = self._memory.digest(message.seq, self.next)
        if self._trusting or (known is not None and known != hash(message.payload)):
            return self._restart()
        if message.seq < self.next:
            self._proven |= known is not None
            return DUPLICATE
        if not self._proven:
            return self._lose(message, _UNPROVEN)
        if message.seq > self.next:
            return self._skipped(message)
        self._joined |= self._memory.held.pop(message.seq, None) is not None
        self._take(message)
        return APPLY

    def _skipped(self, message: Message) -> Step:
        """Some were left out. A ROUTER drops replies at its high-water mark, so ask once more
        from there; what is then still left out is gone.
        """
        held = self._flush(-1)[0] if self._joined else ()
        if message.seq < self.next:
            return Step(Kind.DUPLICATE, held)
        if self.next > self._asked_at:
            return self._ask(Kind.ASK, range(self.next, message.seq), held)
        return self._lose(message, _FORGOTTEN)

    def replay_ended(self) -> Step:
        """What to do when the end marker has come."""
        if not self._asking:
            return DUPLICATE
        if self._trusting or not self._proven:
            self._mute = not self._answers
            return self._restart(keep=True)
        if self._whole:
            self._reason = ""
        if self._memory.held and not self._joined:
            return self._unjoined()
        return self._conclude(_FORGOTTEN)

    def _unjoined(self) -> Step:
        """The replay brought none of what is held: ask anew, for all of it; what is not there
        even then is not this publisher's. One that never showed anything may just keep nothing.
        """
        if self.next > self._asked_at or min(self._memory.held) > self._goal:
            return self._ask(Kind.ASK)
        if not self._answers:
            self._mute = True
            self._doubt(_ABSENT)
            return self._go_on(_ABSENT)
        self._newest = self._memory.drop(self._goal, self.next - 1)
        return self._conclude(_ABSENT)

    def replay_failed(self) -> Step:
        """What to do when no reply has come in time: ask again, at last go on without.

        Going on is ``LOST``; a later ``check`` that is answered makes it good, unless seqs are
        missing.
        """
        if not self._asking:
            return DUPLICATE
        self._failures = 1 if self.next > self._asked_at else self._failures + 1
        if self._failures < self._tries:
            return self._ask(Kind.ASK, range(self.next, min(self._memory.held, default=self.next)))
        self._reason = self._reason or _SILENT
        self._goal = self._newest
        self._trusting = bool(self._memory.held) and not self._joined
        return self._go_on(_SILENT)

    def _go_on(self, why: str) -> Step:
        step = self._conclude(why)
        return replace(step, kind=Kind.LOST, missing=step.missing or range(self.next, self.next))

    def _conclude(self, why: str) -> Step:
        """Let go what was held; what came only after the request may need another one."""
        self._asking = False
        self._failures = 0
        apply, missing = self._flush(self._goal, why)
        kind = Kind.REPLAYED if missing is None else Kind.LOST
        if not self._memory.held:
            return Step(kind, apply, missing=missing)
        return self._ask(Kind.ASK if missing is None else kind, missing, apply)

    def _restart(self, message: Message | None = None, *, keep: bool = False) -> Step:
        """Another epoch; if it is known by a live message, by that one. What is held may be kept,
        as long as nothing says that it is of the old one.
        """
        held = dict(self._memory.held) if keep else {}
        asking = self._asking
        self.epoch += 1
        self.restarts += 1
        self._begin()
        self._memory.held.update(held)
        self._newest = max(held, default=-1)
        if message is None:
            return self._ask(Kind.RESTART)
        self._newest = message.seq
        if message.seq == 0:
            self._take(message)
            if not asking:
                return Step(Kind.RESTART, (message,))
            return self._ask(Kind.RESTART, apply=(message,))  # it may be of a life in between
        self._memory.keep(message)
        return self._ask(Kind.RESTART, range(message.seq))

    def _ask(
        self, kind: Kind, missing: range | None = None, apply: tuple[Message, ...] = ()
    ) -> Step:
        self._asking = True
        self._proven = self.next == 0
        self._asked_at = self.next
        self._goal = self._newest
        return Step(kind, apply, ask=max(self.next - 1, 0), missing=missing)

    def _lose(self, message: Message, why: str) -> Step:
        """Go on with a reply although what comes before it is not to be had."""
        self._proven = True
        first = self.next
        held, _ = self._flush(message.seq - 1, why)
        if message.seq >= self.next:
            self._memory.held.pop(message.seq, None)
            self._miss(message.seq, why)
            self._take(message)
            held = (*held, message)
        self._doubt(why)
        return Step(Kind.LOST, held, missing=range(first, message.seq))

    def _flush(self, goal: int, why: str = "") -> tuple[tuple[Message, ...], range | None]:
        """Take what is held, in order, up to the first hole that ends after ``goal``; also
        from where to where seqs were given up for that.
        """
        taken: list[Message] = []
        missing: range | None = None
        for seq in sorted(self._memory.held):
            if seq > max(self.next, goal):
                break
            if seq > self.next:
                missing = range(missing.start if missing else self.next, seq)
                self._miss(seq, why)
            taken.append(self._memory.held.pop(seq))
            self._take(taken[-1])
        return tuple(taken), missing

    def _miss(self, until: int, why: str) -> None:
        """Go on from ``until``; what comes before it in this epoch is incomplete for good."""
        self._doubt(f"batches {self.next} to {until - 1}: {why}" if until > self.next else why)
        self.lost += until - self.next
        self.next = until
        self._memory.applied.clear()

    def _doubt(self, why: str) -> None:
        """Call the epoch incomplete for good; its first such reason stays."""
        if self._whole:
            self._reason = why
        self._whole = False

    def _take(self, message: Message) -> None:
        self.next = message.seq + 1
        self._memory.applied.append(hash(message.payload))
