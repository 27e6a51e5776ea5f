"""Whether a fault did something that the observer saw (decision 6), and since when.

The rule: only what was seen counts. What cannot be seen leaves the effect inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kvchaos.run.timeline import Sample

Json = dict[str, Any]

_ENDED = ("disconnected", "restart")
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
        row: list[Sample] = []
        for sample in samples:
            row = [*row, sample] if _missing(sample, pods) else []
            if row and row[-1].at - row[0].at >= LASTING:
                return Seen(True, _missing_text(row[-1], pods), row[0].at)
        judged = [sample for sample in samples if sample.difference is not None]
        if not judged:
            return Seen(None, samples[-1].reason if samples else "no sample was taken")
        return Seen(False, f"nothing that {', '.join(pods)} published stayed missing")

    return look


def router_restarted(started_before: float | None) -> Look:
    """The router was away, or says that it started anew."""

    def look(samples: Sequence[Sample]) -> Seen:
        for sample in samples:
            if sample.difference is None:
                return Seen(True, f"the router did not answer: {sample.reason}", sample.at)
            if started_before is not None and sample.router_started != started_before:
                return Seen(True, "the router says that it started anew", sample.at)
        if not samples or started_before is None:
            return Seen(None, "the router was not seen before the fault")
        return Seen(False, "the router went on answering as before")

    return look


def streams_ended(streams: Streams, targets: Sequence[Struck], since: float) -> Look:
    """The event streams of these engines broke off, began anew or went with their pods.

    Looked for in what the observer saw from run second ``since`` on.
    """
    pods = sorted({target.pod for target in targets})

    def look(_: Sequence[Sample]) -> Seen:
        for event in streams.events():
            ended = event["event"] == "stream" and event.get("what") in _ENDED
            if ended and event["at"] >= since and event["engine"]["pod"] in pods:
                text = f"the stream of {event['engine']['pod']}: {event['what']}"
                return Seen(True, text, event["at"])
        followed = streams.followed()
        gone = sorted({target.pod for target in targets if target.uid not in followed})
        if gone:
            return Seen(True, f"the stream of {', '.join(gone)} went with its pod", streams.at())
        return Seen(False, f"the streams of {', '.join(pods)} went on as before")

    return look


def _missing(sample: Sample, pods: Sequence[str]) -> int:
    if sample.difference is None:
        return 0
    return sum(
        len(blocks)
        for engine, blocks in sample.difference.missing.items()
        if engine.rpartition("/")[0] in pods
    )


def _missing_text(sample: Sample, pods: Sequence[str]) -> str:
    count = _missing(sample, pods)
    return f"{count} blocks that {', '.join(pods)} published are not in the router's index"
