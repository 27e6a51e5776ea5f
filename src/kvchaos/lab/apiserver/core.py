"""The API without sockets: a request in, an answer out."""

from __future__ import annotations

from random import Random

from kvchaos.clock import Clock


class Core:
    """All objects of the lab and the rules by which they change.

    ``clock`` gives timestamps, ``rng`` uids and the suffixes of generated names.
    """

    def __init__(self, clock: Clock, *, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
