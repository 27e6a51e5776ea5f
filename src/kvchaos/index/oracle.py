"""What the index should hold, from the engines' events alone; and whether that is known.

The one rule guarded here: an engine's blocks are *complete* only if every batch of its epoch was
applied, from seq 0 on. Whoever feeds the oracle says so at ``begin`` and takes it back with
``incomplete``; nothing but a new ``begin`` makes an engine complete again.

An engine stores a block once per physical copy and removes it once per evicted copy (vLLM#48933),
so blocks are counted, per (medium, group, hash); a block is held while its count is above zero.
Nearly all have one copy: what is held is a set, and only further copies have a count.
Seq and order are the business of ``kvevents.sequence``: batches come here once each, in order.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kvchaos.index.names import DEFAULT_MEDIUM, BlockKey, Blocks, EngineId
from kvchaos.kvevents.blockwire import BlockBatch, StoredBlocks
from kvchaos.kvevents.wire import AllBlocksCleared, Batch, BlockRemoved, BlockStored, hashes


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Expected:
    """What one engine holds, if ``complete``; else ``reason`` tells why that is not known."""

    blocks: Blocks
    complete: bool
    reason: str = ""
    epoch: int = 0
    head: int | None = None


@dataclass(slots=True)
class Copies:
    """The blocks of one place: ``held``, and how many copies beyond the first ``more`` has."""

    held: set[int] = field(default_factory=set)
    more: dict[int, int] = field(default_factory=dict)

    def store(self, blocks: list[int]) -> None:
        """One copy more of each."""
        held, more = self.held, self.more
        if held.isdisjoint(blocks):
            before = len(held)
            held.update(blocks)
            if len(held) - before == len(blocks):
                return  # as nearly always
            blocks = _repeated(blocks)
        for block in blocks:
            if block in held:
                more[block] = more.get(block, 0) + 1
            else:
                held.add(block)

    def remove(self, blocks: list[int]) -> int:
        """One copy less of each; how many there were none of."""
        held, more, unmatched = self.held, self.more, 0
        for block in blocks:
            if more and block in more:
                self._remove_copy(block)
            elif block in held:
                held.remove(block)
            else:
                unmatched += 1
        return unmatched

    def _remove_copy(self, block: int) -> None:
        self.more[block] -= 1
        if not self.more[block]:
            del self.more[block]


def _repeated(blocks: list[int]) -> list[int]:
    """Each as often as it stands there beyond the first time."""
    counts = Counter(blocks)
    counts.subtract(counts.keys())
    return list(counts.elements())


@dataclass(slots=True)
class Holdings:
    """One engine's blocks in the making: copies per place and hash, changed by ``apply``."""

    epoch: int
    complete: bool
    reason: str
    head: int | None = None
    places: dict[BlockKey, Copies] = field(default_factory=dict)
    stored: int = 0
    unmatched: int = 0
    """Removals of blocks that are not held: normal only for an engine that is not complete."""
    unknown: int = 0
    """Events of a type that this version does not know."""
    block_size: int | None = None
    """Tokens of a block in the engine's own cache, by the first event that stored some there."""
    _told: weakref.ref[Expected] | None = None
    """What ``expected`` returned last, for as long as somebody has it and nothing was applied."""

    def apply(self, batch: Batch | BlockBatch, *, seq: int) -> None:
        """Take over one batch, the next in order."""
        self.run((batch,), seq=seq)

    def run(self, batches: Sequence[Batch | BlockBatch], *, seq: int) -> int:
        """Take over the next batches, numbered from ``seq`` on; how many.

        Not all, when one holds what makes a complete engine doubtful: up to that one.
        """
        complete, count, stored = self.complete, 0, 0
        copies = medium = group = None
        event: Any  # type() narrows nothing, and is fast
        for batch in batches:
            count += 1
            for event in batch.events:
                kind = type(event)
                if kind is StoredBlocks or kind is BlockStored:
                    if copies is None or event.medium != medium or event.group_idx != group:
                        medium, group = event.medium, event.group_idx
                        copies = self._at(medium, group)
                        if self.block_size is None:
                            self._learn_size(event)
                    blocks = hashes(event)
                    stored += len(blocks)
                    copies.store(blocks)
                elif kind is BlockRemoved:
                    self._remove(event)
                elif kind is AllBlocksCleared:
                    self.places.clear()
                    copies = None
                else:
                    self.unknown += 1
            if complete and (self.unmatched or self.unknown):
                break
        self.stored += stored
        self.head = seq + count - 1
        self._told = None
        return count

    def _learn_size(self, event: BlockStored | StoredBlocks) -> None:
        """Not from other media nor from further groups, whose blocks may be of other sizes."""
        if (event.medium or DEFAULT_MEDIUM) == DEFAULT_MEDIUM and not event.group_idx:
            self.block_size = event.block_size

    def _remove(self, event: BlockRemoved) -> None:
        self.unmatched += self._at(event.medium, event.group_idx).remove(hashes(event))

    def _at(self, medium: str | None, group: int | None) -> Copies:
        key = (medium or DEFAULT_MEDIUM, group)
        copies = self.places.get(key)  # type: ignore[call-overload]  # equal to its BlockKey
        return copies if copies is not None else self.places.setdefault(BlockKey(*key), Copies())

    def expected(self) -> Expected:
        """A copy that later batches do not change; places that hold nothing are left out.

        The same one again as long as nothing has changed: most engines are quiet at most looks.
        """
        last = self._told() if self._told else None
        if last and (last.complete, last.reason, last.head) == (
            self.complete,
            self.reason,
            self.head,
        ):
            return last
        blocks = {key: frozenset(each.held) for key, each in self.places.items() if each.held}
        made = Expected(blocks, self.complete, self.reason, self.epoch, self.head)
        self._told = weakref.ref(made)
        return made


class Oracle:
    """The holdings of all engines that are followed."""

    def __init__(self) -> None:
        self._engines: dict[EngineId, Holdings] = {}

    def begin(self, engine: EngineId, *, epoch: int, complete: bool, reason: str = "") -> Holdings:
        """Forget the engine's blocks and start an epoch; returns its holdings, to be fed."""
        holdings = Holdings(epoch=epoch, complete=complete, reason=reason)
        self._engines[engine] = holdings
        return holdings

    def apply(self, engine: EngineId, batch: Batch | BlockBatch, *, seq: int) -> None:
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
