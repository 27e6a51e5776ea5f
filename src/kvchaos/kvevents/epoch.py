"""One life of a publisher as far as it is known: what was applied, what is held, what it lacks;
pure.

The rules guarded here: batches are taken in order of their seq; what is passed over is said
(``reason``) and stays said; and a message that was applied or is held can be told from another
one of the same seq, as long as it is among the last ones.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.steps import Messages

FORGOTTEN: Final = "the publisher has them no more"
UNPROVEN: Final = "the publisher's history begins too late to show that it is the same one"
SILENT: Final = "the publisher did not answer a replay"
ABSENT: Final = "the publisher's history does not hold what came from it"


class Epoch:
    """``next`` is the seq to be taken next, ``newest`` that of the newest live message.

    ``reason`` tells what is lacking, for good unless ``whole``; ``lost`` counts seqs given up.
    ``applied``: hashes of the payloads taken last, at most ``window``, without a hole. ``held``:
    live messages that wait for a replay, by seq, at most ``hold``; they are known to be of this
    epoch once one of them is (``joined``), or taken ``on_trust`` when no replay would tell.
    """

    def __init__(self, *, window: int, hold: int) -> None:
        self.next = 0
        self.newest = -1
        self.reason = ""
        self.whole = True
        self.lost = 0
        self.joined = False
        self.on_trust = False
        self.applied: deque[int] = deque(maxlen=window)
        self.held: dict[int, Message] = {}
        self._hold = hold

    def take(self, message: Message) -> None:
        """It is the next one."""
        self.next = message.seq + 1
        self.applied.append(hash(message.payload))

    def keep(self, message: Message) -> None:
        """Hold a live message, the newest; if there are too many, only this one, so that a replay
        is asked for the others.
        """
        self.newest = message.seq
        if len(self.held) >= self._hold:
            self.held.clear()
        self.held[message.seq] = message

    def adopt(self, held: dict[int, Message]) -> None:
        """Hold these, that were held in another epoch."""
        self.held.update(held)
        self.newest = max(held, default=-1)

    def drop(self, until: int) -> None:
        """Hold no more what is held up to ``until``: it is of another life."""
        self.held = {seq: message for seq, message in self.held.items() if seq > until}
        self.newest = max(self.held, default=self.next - 1)

    def digest(self, seq: int) -> int | None:
        """The hash of the payload at ``seq``; None if it is not remembered."""
        if seq in self.held:
            return hash(self.held[seq].payload)
        index = seq - self.next + len(self.applied)
        return self.applied[index] if 0 <= index < len(self.applied) else None

    def flush(self, goal: int, why: str = "") -> tuple[Messages, range | None]:
        """Take what is held, in order, up to the first hole that ends after ``goal``; also
        from where to where seqs were given up for that, because of ``why``.
        """
        taken: list[Message] = []
        missing: range | None = None
        for seq in sorted(self.held):
            if seq > max(self.next, goal):
                break
            if seq > self.next:
                missing = range(missing.start if missing else self.next, seq)
                self.miss(seq, why)
            taken.append(self.held.pop(seq))
            self.take(taken[-1])
        return tuple(taken), missing

    def jump(self, message: Message, why: str) -> Messages:
        """Go on to this one, with what is held before it; what is not to be had is lacking."""
        taken, _ = self.flush(message.seq - 1, why)
        if message.seq >= self.next:
            self.held.pop(message.seq, None)
            self.miss(message.seq, why)
            self.take(message)
            taken = (*taken, message)
        self.doubt(why)
        return taken

    def miss(self, until: int, why: str) -> None:
        """Go on from ``until``; what comes before it is incomplete for good."""
        self.doubt(f"batches {self.next} to {until - 1}: {why}" if until > self.next else why)
        self.lost += until - self.next
        self.next = until
        self.applied.clear()

    def doubt(self, why: str) -> None:
        """Call it incomplete for good; the first such reason stays."""
        if self.whole:
            self.reason = why
        self.whole = False
