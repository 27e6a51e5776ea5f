"""How far the index is from what the engines published: missing, phantom, ghost; or not known.

missing = expected - observed, phantom = observed - expected, per engine; a ghost is a pod in the
index that is not alive. The one rule guarded here: what was not observed is never agreement. An
engine whose blocks are not known for sure, or that is in the index but not followed, is unknown;
so is one with blocks in a place of which the router tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from kvchaos.index.blockset import NOTHING, BlockSet, beyond
from kvchaos.index.names import Block, BlockKey, Blocks, EngineId
from kvchaos.index.observed import Observed, Placing
from kvchaos.index.oracle import Expected

Sides = Mapping[str, AbstractSet[Block]]


@dataclass(frozen=True, slots=True)
class Difference:
    """The outcome, by engine label (``pod/rank``); engines without a difference are left out."""

    compared: tuple[str, ...] = ()
    missing: Sides = field(default_factory=dict)
    phantom: Sides = field(default_factory=dict)
    ghosts: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def agrees(self) -> bool | None:
        """False as soon as anything differs; None when nothing does, but not all is known."""
        if self.missing or self.phantom or self.ghosts:
            return False
        return True if self.compared and not self.unknown else None

    def meets(self, other: Difference) -> bool:
        """Whether a block of the same engine, or a ghost, is wrong in both, and in the same way."""
        return bool(set(self.ghosts) & set(other.ghosts)) or any(
            not blocks.isdisjoint(theirs.get(label, frozenset()))
            for mine, theirs in ((self.missing, other.missing), (self.phantom, other.phantom))
            for label, blocks in mine.items()
        )

    def counts(self) -> dict[str, Any]:
        """The fields of the history's ``sample``."""
        engines = {label: self._count(label) for label in self.compared}
        return {
            "agrees": self.agrees,
            "missing": sum(engine["missing"] for engine in engines.values()),
            "phantom": sum(engine["phantom"] for engine in engines.values()),
            "ghosts": list(self.ghosts),
            "engines": engines,
            "unknown": dict(self.unknown),
        }

    def _count(self, label: str) -> dict[str, int]:
        return {
            "missing": len(self.missing.get(label, ())),
            "phantom": len(self.phantom.get(label, ())),
        }


def compare(
    expected: Mapping[EngineId, Expected], observed: Observed, *, alive: AbstractSet[str]
) -> Difference:
    """The difference between the two for the pods named in ``alive``; the others can be ghosts."""
    place = observed.place
    wanted = {
        engine: placed(each, place) if place else each
        for engine, each in expected.items()
        if engine.pod in alive
    }
    known = {engine: each.blocks for engine, each in wanted.items() if each.complete}
    apart = {
        engine.label: _apart(blocks, _held(observed, engine)) for engine, blocks in known.items()
    }
    return Difference(
        compared=tuple(sorted(engine.label for engine in known)),
        missing={label: missing for label, (missing, _) in apart.items() if missing},
        phantom={label: phantom for label, (_, phantom) in apart.items() if phantom},
        ghosts=tuple(sorted({pod for pod, _ in observed.engines if pod not in alive})),
        unknown=_incomplete(wanted) | _not_followed(wanted, observed, alive),
    )


def placed(expected: Expected, place: Placing) -> Expected:
    """The same blocks in the places that the router tells apart; if it tells of all of them."""
    blocks: Blocks = {}
    for key, held in expected.blocks.items():
        told = place(key)
        if told is None:
            reason = f"the router tells nothing of blocks in {key.medium}, group {key.group}"
            return replace(expected, complete=False, reason=expected.reason or reason)
        blocks[told] = blocks[told] | held if told in blocks else held
    return replace(expected, blocks=blocks)


_Places = Mapping[BlockKey, frozenset[int]]


def _held(observed: Observed, engine: EngineId) -> _Places:
    view = observed.engines.get((engine.pod, engine.rank))
    return view.blocks if view else {}


def _apart(want: _Places, have: _Places) -> tuple[BlockSet, BlockSet]:
    """What only ``want`` has, and what only ``have`` has."""
    missing: dict[BlockKey, frozenset[int]] = {}
    phantom: dict[BlockKey, frozenset[int]] = {}
    for key in want.keys() | have.keys():
        left, right = want.get(key, NOTHING), have.get(key, NOTHING)
        if left != right:  # equal ones, which are the most, are gone through only once
            missing[key] = lost = beyond(left, right)
            both = len(left) - len(lost)
            phantom[key] = beyond(right, left) if both < len(right) else NOTHING
    return BlockSet(missing), BlockSet(phantom)


def _incomplete(wanted: Mapping[EngineId, Expected]) -> dict[str, str]:
    return {
        engine.label: each.reason or "its blocks are not completely known"
        for engine, each in wanted.items()
        if not each.complete
    }


def _not_followed(
    wanted: Mapping[EngineId, Expected], observed: Observed, alive: AbstractSet[str]
) -> dict[str, str]:
    followed = {(engine.pod, engine.rank) for engine in wanted}
    return {
        f"{pod}/{rank}": "in the index, but its events are not followed here"
        for pod, rank in observed.engines
        if pod in alive and (pod, rank) not in followed
    }
