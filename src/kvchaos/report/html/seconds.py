"""The load second by second, as a history tells it; several as one where there are many. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvchaos.report.html.scale import count, number
from kvchaos.verdict.events import Event, Events, of

COLUMNS = 240
"""As many of them are drawn at most."""


@dataclass(frozen=True, slots=True)
class Second:
    """What load met between two moments, about a second apart; latencies in seconds."""

    start: float
    end: float
    ok: int
    failed: int
    hit: int
    prompt: int
    p50: float | None
    p95: float | None


def seconds(events: Events) -> list[Second]:
    """The load, second by second; nothing where that was not recorded."""
    told = (_second(each) for each in of(events, "traffic_second"))
    return [each for each in told if each is not None]


def gathered(told: Sequence[Second], columns: int = COLUMNS) -> list[Second]:
    """At most ``columns`` seconds: several become one, with the worst of their latencies."""
    size = max(1, -(-len(told) // columns))
    return [_one(told[first : first + size]) for first in range(0, len(told), size)]


def _one(group: Sequence[Second]) -> Second:
    return Second(
        start=group[0].start,
        end=group[-1].end,
        ok=sum(each.ok for each in group),
        failed=sum(each.failed for each in group),
        hit=sum(each.hit for each in group),
        prompt=sum(each.prompt for each in group),
        p50=max((each.p50 for each in group if each.p50 is not None), default=None),
        p95=max((each.p95 for each in group if each.p95 is not None), default=None),
    )


def _second(event: Event) -> Second | None:
    start, end = number(event.get("from")), number(event.get("to"))
    if start is None or end is None or end <= start:
        return None
    figures = {key: count(event.get(key)) for key in ("ok", "failed")}
    hit, prompt = count(event.get("hit_tokens")), count(event.get("prompt_tokens"))
    p50, p95 = number(event.get("p50")), number(event.get("p95"))
    return Second(start, end, **figures, hit=hit, prompt=prompt, p50=p50, p95=p95)
