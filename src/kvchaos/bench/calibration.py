"""A loop that never changes, so that figures of two times or machines can be laid side by side.

It does what kvchaos' hot paths do, without any code of kvchaos: dicts of integers filled and
emptied, sets subtracted, small bytes unpacked. Changing it makes every stored baseline worthless.
"""

from __future__ import annotations

from kvchaos.bench.timing import cpu_seconds

ROUNDS = 10
BLOCKS = 4000


def calibrated() -> float:
    """CPU seconds of the loop, about 20 ms on a machine of 2024."""
    began = cpu_seconds()
    for turn in range(ROUNDS):
        _work(turn)
    return cpu_seconds() - began


def _work(turn: int) -> int:
    counts: dict[int, int] = {}
    for number in range(BLOCKS):
        block = int.from_bytes((number * 2654435761 + turn).to_bytes(8, "big"), "big")
        counts[block] = counts.get(block, 0) + 1
    whole = frozenset(counts)
    for block in sorted(whole)[::2]:
        left = counts.pop(block) - 1
        if left > 0:
            counts[block] = left
    return len(whole - counts.keys())
