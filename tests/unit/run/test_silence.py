"""An API server that goes away: a run ends soon, and still recovers if it comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import pytest

from kvchaos.cluster.kinds import Kind
from kvchaos.errors import ClusterError, ClusterUnreachable, FaultNotRecovered, KVChaosError
from kvchaos.mesh.fault import Fault
from kvchaos.mesh.silence import LONG, Silence
from kvchaos.run import finishing, healing
from tests.run_world import Made, World, active
from tests.scripted import FakeClock, ScriptedCluster, partition

SOON = 90.0
"""Seconds after which a run without an API server has ended, whatever it was in."""
FOR_GOOD = 1e9
Step = Callable[[World], object]


@dataclass
class Leaving(ScriptedCluster):
    """Answers no call until ``back``: each takes its ``timeout`` then, and is in vain."""

    clock: FakeClock = field(default_factory=FakeClock)
    timeout: float = 10.0
    back: float = FOR_GOOD

    def once(self, *, timeout: float) -> Self:
        return replace(self, timeout=timeout)

    def _call(self, verb: str, kind: Kind, what: str) -> None:
        if self.clock.now() < self.back:
            self.clock.sleep(min(self.timeout, self.back - self.clock.now()))
            raise ClusterUnreachable(f"{verb} {kind.plural} {what}")
        super()._call(verb, kind, what)


def in_vain(step: Callable[[], object]) -> None:
    """As Chaos Toolkit takes an activity that failed."""
    try:
        step()
    except KVChaosError:
        return


def recovers(timeout: float) -> Step:
    return lambda world: in_vain(lambda: healing.recover(world.run, held=0.0, timeout=timeout))


def is_stopped(world: World) -> None:
    healing.recover_now(world.run, timeout=finishing.RECOVER)


def looks_for_residue(world: World) -> None:
    in_vain(lambda: healing.residue_of(world.run))


ROLLBACKS = (recovers(120.0), looks_for_residue)
"""Those of the experiments that ship."""
ENDS = {
    "in its method": (recovers(60.0), *ROLLBACKS),
    "before it": ROLLBACKS,
    "by a signal": (is_stopped, *ROLLBACKS),
}


def cut_off(made: Made, *, back: float = FOR_GOOD) -> World:
    """A run in mid-fault whose API server has just gone."""
    cluster = Leaving.of(partition())
    world = made(cluster=cluster)
    cluster.clock = world.clock
    cluster.back = world.clock.now() + back
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    active(world.run)
    return world


def ended(world: World, steps: tuple[Step, ...]) -> tuple[dict[str, Any], float]:
    """The run's record, and how long its end took."""
    start = world.clock.now()
    for step in steps:
        step(world)
    record = finishing.finish(world.run, "failed")
    return record, world.clock.now() - start


@pytest.mark.parametrize("how", ENDS)
def test_a_run_whose_server_is_gone_for_good_ends_soon(made: Made, how: str) -> None:
    """Each step has its bound, and they do not add up; what may be left is told."""
    record, took = ended(cut_off(made), ENDS[how])

    assert LONG < took <= SOON
    assert record["residue"] is None
    assert record["unconfirmed"] == [
        "networkchaos/cut-r1 in kvchaos, which its own duration ends 10 s after its creation"
    ]


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("back", [5.0, 44.0, 50.0, 60.0])
def test_a_server_that_comes_back_finds_the_run_recovering(
    made: Made, how: str, back: float
) -> None:
    """Also when it was silent for so long that nobody waits for it any more: one look is enough."""
    world = cut_off(made, back=back)

    record, _ = ended(world, ENDS[how])

    assert (record["residue"], record["unconfirmed"]) == ([], [])
    assert not world.has_fault("networkchaos", "cut-r1")


def test_a_server_that_answers_with_errors_is_not_gone(made: Made) -> None:
    """The whole time is there for a fault to be ended, as often as it takes."""
    world = made()
    world.cluster.add(partition())
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    world.cluster.fails["get"] = [ClusterError("HTTP 500") for _ in range(9999)]
    start = world.clock.now()

    with pytest.raises(FaultNotRecovered):
        healing.recover(world.run, held=0.0, timeout=120.0)

    assert world.clock.now() - start >= 120
    assert not world.run.silence.is_long


def test_a_silence_is_long_after_a_while_without_any_answer() -> None:
    """From the first question that had none; any answer ends it."""
    clock = FakeClock()
    silence = Silence(clock=clock)
    told = [silence.is_long]
    for seconds, had_answer in ((0.0, False), (LONG - 1, False), (1.0, False), (0.0, True)):
        silence.heard() if had_answer else silence.missed(clock.now())
        clock.sleep(seconds)
        told.append(silence.is_long)

    assert told == [False, False, False, True, False]
