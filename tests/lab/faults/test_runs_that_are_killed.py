"""A few of the seeded kills of ``make chaos-ourselves``: nothing is left, nobody says pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.faults.kills import Kill, Life, carried_out, planned, undisturbed
from tests.lab.faults.place import Place, place

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]

SEED, RUNS = 11, 8


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A lab that outlives all the runs of this module."""
    with place(tmp_path_factory.mktemp("killed")) as lab:
        yield lab


@pytest.fixture(scope="module")
def life(where: Place) -> Life:
    """How long a run lives when nobody disturbs it."""
    return undisturbed(where, where.root / "undisturbed")


@pytest.mark.parametrize(
    "kill", planned(seed=SEED, runs=RUNS), ids=lambda kill: kill.label.replace(" ", "-")
)
def test_a_killed_run_leaves_nothing_and_is_no_pass(
    where: Place, life: Life, tmp_path: Path, kill: Kill
) -> None:
    """Whatever signal, and whenever; after a SIGKILL, once ``kvchaos reap`` has run."""
    killed = carried_out(kill, where, tmp_path / "run", life)

    assert killed.is_fine, f"{killed.about}\n{killed.ended.said}"
