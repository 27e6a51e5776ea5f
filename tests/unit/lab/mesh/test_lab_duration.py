"""Go durations as Chaos Mesh reads them."""

from __future__ import annotations

import pytest

from kvchaos.lab.mesh.duration import go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        (".5s", 0.5),
        ("0", 0.0),
        ("-3s", -3.0),
        ("", None),
        ("30", None),
        ("s", None),
        ("1 s", None),
        ("1d", None),
    ],
)
def test_durations_are_those_of_go(text: str, seconds: float | None) -> None:
    """What ParseDuration refuses never ends: None, not zero."""
    assert go_duration(text) == seconds
