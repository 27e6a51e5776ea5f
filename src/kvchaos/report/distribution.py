"""How long recoveries took, over many runs. Pure.

The rule guarded here: a recovery from a fault that nobody saw to have an effect is no recovery, so
it has no time; and of no values there is no median, not 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kvchaos.percentile import percentile
from kvchaos.report.reading import fields, number
from kvchaos.verdict.events import Json

PROOF = ("fault landed", "effect observed")
"""The checks that have to pass, or there was nothing to recover from."""
MOST = 9
"""Values of one cell that a digit tells; ``+`` for more."""


@dataclass(frozen=True)
class Distribution:
    """Some values in their order; what is asked of none is None."""

    values: tuple[float, ...]

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def minimum(self) -> float | None:
        return self.values[0] if self.values else None

    @property
    def maximum(self) -> float | None:
        return self.values[-1] if self.values else None

    @property
    def median(self) -> float | None:
        """The middle one; of an even count the mean of the two in the middle."""
        if not self.values:
            return None
        middle = self.count // 2
        return (self.values[middle] + self.values[-middle - 1]) / 2

    @property
    def p95(self) -> float | None:
        """The least value that 95 % of them do not exceed: one of those that were seen."""
        return percentile(self.values, 95) if self.values else None


def distribution(values: Iterable[float]) -> Distribution:
    """The values, sorted; what is not finite is none."""
    return Distribution(tuple(sorted(value for value in values if math.isfinite(value))))


def recovery_seconds(record: Json) -> float | None:
    """From the heal to the index that agrees, of a run whose fault was seen to have an effect.

    None: the index did not come to agree, or it is not known.
    """
    if not recovered_from_something(record):
        return None
    return number(fields(fields(record.get("recovery")).get("after_heal")).get("agreed"))


def recovered_from_something(record: Json) -> bool:
    """Whether a fault landed in this run and was seen to have an effect."""
    answers = {each["name"]: each["verdict"] for each in record.get("checks", ())}
    return all(answers.get(name) == "pass" for name in PROOF)


def bars(values: Iterable[float], *, low: float, high: float, cells: int) -> str:
    """Where the values lie from ``low`` to ``high``: a digit in a cell is how many are in it.

    ``cells`` characters, a dot where there are none; values beyond an end are in its cell.
    """
    width = (high - low) / cells
    counted = Counter(_cell((value - low) / width if width > 0 else 0.0, cells) for value in values)
    return "".join(_digit(counted[cell]) for cell in range(cells))


def _cell(place: float, cells: int) -> int:
    return int(min(cells - 1, max(0.0, place)))


def _digit(count: int) -> str:
    if not count:
        return "."
    return str(count) if count <= MOST else "+"
