"""From figures to places on a chart: a stretch of time, its round ticks, how a figure is written.

The rule: every place is within 0 and 100 percent, whatever figure comes in. Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kvchaos.report import reading
from kvchaos.verdict.times import MINUTE, figure

LARGEST = 1e9
"""What no axis exceeds."""
STEPS = (1.0, 2.0, 5.0, 10.0)
CLOCK_STEPS = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A stretch from ``start`` to ``end``, as percent from left to right."""

    start: float
    end: float

    def percent(self, at: float) -> float:
        """Where ``at`` is; what lies outside is at the nearer end."""
        if self.end <= self.start:
            return 0.0
        share = (at - self.start) / (self.end - self.start)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def ticks(self, about: int = 6, *, clock: bool = True) -> list[float]:
        """Round figures within, about so many; on a clock, over two minutes, round minutes."""
        on_clock = clock and self.end > 2 * MINUTE
        step = round_step((self.end - self.start) / about, clock=on_clock)
        if step <= 0:
            return [self.start]
        first, last = math.ceil(self.start / step - 1e-9), math.floor(self.end / step + 1e-9)
        return [round(number * step, 9) for number in range(first, min(last, first + 50) + 1)]


def number(value: object) -> float | None:
    """A figure that can be drawn; None for all else, truths too."""
    return reading.number(value, largest=LARGEST)


def count(value: object) -> int:
    """As ``number``, never negative; 0 for all else."""
    return max(0, int(number(value) or 0))


def round_step(rough: float, *, clock: bool = False) -> float:
    """The smallest round step that is not below ``rough``; 0 when that is none."""
    if not 0 < rough <= LARGEST:
        return 0.0
    if clock and rough <= CLOCK_STEPS[-1]:
        return next(step for step in CLOCK_STEPS if step >= rough)
    power = 10.0 ** math.floor(math.log10(rough))
    return next((step * power for step in STEPS if step * power >= rough * (1 - 1e-9)), 10 * power)


def round_top(highest: float, intervals: int = 3) -> float:
    """A round figure that is not below ``highest``, at least 1e-9."""
    step = round_step(max(highest, 1e-9) / intervals)
    return step * max(1, math.ceil(highest / step - 1e-9))


def duration(seconds: float | None) -> tuple[str, str]:
    """A span as (figure, unit); a dash for one that is not known."""
    return ("—", "") if seconds is None else figure(seconds)


def short(value: float) -> str:
    """A figure for an axis: ``12``, ``0.5``, ``12k``, ``1.5M``."""
    for limit, ending in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if ending == 'k' else limit):.3g}{ending}"
    return f"{value:.4g}"
