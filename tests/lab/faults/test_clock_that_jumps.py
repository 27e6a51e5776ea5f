"""The wall clock jumps, by an hour or back to 1970: nothing that a run measures follows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from kvchaos.run import faults, healing
from kvchaos.sampling.timeline import Sample
from tests.run_world import CUT, VALUES, PlayedClock, World, cuttable

Json = dict[str, Any]
HOUR = 3600.0


class Jumping(PlayedClock):
    """A clock whose wall is set by somebody else; the other clock goes on as ever."""

    jump = 0.0

    def wall(self) -> float:
        return super().wall() + self.jump


def story(
    folder: Path, jumps: Callable[[Jumping], list[tuple[float, Callable[[], object]]]]
) -> Json:
    """A partition of five seconds from end to end: what its history says, without the wall."""
    world = World.at(folder, cuttable())
    clock = Jumping()
    clock.due = jumps(clock)
    cast("Any", world.run).clock = clock
    cast("Any", world.run.history)._clock = clock
    cast("Any", world.sampler).clock = clock
    counts: Json = {"agrees": False, "missing": 3, "phantom": 0, "engines": {}, "ghosts": []}
    seen = Sample(began=1, at=1, agrees=False, counts={**counts, "unknown": {}}, fresh={"a/0": 3})
    world.sampler.plan = [seen]
    clock.sleep(0.5)
    faults.inject(world.run, "network-partition", VALUES, timeout=10)
    faults.in_effect(world.run, within=2)
    healing.recover(world.run, held=5.0, timeout=10)
    told = world.told("fault_injected", "effect", "fault_recovered")
    left = healing.residue_of(world.run)
    world.run.history.close()
    return {"told": told, "left": left, "there": world.has_fault("networkchaos", CUT)}


def steady(_: Jumping) -> list[tuple[float, Callable[[], object]]]:
    return []


def set_to(
    by: float, *moments: float
) -> Callable[[Jumping], list[tuple[float, Callable[[], object]]]]:
    """At each of ``moments`` the wall is set by another ``by`` seconds."""

    def due(clock: Jumping) -> list[tuple[float, Callable[[], object]]]:
        def jump() -> None:
            clock.jump += by

        return [(moment, jump) for moment in moments]

    return due


@pytest.mark.parametrize("by", [HOUR, -HOUR, -1000.0, 1e9], ids=str)
@pytest.mark.parametrize("moment", [100.1, 100.5, 101.0, 103.0, 105.4], ids=str)
def test_what_a_run_measures_does_not_follow_the_wall_clock(
    tmp_path: Path, by: float, moment: float
) -> None:
    """Before the fault, while it is injected, while it stands, as it is healed: all the same."""
    calm = story(tmp_path / "calm", steady)
    jumped = story(tmp_path / "jumped", set_to(by, moment))

    assert jumped == calm
    assert (jumped["left"]["left"], jumped["there"]) == ([], False)


def test_a_clock_that_is_set_again_and_again_ends_no_fault_early(tmp_path: Path) -> None:
    """Five seconds are five of our own, whatever the wall says meanwhile."""
    moments = [100.5 + n / 4 for n in range(20)]

    jumped = story(tmp_path, set_to(HOUR, *moments))

    (recovered,) = [each for each in jumped["told"] if each["event"] == "fault_recovered"]
    assert recovered["held"] == pytest.approx(5.0, abs=0.3)
