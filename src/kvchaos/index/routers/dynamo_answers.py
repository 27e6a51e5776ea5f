"""What Dynamo's standalone indexer answers, as that of ai-dynamo-runtime 1.6.1 does.

``GET /workers`` is a list of ``Worker``, ``GET /dump`` an ``Index`` by ``"model:routing group"``,
``POST /query`` is ``Matches``. Fields that nobody here reads are left out; others are refused.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
Tier = Literal["device", "host_pinned", "disk"]


class Key(NamedTuple):
    """A worker: the name of its index in ``/dump``, and its number, which is its own only there."""

    index_name: str
    worker: int


class Rank(NamedTuple):
    """One stream of events: a rank of a worker."""

    key: Key
    rank: int


class Listener(msgspec.Struct, frozen=True):
    """How the indexer listens to one rank: ``pending``, ``active``, ``paused`` or ``failed``."""

    status: str


class Worker(msgspec.Struct, frozen=True):
    """An engine as it was registered: where each of its ranks publishes."""

    instance_id: int
    model_name: str
    routing_group: str
    endpoints: dict[int, str]
    listeners: dict[int, Listener]

    @property
    def key(self) -> Key:
        return Key(f"{self.model_name}:{self.routing_group}", self.instance_id)


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block, by the hash that the engine gave it."""

    block_hash: int


class Stored(msgspec.Struct, frozen=True):
    """Blocks that follow each other in a prompt."""

    blocks: list[Block]


class Data(msgspec.Struct, frozen=True):
    """A dump is told as the events that would make it: all of them store blocks."""

    stored: Stored


class Event(msgspec.Struct, frozen=True):
    """Blocks of one rank."""

    data: Data
    dp_rank: Count


class Held(msgspec.Struct, frozen=True):
    """Blocks of one rank of a worker, in one tier."""

    worker_id: int
    storage_tier: Tier
    event: Event
    residency_domain: Literal["worker"] = "worker"


class Index(msgspec.Struct, frozen=True):
    """All that the workers of one model and routing group hold."""

    events: list[Held]


class Matches(msgspec.Struct, frozen=True):
    """Matched tokens in the engines' own memory, by worker and rank."""

    scores: dict[int, dict[int, Count]]
