"""Refusals for what the engines are: their blocks have to be of the size that prompts are made of.

With another one a prompt of whole blocks is none to the engine, or of fewer: a canary of one
block publishes nothing, and a router that learns nothing from that would get the blame. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kvchaos.preflight.facts import Facts
from kvchaos.preflight.reason import Reason

LOOK = "KVCHAOS_BLOCK_SIZE, and the engines' --block-size"


def other_block_size(facts: Facts) -> Iterator[Reason]:
    """By what engines say at ``/metrics``; who says nothing is not refused for that.

    A whole multiple passes here: the blocks of vLLM with context parallelism are a multiple of the
    size that it names. Its events tell which, and the observer heeds them.
    """
    ours, told = facts.settings.block_size, _engines(facts)
    if len(told) > 1:
        yield Reason(
            "the engines' blocks are not of one size",
            wanted=f"blocks of {ours} tokens (block_size) in each of them",
            saw="; ".join(f"{size} in {_names(told[size])}" for size in sorted(told)),
            look=LOOK,
        )
    elif other := [size for size in told if ours % size]:
        yield Reason(
            "the engines' blocks are of another size",
            wanted=f"blocks of {ours} tokens (block_size)",
            saw=f"blocks of {other[0]} tokens in {_names(told[other[0]])}",
            look=LOOK,
        )


def larger_block_size(facts: Facts) -> Iterator[str]:
    """A note for a multiple."""
    ours, told = facts.settings.block_size, _engines(facts)
    if len(told) == 1 and (size := next(iter(told))) != ours and ours % size == 0:
        yield (
            f"block_size is {ours}, and the engines say {size}: "
            f"right only if they keep {ours // size} of them as one (context parallelism)"
        )


def _engines(facts: Facts) -> dict[int, list[str]]:
    """The pods that say so, by size."""
    found: dict[int, list[str]] = defaultdict(list)
    for pod, sizes in facts.block_sizes.items():
        for size in sizes:
            found[size].append(pod)
    return found


def _names(found: Iterable[str]) -> str:
    return ", ".join(sorted(found))
