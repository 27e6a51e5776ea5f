"""What a tracker remembers of one epoch, within bounds; pure.

The rule guarded here: a message that was applied or is held can be told from another one of the
same seq, as long as it is among the last ones.
"""

from __future__ import annotations

from collections import deque

from kvchaos.kvevents.frames import Message


class Memory:
    """``applied``: hashes of the payloads applied last, without a hole; ``held``: live messages
    that wait for a replay, by seq; always the newest, so that a replay is asked for the others.
    """

    def __init__(self, *, window: int, hold: int) -> None:
        self.applied: deque[int] = deque(maxlen=window)
        self.held: dict[int, Message] = {}
        self._hold = hold

    def clear(self) -> None:
        """Forget the epoch."""
        self.applied.clear()
        self.held.clear()

    def keep(self, message: Message) -> None:
        """Hold a live message; if there are too many, only this one."""
        if len(self.held) >= self._hold:
            self.held.clear()
        self.held[message.seq] = message

    def drop(self, until: int, newest: int) -> int:
        """Hold no more what is held up to ``until``; the newest seq still held, else ``newest``."""
        self.held = {seq: message for seq, message in self.held.items() if seq > until}
        return max(self.held, default=newest)

    def digest(self, seq: int, following: int) -> int | None:
        """The hash of the payload at ``seq``, where ``following`` comes after the last applied;
        None if it is not remembered.
        """
        if seq in self.held:
            return hash(self.held[seq].payload)
        index = seq - following + len(self.applied)
        return self.applied[index] if 0 <= index < len(self.applied) else None
