"""Samples as a test writes them."""

from __future__ import annotations

from typing import Any

from kvchaos.sampling.timeline import Progress, Sample

Json = dict[str, Any]
NOTHING: Json = {"engines": {}, "ghosts": [], "unknown": {}}


def sample(at: float, agrees: bool | None = True, **counts: Any) -> Sample:
    told = {"agrees": agrees, "missing": 0, "phantom": 0, **NOTHING, **counts}
    seq = {"a/0": Progress(seq=int(at), gaps=0, replays=0)}
    return Sample(began=at, at=at, agrees=agrees, counts=told, router_started=7.0, progress=seq)
