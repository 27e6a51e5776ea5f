"""What a tracker says is to be done with a message, or after a replay; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kvchaos.kvevents.frames import Message

Messages = tuple[Message, ...]


class Kind(StrEnum):
    """What became of a message, or of a replay."""

    APPLY = "apply"
    DUPLICATE = "duplicate"
    HELD = "held"
    GAP = "gap"
    ASK = "ask"
    RESTART = "restart"
    LOST = "lost"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: at ``RESTART`` forget the engine's blocks, then apply ``apply`` in order,
    then request ``ask`` if it is not None.

    The constant ``APPLY`` is for speed: it means the very message handed in. ``HELD``: kept until
    the replay is over. ``GAP``: ``missing`` was skipped. ``ASK``: the replay is not enough yet.
    ``LOST``: within ``missing`` are seqs that cannot be had; if it is empty, nobody can tell.
    ``REPLAYED``: the replay is over and all is in order.
    """

    kind: Kind
    apply: Messages = ()
    ask: int | None = None
    missing: range | None = None


APPLY: Final = Step(Kind.APPLY)
DUPLICATE: Final = Step(Kind.DUPLICATE)
HELD: Final = Step(Kind.HELD)
