"""The reference router's index, over its HTTP: ``GET /index`` and ``POST /match``.

The shapes below are those that ``kvchaos router`` documents; anything else is answered with
``RouterUnreachable``, because a misread index would be a false verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from kvchaos.errors import RouterUnreachable
from kvchaos.index.names import BlockKey, Blocks
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.asking import asked
from kvchaos.index.routers.protocol import RouterIndex, RouterPlace
from kvchaos.untrusted import MIB

T = TypeVar("T")
LARGEST = 64 * MIB
"""Bytes of one answer; an index of a million blocks has about 20 MiB."""


class _Place(msgspec.Struct, frozen=True):
    medium: str
    group: int | None
    hashes: list[int]


class _Engine(msgspec.Struct, frozen=True):
    pod: str
    uid: str
    rank: int
    connected: bool
    seq: int | None
    gaps: int
    replays: int
    restarts: int
    lost: int
    blocks: list[_Place]


class _Index(msgspec.Struct, frozen=True):
    router: dict[str, Any]
    engines: list[_Engine]


class _Match(msgspec.Struct, frozen=True):
    block_size: int
    pods: dict[str, int]


class ReferenceRouter:
    """Speaks with the router at ``address()``, which is asked anew each time: routers move."""

    def __init__(self, address: Callable[[], str], *, timeout: float = 5.0) -> None:
        self._address = address
        self._timeout = timeout

    def snapshot(self) -> Observed:
        reply = self._ask("GET /index", _Index)
        engines = {(engine.pod, engine.rank): _view(engine) for engine in reply.engines}
        if len(engines) < len(reply.engines):
            raise RouterUnreachable("GET /index", wanted="each pod and rank once", saw="one twice")
        return Observed(engines=engines, router=reply.router)

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        return self._ask("POST /match", _Match, {"token_ids": list(tokens)}).pods

    def _ask(self, question: str, shape: type[T], body: Any = None) -> T:
        return asked(
            self._address, question, shape, body=body, limit=LARGEST, timeout=self._timeout
        )


def reference(place: RouterPlace) -> RouterIndex:
    """The adapter of the reference router."""
    return ReferenceRouter(place.address)


def _view(engine: _Engine) -> EngineView:
    blocks: Blocks = {}
    for place in engine.blocks:
        key = BlockKey(place.medium, place.group)
        blocks[key] = blocks.get(key, frozenset()) | frozenset(place.hashes)
    return EngineView(
        blocks={key: held for key, held in blocks.items() if held},
        uid=engine.uid,
        seq=engine.seq,
        connected=engine.connected,
        gaps=engine.gaps,
        replays=engine.replays,
        restarts=engine.restarts,
        lost=engine.lost,
    )
