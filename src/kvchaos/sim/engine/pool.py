"""The block pool: which physical block caches which hash, who uses it, what is evicted next.

As vLLM's ``block_pool.py``: one hash may be cached in several physical blocks; a block nobody
uses stays cached until it is the least recently freed one and a new block is wanted. Pure.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Block:
    """One physical block: its number, the hash it caches if any, and how many use it."""

    number: int
    name: bytes | None = None
    uses: int = 0


class BlockPool:
    """``size`` physical blocks with least-recently-used eviction."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = OrderedDict((number, Block(number)) for number in range(size))
        self._cached: dict[bytes, OrderedDict[int, Block]] = {}

    @property
    def free(self) -> int:
        """Blocks that nobody uses, cached or not."""
        return len(self._free)

    def usage(self) -> float:
        """The part of the pool in use, 0 to 1."""
        return 1 - self.free / self.size

    def held(self) -> Counter[bytes]:
        """How many physical copies of each hash are cached now."""
        return Counter({name: len(copies) for name, copies in self._cached.items()})

    def prefix(self, names: Iterable[bytes]) -> list[Block]:
        """The longest run of cached blocks for ``names``; nothing is marked as used."""
        found = []
        for name in names:
            copies = self._cached.get(name)
            if not copies:
                break
            found.append(next(iter(copies.values())))
        return found

    def fits(self, hits: Sequence[Block], new: int) -> bool:
        """Whether ``new`` blocks are free beside ``hits``."""
        return new <= self.free - sum(block.uses == 0 for block in hits)

    def use(self, blocks: Iterable[Block]) -> None:
        """Mark cached ``blocks`` as used once more, which keeps them from eviction."""
        for block in blocks:
            if block.uses == 0:
                del self._free[block.number]
            block.uses += 1

    def take(self, count: int) -> tuple[list[Block], list[bytes]]:
        """``count`` free blocks, now used, and the hashes evicted for them, in that order."""
        blocks, evicted = [], []
        for _ in range(count):
            _, block = self._free.popitem(last=False)
            if block.name is not None:
                evicted.append(self._evict(block, block.name))
            block.uses = 1
            blocks.append(block)
        return blocks, evicted

    def cache(self, block: Block, name: bytes) -> None:
        """Let ``block`` be found under ``name`` from now on."""
        block.name = name
        self._cached.setdefault(name, OrderedDict())[block.number] = block

    def release(self, blocks: Sequence[Block]) -> None:
        """End one use of each; the tail of a prefix is freed first, so it is evicted first."""
        for block in reversed(blocks):
            block.uses -= 1
            if block.uses == 0:
                self._free[block.number] = block

    def reset(self) -> bool:
        """Forget all cached hashes; False, and nothing is done, while any block is in use."""
        if self.free < self.size:
            return False
        for block in self._free.values():
            block.name = None
        self._cached.clear()
        return True

    def _evict(self, block: Block, name: bytes) -> bytes:
        copies = self._cached[name]
        del copies[block.number]
        if not copies:
            del self._cached[name]
        block.name = None
        return name
