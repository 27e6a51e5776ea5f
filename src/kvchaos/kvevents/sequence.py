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

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from kvchaos.kvevents.epoch import ABSENT, FORGOTTEN, SILENT, UNPROVEN, Epoch
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.steps import APPLY, DUPLICATE, HELD, Kind, Messages, Step

LAST: Final = 2**64 - 1
"""No message has it: as a seq frame it is the end marker."""


class Tracker:
    """The order of one (pod, rank); knows seqs and payloads, not what is in them.

    ``epoch`` counts the publisher's lives seen, ``next`` is the seq to be applied next. ``gaps``,
    ``duplicates`` (live), ``restarts`` and ``lost`` (seqs) count from the start on; ``reason``
    tells what this epoch lacks ("" = nothing). At most ``hold`` messages are held, ``window``
    hashes kept, and ``tries`` replays in a row left unanswered before going on without. While
    ``asking``, a replay is under way and live messages are held.
    """

    def __init__(self, *, window: int = 16_384, hold: int = 20_000, tries: int = 3) -> None:
        self.epoch = 0
        self.gaps = 0
        self.duplicates = 0
        self.restarts = 0
        self._tries = tries
        self._answers = False
        self._mute = False
        self._lost = 0
        self._new = partial(Epoch, window=window, hold=hold)
        self._life = self._new()
        self.asking = False
        self._proven = True
        self._asked_at = 0
        self._goal = -1
        self._failures = 0

    @property
    def next(self) -> int:
        """The seq to be applied next."""
        return self._life.next

    @property
    def lost(self) -> int:
        """Seqs that were given up, in all epochs."""
        return self._lost + self._life.lost

    @property
    def complete(self) -> bool:
        """Whether every batch of the epoch that is known of was applied, from seq 0 on."""
        return not self.reason and not self.asking

    @property
    def reason(self) -> str:
        """What this epoch lacks; who never keeps anything replays nothing, which proves nothing."""
        mute = self._mute and not self._answers and self._life.next == 0
        return self._life.reason or (ABSENT if mute else "")

    @property
    def whole(self) -> bool:
        """Whether nothing is amiss in this epoch that no replay can make good."""
        return self._life.whole

    @property
    def unheard(self) -> bool:
        """Whether it is still open if the publisher keeps any history. Check once it has published:
        else a new life without batches cannot be told from a publisher that keeps none.
        """
        return not (self._answers or self._mute)

    def check(self) -> Step:
        """Ask what there is: at the start and after each reconnect. It may be another publisher."""
        return self._ask(Kind.ASK)

    def restart(self) -> Step:
        """The publisher is known to be another one (its container restarted): begin anew."""
        return self._restart()

    def live(self, message: Message) -> Step:
        """What to do with a message of the subscription."""
        life = self._life
        if message.seq == life.next and not self.asking:
            life.newest = life.next
            life.next += 1
            life.applied.append(hash(message.payload))
            life.joined = True
            return APPLY
        return self._out_of_order(message)

    def run(self, messages: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether these live messages, by seq frame and payload, are the next ones, each to be
        applied: then they are taken. Else nothing is, and each is to go through ``live``.
        """
        life = self._life
        start, after = life.next, life.next + len(messages)
        if self.asking or after > LAST:
            return False
        numbers = [number.to_bytes(8, "big") for number in range(start, after)]
        if numbers != [seq for seq, _ in messages]:
            return False
        life.newest, life.next = after - 1, after
        life.applied.extend([hash(payload) for _, payload in messages])
        life.joined = True
        return True

    def _out_of_order(self, message: Message) -> Step:
        if message.seq <= self._life.newest or message.seq < self.next:
            return self._passed(message)
        self._life.keep(message)
        if self.asking:
            return HELD
        self.gaps += 1
        return self._ask(Kind.GAP, range(self.next, message.seq))

    def _passed(self, message: Message) -> Step:
        """A replay was faster, or the message came twice; or another life of the publisher."""
        known = self._life.digest(message.seq)
        later = message.seq > self._life.newest
        if known == hash(message.payload) or (known is None and later):
            self._life.newest = max(self._life.newest, message.seq)
            self.duplicates += 1
            return DUPLICATE
        return self._restart(message)

    def replayed(self, message: Message) -> Step:
        """What to do with a reply to the replay asked for last."""
        if not self.asking:
            return DUPLICATE
        self._answers = True
        known = self._life.digest(message.seq)
        if self._life.on_trust or (known is not None and known != hash(message.payload)):
            return self._restart()
        if message.seq < self.next:
            self._proven |= known is not None
            return DUPLICATE
        if not self._proven:
            return self._lose(message, UNPROVEN)
        if message.seq > self.next:
            return self._skipped(message)
        self._life.joined |= self._life.held.pop(message.seq, None) is not None
        self._life.take(message)
        return APPLY

    def _skipped(self, message: Message) -> Step:
        """Some were left out. A ROUTER drops replies at its high-water mark, so ask once more
        from there; what is then still left out is gone.
        """
        held = self._life.flush(-1)[0] if self._life.joined else ()
        if message.seq < self.next:
            return Step(Kind.DUPLICATE, held)
        if self.next > self._asked_at:
            return self._ask(Kind.ASK, range(self.next, message.seq), held)
        return self._lose(message, FORGOTTEN)

    def replay_ended(self) -> Step:
        """What to do when the end marker has come."""
        if not self.asking:
            return DUPLICATE
        if self._life.on_trust or not self._proven:
            self._mute = not self._answers
            return self._restart(keep=True)
        if self._life.whole:
            self._life.reason = ""
        if self._life.held and not self._life.joined:
            return self._unjoined()
        return self._conclude(FORGOTTEN)

    def _unjoined(self) -> Step:
        """The replay brought none of what is held: ask anew, for all of it; what is not there
        even then is not this publisher's. One that never showed anything may just keep nothing.
        """
        if self.next > self._asked_at or min(self._life.held) > self._goal:
            return self._ask(Kind.ASK)
        if not self._answers:
            self._mute = True
            self._life.doubt(ABSENT)
            return self._go_on(ABSENT)
        self._life.drop(self._goal)
        return self._conclude(ABSENT)

    def replay_failed(self) -> Step:
        """What to do when no reply has come in time: ask again, at last go on without (``LOST``),
        which a later ``check`` that is answered makes good, unless seqs are missing.
        """
        if not self.asking:
            return DUPLICATE
        self._failures = 1 if self.next > self._asked_at else self._failures + 1
        if self._failures < self._tries:
            return self._ask(Kind.ASK, range(self.next, min(self._life.held, default=self.next)))
        self._life.reason = self._life.reason or SILENT
        self._goal = self._life.newest
        self._life.on_trust = bool(self._life.held) and not self._life.joined
        return self._go_on(SILENT)

    def _go_on(self, why: str) -> Step:
        step = self._conclude(why)
        return replace(step, kind=Kind.LOST, missing=step.missing or range(self.next, self.next))

    def _conclude(self, why: str) -> Step:
        """Let go what was held; what came only after the request may need another one."""
        self.asking = False
        self._failures = 0
        apply, missing = self._life.flush(self._goal, why)
        kind = Kind.REPLAYED if missing is None else Kind.LOST
        if not self._life.held:
            return Step(kind, apply, missing=missing)
        return self._ask(Kind.ASK if missing is None else kind, missing, apply)

    def _restart(self, message: Message | None = None, *, keep: bool = False) -> Step:
        """Another epoch; if it is known by a live message, by that one. What is held may be kept,
        as long as nothing says that it is of the old one.
        """
        held = self._life.held if keep else {}
        asked, self.asking = self.asking, False
        self._failures = 0
        self.epoch += 1
        self.restarts += 1
        self._lost = self.lost
        self._life = self._new()
        self._life.adopt(held)
        if message is None:
            return self._ask(Kind.RESTART)
        if message.seq == 0:
            self._life.newest = 0
            self._life.take(message)
            if not asked:
                return Step(Kind.RESTART, (message,))
            return self._ask(Kind.RESTART, apply=(message,))  # it may be of a life in between
        self._life.keep(message)
        return self._ask(Kind.RESTART, range(message.seq))

    def _ask(self, kind: Kind, missing: range | None = None, apply: Messages = ()) -> Step:
        self.asking = True
        self._proven = self.next == 0
        self._asked_at = self.next
        self._goal = self._life.newest
        return Step(kind, apply, ask=max(self.next - 1, 0), missing=missing)

    def _lose(self, message: Message, why: str) -> Step:
        """Go on with a reply although what comes before it is not to be had."""
        self._proven = True
        missing = range(self._life.next, message.seq)
        return Step(Kind.LOST, self._life.jump(message, why), missing=missing)
