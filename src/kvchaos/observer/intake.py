"""One engine's batches on their way into the oracle, and what they hold that makes it doubtful."""

from __future__ import annotations

from collections.abc import Sequence

from kvchaos.errors import WireError
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.kvevents.blockwire import decode_blocks, decode_run
from kvchaos.kvevents.frames import Message

NOT_KNOWN = "an event of a type that this version does not know"
NEVER_STORED = "removed a block that it never stored"
OTHER_SIZE = "its blocks have {} tokens, and block_size is {}: see KVCHAOS_BLOCK_SIZE"
AT_ONCE = 16
"""Batches that are decoded before they are applied: of more, the garbage collector has work."""


class Intake:
    """Feeds the oracle with what ``engine`` published, epoch by epoch; counts go over all.

    ``block_size`` is what its blocks have to be of, in tokens; None when that does not matter.
    """

    def __init__(self, engine: EngineId, oracle: Oracle, *, block_size: int | None = None) -> None:
        self._engine = engine
        self._oracle = oracle
        self._wanted = block_size
        self._holdings = oracle.begin(engine, epoch=0, complete=True)
        self._before = {"blocks": 0, "unknown_events": 0, "unmatched_removals": 0}

    @property
    def head(self) -> int | None:
        """The seq applied last in this epoch."""
        return self._holdings.head

    @property
    def block_size(self) -> int | None:
        """Tokens of a block, as this epoch's events say."""
        return self._holdings.block_size

    @property
    def incomplete(self) -> str:
        """Why this epoch's blocks will not be known any more; else empty."""
        return self._holdings.reason

    def counts(self) -> dict[str, int]:
        """Blocks stored, events of unknown types, and removals of what was not held."""
        now = self._holdings
        counted = (now.stored, now.unknown, now.unmatched)
        return {
            name: before + count
            for (name, before), count in zip(self._before.items(), counted, strict=True)
        }

    def begin(self, epoch: int) -> None:
        """The engine's blocks are gone; what comes now is of another life."""
        self._before = self.counts()
        self._holdings = self._oracle.begin(self._engine, epoch=epoch, complete=True)

    def doubt(self, reason: str) -> None:
        """What the engine holds will not be known any more in this epoch."""
        self._oracle.incomplete(self._engine, reason)

    def apply(self, message: Message) -> str:
        """Take over the next batch; why it makes a complete engine doubtful, else empty.

        ``WireError`` for one that cannot be read: it is passed over.
        """
        holdings = self._holdings
        try:
            batch = decode_blocks(message.payload)
        except WireError:
            holdings.head = message.seq
            raise
        holdings.apply(batch, seq=message.seq)
        return self._doubt()

    def run(self, payloads: Sequence[bytes], seq: int) -> tuple[int, str]:
        """Take over the next batches, numbered from ``seq`` on: how many, and as ``apply``.

        Up to the first that makes a complete engine doubtful; not all, when one cannot be read.
        """
        for at in range(0, len(payloads), AT_ONCE):
            part = payloads[at : at + AT_ONCE]
            try:
                batches = decode_run(part)
            except WireError:
                return at, ""
            taken = self._holdings.run(batches, seq=seq + at)
            if doubt := self._doubt():
                return at + taken, doubt
        return len(payloads), ""

    def _doubt(self) -> str:
        """Why the engine cannot be called complete after what was applied last; else empty."""
        now = self._holdings
        if not now.complete:
            return ""
        if self._wanted and now.block_size not in (None, self._wanted):
            return OTHER_SIZE.format(now.block_size, self._wanted)
        if not (now.unknown or now.unmatched):
            return ""
        return f"batch {now.head}: {NOT_KNOWN if now.unknown else NEVER_STORED}"
