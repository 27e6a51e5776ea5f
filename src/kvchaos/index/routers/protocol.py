"""The two abilities that kvchaos asks of a router, whatever its make.

What a router cannot answer is ``RouterUnreachable`` or None in the answer, never 0 or empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kvchaos.index.observed import Observed


class RouterIndex(Protocol):
    """A router's index, read from outside and left as it was."""

    def snapshot(self) -> Observed:
        """The exact set of blocks by engine; ``RouterUnreachable`` when there is no answer."""
        ...

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        """How many leading tokens each pod (by name) holds; pods left out hold none."""
        ...
