"""What a router's index holds, in one form for all routers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kvchaos.index.names import BlockKey, Blocks

Placing: TypeAlias = Callable[[BlockKey], BlockKey | None]
"""Where the router tells of an engine's blocks that lie here; None: it tells nothing of them."""


@dataclass(frozen=True, slots=True)
class EngineView:
    """One engine as the router has it. None is what the router does not say, never 0."""

    blocks: Blocks
    uid: str | None = None
    seq: int | None = None
    connected: bool | None = None
    gaps: int | None = None
    replays: int | None = None
    restarts: int | None = None
    lost: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One snapshot: the index by (pod name, rank), and what the router tells of itself."""

    engines: Mapping[tuple[str, int], EngineView]
    router: Mapping[str, Any] = field(default_factory=dict)
    place: Placing | None = None
    """For a router that tells fewer places apart than the engines do; None: it tells them all."""
