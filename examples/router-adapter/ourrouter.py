"""The index of a router that answers ``GET /debug/prefixes``, in place of the reference router's.

``{"pods": [{"name": "engine-0", "blocks": ["6f1a...", ...]}]}``: hashes as vLLM published them,
in hexadecimal. ``POST /debug/match`` ``{"tokens": [...]}`` -> ``{"engine-0": 32}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from kvchaos.errors import RouterUnreachable
from kvchaos.index.names import DEFAULT_MEDIUM, BlockKey
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.routers.asking import asked
from kvchaos.index.routers.protocol import RouterPlace
from kvchaos.untrusted import MIB

T = TypeVar("T")
GPU = BlockKey(DEFAULT_MEDIUM, None)
LARGEST = 64 * MIB  # bytes of one answer
PATIENCE = 5.0  # seconds for each wait


class Pod(msgspec.Struct, frozen=True):
    """What the router knows of one engine."""

    name: str
    blocks: list[str]


class Prefixes(msgspec.Struct, frozen=True):
    """The whole answer."""

    pods: list[Pod]


class OurRouter:
    """Speaks with the router at ``place.address()``, asked anew each time: routers move."""

    def __init__(self, place: RouterPlace) -> None:
        self._place = place

    def snapshot(self) -> Observed:
        reply = self._ask("GET /debug/prefixes", Prefixes)
        return Observed(engines={(pod.name, 0): view(pod) for pod in reply.pods})

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        return self._ask("POST /debug/match", dict[str, int], {"tokens": list(tokens)})

    def _ask(self, question: str, shape: type[T], body: Any = None) -> T:
        """The answer in the shape that is documented above, or ``RouterUnreachable``."""
        address = self._place.address
        return asked(address, question, shape, body=body, limit=LARGEST, timeout=PATIENCE)


def view(pod: Pod) -> EngineView:
    """One engine as the router has it; a hash that is no number makes the answer unreadable."""
    try:
        hashes = frozenset(int(each, 16) for each in pod.blocks)
    except ValueError as error:
        raise RouterUnreachable(f"the blocks of {pod.name}", saw=str(error)) from error
    return EngineView({GPU: hashes} if hashes else {})
