"""Some blocks of one engine, kept by place: a set of ``Block`` that makes one only when asked.

The rule: it equals any set of the same blocks, and what it is made of is shared, never copied. A
million missing blocks cost what a set of a million numbers does, not a million tuples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from kvchaos.index.names import Block, BlockKey

NOTHING: frozenset[int] = frozenset()


class BlockSet(AbstractSet[Block]):
    """The blocks with these hashes in these places; places without any are left out."""

    __slots__ = ("places",)

    def __init__(self, places: Mapping[BlockKey, frozenset[int]]) -> None:
        self.places = {key: hashes for key, hashes in places.items() if hashes}

    @classmethod
    def _from_iterable(cls, it: Iterable[Block]) -> AbstractSet[Block]:  # type: ignore[override]
        return frozenset(it)  # what is made of blocks one by one needs no places

    def __contains__(self, block: object) -> bool:
        if not isinstance(block, Block):
            return False
        return block.hash in self.places.get(BlockKey(block.medium, block.group), NOTHING)

    def __iter__(self) -> Iterator[Block]:
        for (medium, group), hashes in self.places.items():
            for block in hashes:
                yield Block(medium, group, block)

    def __len__(self) -> int:
        return sum(map(len, self.places.values()))

    def __repr__(self) -> str:
        return f"BlockSet({self.places!r})"

    def __and__(self, other: AbstractSet[object]) -> AbstractSet[Block]:
        if other is self:
            return self
        if not isinstance(other, BlockSet):
            return super().__and__(other)
        shared = self.places.keys() & other.places.keys()
        return BlockSet({key: _shared(self.places[key], other.places[key]) for key in shared})

    def __sub__(self, other: AbstractSet[object]) -> AbstractSet[Block]:
        if not other:
            return self
        if not isinstance(other, BlockSet):
            return super().__sub__(other)
        theirs = other.places
        return BlockSet(
            {key: beyond(mine, theirs.get(key, NOTHING)) for key, mine in self.places.items()}
        )


def beyond(left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    """What ``left`` has and ``right`` has not; ``left`` itself when that is all of it."""
    if left is right:
        return NOTHING
    return left - right if right else left


def _shared(left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    return left if left is right else left & right
