"""Two comparisons around one look at the router: only what both say is a difference. Pure.

The oracle moves on while the router answers. A block that it learnt or dropped in between is on its
way, not wrong; an engine that only one of the two could compare is unknown, not right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from kvchaos.index.compare import Difference
from kvchaos.index.names import Block, EngineId

Sides = Mapping[str, AbstractSet[Block]]


def persisting(first: Difference, second: Difference, *, unknown: Mapping[str, str]) -> Difference:
    """What differs in both; ``unknown`` adds what neither could compare."""
    both = set(first.compared) & set(second.compared)
    once = (set(first.compared) ^ set(second.compared)) - set(unknown)
    return Difference(
        compared=tuple(sorted(both)),
        missing=_common(first.missing, second.missing),
        phantom=_common(first.phantom, second.phantom),
        ghosts=tuple(sorted(set(first.ghosts) & set(second.ghosts))),
        unknown={
            **dict.fromkeys(once, "its epoch began or ended just now"),
            **unknown,
            **first.unknown,
            **second.unknown,
        },
    )


def not_followed(followed: Iterable[EngineId], alive: Iterable[str]) -> dict[str, str]:
    """The pods that are alive and whose events nobody follows yet, with the reason."""
    known = {engine.pod for engine in followed}
    return {pod: "its events are not followed yet" for pod in alive if pod not in known}


def _common(first: Sides, second: Sides) -> dict[str, AbstractSet[Block]]:
    shared = {label: first[label] & second[label] for label in first.keys() & second.keys()}
    return {label: blocks for label, blocks in sorted(shared.items()) if blocks}
