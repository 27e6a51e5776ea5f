"""The quick ones of the API faults of ``make chaos-ourselves``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.faults.place import Place, place
from tests.lab.faults.plans import PLANS, Plan
from tests.lab.faults.playing import played

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A lab that outlives all the runs of this module."""
    with place(tmp_path_factory.mktemp("failing")) as lab:
        yield lab


@pytest.mark.parametrize(
    "plan", [plan for plan in PLANS if plan.quick], ids=lambda plan: plan.name.replace(" ", "-")
)
def test_a_failing_api_leaves_nothing_untold_and_makes_no_false_pass(
    where: Place, tmp_path: Path, plan: Plan
) -> None:
    """What is left is told, and a reap ends it; a pass is one only if the cut really stood."""
    done = played(plan, where, tmp_path / "run", seed=7)

    assert not done.wrong, f"{done.wrong}\n{done.ended.said}"
