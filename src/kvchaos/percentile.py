"""The one percentile that is told anywhere: a value that was seen, by its rank. Pure.

``statistics.quantiles`` lies between two values, which nobody measured, and of endless ones, such
as the time of a recovery that never came, it makes no number at all.
"""

from __future__ import annotations

from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The least of these values, which are sorted, that so many per cent of them do not exceed.

    Of none there is none: IndexError.
    """
    return ordered[max(1, -(-len(ordered) * percent // 100)) - 1]
