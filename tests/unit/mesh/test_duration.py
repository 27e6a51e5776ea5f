"""Durations: Go's grammar, as Chaos Mesh reads it."""

from __future__ import annotations

import pytest

from kvchaos.errors import TemplateInvalid
from kvchaos.mesh.duration import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("250ms", 0.25),
        ("3us", 3e-6),
        ("3\u00b5s", 3e-6),
        ("3\u03bcs", 3e-6),
        ("7ns", 7e-9),
        ("0", 0.0),
        ("-0", 0.0),
        ("+5s", 5.0),
        ("-1m", -60.0),
        ("1h1m1s1ms", 3661.001),
        ("1.9999999999ns", 1e-9),
    ],
)
def test_what_go_reads_is_read_alike(text: str, seconds: float) -> None:
    """Parts add up, fractions are cut to whole nanoseconds, signs are part of it."""
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "10", "s", ".s", "10 s", " 10s", "10s ", "1d", "10S", "1e3s", "--1s", "1m30", "0x1s"],
)
def test_what_go_does_not_read_is_refused(text: str) -> None:
    """A number without a unit above all: Chaos Mesh would never end such a fault."""
    with pytest.raises(TemplateInvalid, match="not a duration"):
        duration_seconds(text)


def test_what_does_not_fit_into_gos_duration_is_refused() -> None:
    """Nanoseconds in 63 bits, some 292 years."""
    assert duration_seconds("2562047h") == 2562047 * 3600.0
    with pytest.raises(TemplateInvalid, match="duration too long"):
        duration_seconds("2562048h")
