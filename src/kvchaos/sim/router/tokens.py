"""Digests of a prompt's blocks: how the router recognises tokens without the engine's hash."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence

SIZE = 16


def digests(tokens: Sequence[int], block_size: int) -> list[bytes]:
    """One digest for the tokens of each full block; a tail that fills no block has none."""
    raw = memoryview(array("q", tokens)).cast("B")
    width = block_size * 8
    return [
        hashlib.blake2b(raw[start : start + width], digest_size=SIZE).digest()
        for start in range(0, len(raw) - width + 1, width)
    ]
