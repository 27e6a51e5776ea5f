"""How a time is written: a figure of it reads the same wherever it is told. Pure.

The rule guarded here: checks, summary, tables, pages and live view round alike, to what a reader
can use and samples can tell: ``0.04 s``, ``2.35 s``, ``11.4 s``; from two minutes on ``3:20 min``.
Requests are faster, and measured one by one: ``8.3 ms``, ``38 ms``. What somebody asked for (a
budget, a duration) is exact, and has no figures that were not said: ``30 s``, ``2.5 s``.
"""

from __future__ import annotations

MINUTE = 60
HOUR = 3600


def span(seconds: float) -> str:
    """The time with its unit: how long something took, or when it was, from the run's start."""
    return " ".join(figure(seconds))


def figure(seconds: float) -> tuple[str, str]:
    """The same as figure and unit: ``("2.35", "s")``."""
    seconds = round(seconds, 3)  # moments are known to the millisecond, and so is what is between
    if seconds < 0:
        value, unit = figure(-seconds)
        return f"-{value}", unit
    if seconds < 2 * MINUTE:
        return (f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.1f}"), "s"
    return clock(seconds), "min" if seconds < HOUR else "h"


def latency(seconds: float) -> str:
    """How long a request took."""
    if seconds >= 0.9995:
        return span(seconds)
    return f"{1000 * seconds:.{1 if seconds < 0.00995 else 0}f} ms"


def asked(seconds: float) -> str:
    """A time that somebody set, on the same clock."""
    return f"{clock(seconds)} {figure(seconds)[1]}"


def clock(seconds: float) -> str:
    """A figure without its unit: ``7``, ``2.5``; from two minutes on ``3:20`` or ``1:03:20``."""
    if seconds < 2 * MINUTE:
        return f"{seconds:g}"
    whole = round(seconds)
    hours, minutes, rest = whole // HOUR, whole % HOUR // MINUTE, whole % MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
