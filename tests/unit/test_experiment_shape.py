"""An experiment of another shape than Chaos Toolkit's is refused in words, not by a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from kvchaos.errors import ExperimentInvalid
from kvchaos.experiment import check

SOUND: dict[str, Any] = {"runtime": {"rollbacks": {"strategy": "always"}}, "method": []}
MISSHAPEN: list[dict[str, Any]] = [
    {"method": {"type": "action"}},
    {"method": ["cut"]},
    {"method": [{"provider": "python"}]},
    {"rollbacks": "all"},
    {"runtime": ["always"]},
    {"runtime": {"rollbacks": "always"}},
    {"steady-state-hypothesis": {"probes": [None]}},
]


@pytest.mark.parametrize("part", MISSHAPEN, ids=str)
def test_what_has_another_shape_is_refused(part: dict[str, Any]) -> None:
    """Nothing else is looked at then."""
    with pytest.raises(ExperimentInvalid, match="its shape: Expected") as refused:
        check({**SOUND, **part}, {"x": "${nowhere}"}, {})

    assert "nowhere" not in str(refused.value)


def test_the_shape_as_such_is_fine() -> None:
    """Which is what the others are altered from."""
    check(SOUND, {}, {})
