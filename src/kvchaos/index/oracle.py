"""What the index should hold, from the engines' events alone; and whether that is known.

The one rule guarded here: an engine's blocks are *complete* only if every batch of its epoch was
applied, from seq 0 on. Whoever feeds the oracle says so at ``begin`` and takes it back with
``incomplete``; nothing but a new ``begin`` makes an engine complete again.

An engine stores a block once per physical copy and removes it once per evicted copy (vLLM#48933),
so blocks are counted, per (medium, group, hash); a block is held while its count is above zero.
Seq and order are the business of ``kvevents.sequence``: batches come here once each, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kvchaos.index.names import DEFAULT_MEDIUM, BlockKey, Blocks, EngineId
from kvchaos.kvevents.wire import AllBlocksCleared, Batch, BlockRemoved, BlockStored, hashes


@dataclass(frozen=True, slots=True)
class Expected:
    """What one engine holds, if ``complete``; else ``reason`` tells why that is not known."""

    blocks: Blocks
    complete: bool
    reason: str = ""
    epoch: int = 0
    head: int | None = None


@dataclass(slots=True)
class Holdings:
    """One engine's blocks in the making: counts per place and hash, changed by ``apply``."""

    epoch: int
    complete: bool
    reason: str
    head: int | None = None
    counts: dict[BlockKey, dict[int, int]] = field(default_factory=dict)
    stored: int = 0
    unmatched: int = 0
    """Removals of blocks that are not held: normal only for an engine that is not complete."""
    unknown: int = 0
    """Events of a type that this version does not know."""

    def apply(self, batch: Batch, *, seq: int) -> None:
        """Take over one batch, the next in order."""
        for event in batch.events:
            kind = type(event)
            if kind is BlockStored:
                self._store(event)  # type: ignore[arg-type]  # type() narrows nothing, and is fast
            elif kind is BlockRemoved:
                self._remove(event)  # type: ignore[arg-type]  # as above
            elif kind is AllBlocksCleared:
                self.counts.clear()
            else:
                self.unknown += 1
        self.head = seq

    def _store(self, event: BlockStored) -> None:
        counts = self._at(event.medium, event.group_idx)
        blocks = hashes(event)
        for block in blocks:
            counts[block] = counts.get(block, 0) + 1
        self.stored += len(blocks)

    def _remove(self, event: BlockRemoved) -> None:
        counts = self._at(event.medium, event.group_idx)
        for block in hashes(event):
            left = counts.pop(block, 0) - 1
            if left > 0:
                counts[block] = left
            elif left < 0:
                self.unmatched += 1

    def _at(self, medium: str | None, group: int | None) -> dict[int, int]:
        key = (medium or DEFAULT_MEDIUM, group)
        counts = self.counts.get(key)  # type: ignore[call-overload]  # equal to its BlockKey
        return counts if counts is not None else self.counts.setdefault(BlockKey(*key), {})

    def expected(self) -> Expected:
        """A copy that later batches do not change; places that hold nothing are left out."""
        blocks = {key: frozenset(counts) for key, counts in self.counts.items() if counts}
        return Expected(blocks, self.complete, self.reason, self.epoch, self.head)


class Oracle:
    """The holdings of all engines that are followed."""

    def __init__(self) -> None:
        self._engines: dict[EngineId, Holdings] = {}

    def begin(self, engine: EngineId, *, epoch: int, complete: bool, reason: str = "") -> Holdings:
        """Forget the engine's blocks and start an epoch; returns its holdings, to be fed."""
        holdings = Holdings(epoch=epoch, complete=complete, reason=reason)
        self._engines[engine] = holdings
        return holdings

    def apply(self, engine: EngineId, batch: Batch, *, seq: int) -> None:
        """Take over one batch, the next in order of the engine's epoch."""
        self._engines[engine].apply(batch, seq=seq)

    def incomplete(self, engine: EngineId, reason: str) -> None:
        """The engine's blocks are not known until it begins anew; the first reason stays."""
        holdings = self._engines[engine]
        if holdings.complete or not holdings.reason:
            holdings.complete = False
            holdings.reason = reason

    def forget(self, uid: str) -> None:
        """Drop all ranks of a pod that is gone."""
        for engine in [engine for engine in self._engines if engine.uid == uid]:
            del self._engines[engine]

    def holdings(self, engine: EngineId) -> Holdings | None:
        """The engine's blocks in the making, or None when it is not followed."""
        return self._engines.get(engine)

    def expected(self) -> dict[EngineId, Expected]:
        """What each engine holds now."""
        return {engine: holdings.expected() for engine, holdings in self._engines.items()}
