"""Durations as Go's ``time.ParseDuration`` reads them: ``10s``, ``1m30s``, ``1.5h``, never ``10``.

Chaos Mesh parses ``spec.duration`` with it. Source of the grammar: Go's documentation of the
package ``time``: an optional sign, then decimal numbers each with a unit; a lone ``0`` needs none.
"""

from __future__ import annotations

import re
from fractions import Fraction

from kvchaos.errors import TemplateInvalid

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,  # micro sign
    "\u03bcs": 10**3,  # Greek letter mu
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_LONGEST = 2**63 - 1  # nanoseconds in Go's int64
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)")
_WHOLE = re.compile(rf"([-+]?)(?:0|((?:{_PART.pattern})+))")


def duration_seconds(text: str) -> float:
    """Seconds of a Go duration, cut to whole nanoseconds; TemplateInvalid for anything else.

    Zero and negative durations are durations: whether they make sense is for the caller.
    """
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise TemplateInvalid(
            "not a duration", wanted="a number with a unit, such as 10s or 1m30s", saw=repr(text)
        )
    total = sum(
        int(Fraction(number) * _NANOSECONDS[unit]) for number, unit in _PART.findall(match[2] or "")
    )
    if total > _LONGEST:
        raise TemplateInvalid("duration too long", wanted="at most 292 years", saw=repr(text))
    return (-total if match[1] == "-" else total) / 10**9
