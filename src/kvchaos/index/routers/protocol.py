"""The two abilities that kvchaos asks of a router, whatever its make, and how an adapter is made.

What a router cannot answer is ``RouterUnreachable`` or None in the answer, never 0 or empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from kvchaos.index.observed import Observed


class RouterIndex(Protocol):
    """A router's index, read from outside and left as it was."""

    def snapshot(self) -> Observed:
        """The exact set of blocks by engine; ``RouterUnreachable`` when there is no answer."""
        ...

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        """How many leading tokens each pod (by name) holds; pods left out hold none."""
        ...


@dataclass(frozen=True, slots=True)
class RouterPlace:
    """What an adapter is told. Nothing is asked while it is made: routers and engines move.

    ``address()`` is the ``host:port`` at which the router answers now, to be asked anew for each
    request. ``engines()`` are the engines' pods now, IP address -> pod name, those that are about
    to go included: to be asked anew for each answer, which costs next to nothing. Both may raise
    ``RouterUnreachable``. ``model`` is its name in requests, ``block_size`` the tokens of a block.
    """

    address: Callable[[], str]
    engines: Callable[[], Mapping[str, str]]
    model: str
    block_size: int


Adapter: TypeAlias = Callable[[RouterPlace], RouterIndex]
"""A class or a function that makes the client of one router."""
