"""The figures beside and below a chart: which are written, and where they stand. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kvchaos.report.html.scale import Scale, round_step, round_top, short
from kvchaos.verdict.times import MINUTE, clock


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure at its place; ``place``: the first or the last one, which stand inwards."""

    percent: float
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Heights:
    """A chart's lowest and highest figure, and how far apart its lines are."""

    bottom: float
    top: float
    step: float

    @classmethod
    def around(cls, highest: float, lowest: float, *, steps: int) -> Heights:
        """About so many round steps over all, the ends at full ones; of 1 none between."""
        if steps == 1 and lowest == 0:
            return cls(0.0, top := round_top(highest, 4), top)
        step = round_step((highest - lowest) / steps) or 1.0
        above, below = (math.ceil(abs(each) / step - 1e-9) for each in (highest, lowest))
        return cls(0.0 - step * below, step * max(above, 0 if below else 1), step)

    def percent(self, value: float) -> float:
        share = (value - self.bottom) / (self.top - self.bottom)
        return round(100 * (1 - min(1.0, max(0.0, share))), 3)

    def levels(self) -> list[Mark]:
        steps = round((self.top - self.bottom) / self.step)
        values = [self.bottom + number * self.step for number in range(steps + 1)]
        return [Mark(self.percent(each), short(abs(round(each, 9)))) for each in values]


def time_marks(scale: Scale) -> list[Mark]:
    """The ticks of a chart's foot, the last with its unit."""
    ticks = scale.ticks()
    unit = "" if scale.end > 2 * MINUTE else " s"
    return _marks(ticks, [clock(at) for at in ticks], scale, unit)


def value_marks(scale: Scale, unit: str) -> list[Mark]:
    """The ticks below values, the last with its unit."""
    ticks = scale.ticks(5, clock=False)
    return _marks(ticks, [short(each) for each in ticks], scale, f" {unit}")


def _marks(ticks: Sequence[float], texts: Sequence[str], scale: Scale, unit: str) -> list[Mark]:
    places = [scale.percent(at) for at in ticks]
    where = ["first" if place < 2 else "last" if place > 97 else "" for place in places]
    said = [*texts[:-1], texts[-1] + unit]
    return [Mark(*each) for each in zip(places, said, where, strict=True)]
