"""Whether a fault did something that the observer saw (decision 6), and since when.

The rule: only what was seen counts, and only what was not so before the fault. What cannot be
seen leaves the effect inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kvchaos.sampling.timeline import Sample

Json = dict[str, Any]

LASTING = 0.5  # seconds in a row: an event on its way is no effect


@dataclass(frozen=True, slots=True)
class Seen:
    """What the observer saw: ``holds`` is None when it could not see."""

    holds: bool | None
    text: str
    at: float | None = None


class Struck(Protocol):
    """A target, as it was before the fault."""

    @property
    def pod(self) -> str: ...

    @property
    def uid(self) -> str: ...


class Streams(Protocol):
    """What the observer tells of the engines' streams."""

    def events(self) -> Sequence[Json]:
        """The history so far."""
        ...

    def followed(self) -> set[str]:
        """The uids of the pods that are followed now."""
        ...

    def at(self) -> float:
        """The run second now."""
        ...


Look = Callable[[Sequence[Sample]], Seen]


def lost_blocks(pods: Sequence[str]) -> Look:
    """Blocks that these engines published stay missing in the router's index: their link is cut."""

    def look(samples: Sequence[Sample]) -> Seen:
        since: float | None = None
        for sample in samples:
            count = _fresh(sample, pods)
            since = (sample.at if since is None else since) if count else None
            if since is not None and sample.at - since >= LASTING:
                text = f"{count} blocks that {', '.join(pods)} published are not in the index"
                return Seen(True, text, since)
        if all(sample.agrees is None and sample.reason for sample in samples):
            return Seen(None, samples[-1].reason if samples else "no sample was taken")
        return Seen(False, f"nothing that {', '.join(pods)} published stayed missing")

    return look


def router_restarted(started_before: float | None) -> Look:
    """The router says that it started anew; from when on it was away, if it was seen to be."""

    def look(samples: Sequence[Sample]) -> Seen:
        away: Sample | None = None
        for sample in samples:
            if sample.reason:
                away = away or sample
            elif sample.router_started not in (None, started_before) and started_before is not None:
                return Seen(True, "the router says that it started anew", (away or sample).at)
            else:
                away = None
        if any(not sample.reason and sample.router_started is None for sample in samples):
            return Seen(None, "the router does not say when it started")
        if started_before is None:
            return Seen(None, "the router was not seen before the fault")
        if away or not samples:
            return Seen(None, away.reason if away else "no sample was taken")
        return Seen(False, "the router went on answering as before")

    return look


def streams_ended(streams: Streams, targets: Sequence[Struck], since: float) -> Look:
    """The event streams of these engines began anew, or went with their pods.

    Looked for in what the observer saw from run second ``since`` on.
    """
    pods = sorted({target.pod for target in targets})

    def look(_: Sequence[Sample]) -> Seen:
        told = [
            event
            for event in streams.events()
            if event["event"] == "stream"
            and event["at"] >= since
            and event["engine"]["pod"] in pods
        ]
        broken = [event for event in told if event["what"] == "disconnected"]
        if restarts := [event for event in told if event["what"] == "restart"]:
            text = f"the stream of {restarts[0]['engine']['pod']} began anew"
            return Seen(True, text, (broken or restarts)[0]["at"])
        followed = streams.followed()
        if gone := sorted({target.pod for target in targets if target.uid not in followed}):
            at = broken[0]["at"] if broken else streams.at()
            return Seen(True, f"the stream of {', '.join(gone)} went with its pod", at)
        if broken:
            return Seen(None, f"the stream of {broken[0]['engine']['pod']} broke off, so far")
        return Seen(False, f"the streams of {', '.join(pods)} went on as before")

    return look


def _fresh(sample: Sample, pods: Sequence[str]) -> int:
    return sum(count for engine, count in sample.fresh.items() if engine.rpartition("/")[0] in pods)
