"""How engines and blocks are named when what an index should hold meets what it holds.

Hashes are unsigned 64-bit numbers here, whatever the engine or router writes on the wire.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class EngineId(NamedTuple):
    """One event stream: a rank of one life of a pod (a pod made anew has another uid)."""

    pod: str
    uid: str
    rank: int

    @property
    def label(self) -> str:
        """``pod/rank``, for people and for the history."""
        return f"{self.pod}/{self.rank}"


class BlockKey(NamedTuple):
    """Where in an engine a block lies: its medium and its KV-cache group (None: not said)."""

    medium: str
    group: int | None


class Block(NamedTuple):
    """One block of one engine."""

    medium: str
    group: int | None
    hash: int


Blocks: TypeAlias = "dict[BlockKey, frozenset[int]]"

DEFAULT_MEDIUM = "GPU"
"""The medium of an event that does not name one (vLLM before #19737, SGLang's default)."""
