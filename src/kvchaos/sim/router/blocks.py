"""What one engine rank holds, by its events: the router's index of it.

Engines tell every physical copy of a block, so copies are counted per (medium, group, hash).
Beside the counts there is a link from (parent, tokens) to each hash, by which a prompt is matched
to the engine's hashes; blocks with LoRA or extra keys have none, since their tokens alone do not
name them. A block whose parent is not known is kept all the same: the parent may come later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kvchaos.kvevents.wire import (
    AllBlocksCleared,
    Batch,
    BlockRemoved,
    BlockStored,
    block_hash,
    hashes,
)
from kvchaos.sim.router.tokens import digests

Place = tuple[str, int | None]
_Link = tuple[int | None, bytes]

DEFAULT_MEDIUM = "GPU"  # of engines too old to name one


class EngineBlocks:
    """Counts of copies by place, and links for matching prompts."""

    def __init__(self) -> None:
        self.block_size: int | None = None
        self._places: dict[Place, dict[int, int]] = {}
        self._links: dict[_Link, int] = {}
        self._link_of: dict[int, _Link] = {}
        self._take: dict[type, Callable[[Any], None]] = {
            BlockStored: self._store,
            BlockRemoved: self._remove,
            AllBlocksCleared: lambda _: self.clear(),
        }

    def apply(self, batch: Batch) -> None:
        """Take the batch's events, in order; those of unknown types are passed over."""
        for event in batch.events:
            if take := self._take.get(type(event)):
                take(event)

    def clear(self) -> None:
        """Hold nothing."""
        for table in (self._places, self._links, self._link_of):
            table.clear()

    def holdings(self) -> list[tuple[Place, list[int]]]:
        """The hashes held in each place that holds any."""
        return [(place, list(counts)) for place, counts in self._places.items() if counts]

    def match(self, blocks: Sequence[bytes]) -> int:
        """How many leading blocks of a prompt, given as digests, are held."""
        parent: int | None = None
        for matched, digest in enumerate(blocks):
            parent = self._links.get((parent, digest))
            if parent is None:
                return matched
        return len(blocks)

    def _store(self, event: BlockStored) -> None:
        names = hashes(event)
        counts = self._places.setdefault((event.medium or DEFAULT_MEDIUM, event.group_idx), {})
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        self.block_size = event.block_size
        if _is_plain(event, len(names)):
            self._link(event, names)

    def _link(self, event: BlockStored, names: Sequence[int]) -> None:
        parent = None if event.parent_block_hash is None else block_hash(event.parent_block_hash)
        for name, digest in zip(names, digests(event.token_ids, event.block_size), strict=True):
            self._links[parent, digest] = name
            self._link_of[name] = (parent, digest)
            parent = name

    def _remove(self, event: BlockRemoved) -> None:
        counts = self._places.get((event.medium or DEFAULT_MEDIUM, event.group_idx), {})
        for name in hashes(event):
            left = counts.get(name, 0) - 1
            if left > 0:
                counts[name] = left
            elif counts.pop(name, 0):
                self._unlink(name)

    def _unlink(self, name: int) -> None:
        if any(name in counts for counts in self._places.values()):
            return
        link = self._link_of.pop(name, None)
        if link is not None and self._links.get(link) == name:
            del self._links[link]


def _is_plain(event: BlockStored, blocks: int) -> bool:
    """Whether tokens and parent alone name these blocks, one run of tokens for each."""
    keyed = event.lora_id is not None or event.lora_name or any(event.extra_keys or ())
    return not keyed and len(event.token_ids) == blocks * event.block_size > 0
