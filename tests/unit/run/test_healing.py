"""Faults that are ended by two threads, while they are injected, or once more at the end."""

from __future__ import annotations

import signal
import threading
from typing import cast

import pytest

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.transport import Unanswered
from kvchaos.ending import stopping
from kvchaos.errors import ClusterError, ClusterUnreachable, FaultNotInjected, FaultRefused
from kvchaos.mesh.fault import Fault
from kvchaos.run import faults, healing
from tests.run_world import CUT, VALUES, Made, World, cuttable
from tests.scripted import partition

MEANWHILE = "another thread, meanwhile"


def sent(world: World) -> None:
    """A fault of the run that is in the ledger and in the cluster."""
    world.cluster.add(partition())
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})


class Late:
    """A lock that is free only when another thread has ended the fault."""

    def __init__(self, world: World) -> None:
        self._world = world

    def acquire(self, timeout: float) -> bool:
        self._world.run.recovered.add("cut-r1")
        return timeout > 0

    def release(self) -> None:
        pass


def test_a_fault_that_another_thread_ends_is_recorded_once(made: Made) -> None:
    """Whoever comes second waits, and finds it done."""
    world = made()
    sent(world)
    world.run.recovering = cast("threading.Lock", Late(world))

    answer = healing.recover(world.run, held=0, timeout=5)

    assert answer == {"recovered": [{"fault": Fault.of(partition()).brief(), "by": MEANWHILE}]}
    assert world.told("fault_recovered") == []


def test_moments_of_a_fault_are_recorded_to_the_millisecond(made: Made) -> None:
    """As those of the recovery are: who subtracts one from another gets what others do."""
    world = made()
    world.clock.sleep(0.12345)
    sent(world)
    world.clock.sleep(1.98768)

    healing.recover(world.run, held=0, timeout=5)

    (healed,) = (told["healed"] for told in world.told("fault_recovered"))
    assert healed == round(healed, 3) == round(world.run.at(), 3)
    assert world.run.at() != healed


def test_before_a_fault_is_ended_the_router_is_looked_at_closely(made: Made) -> None:
    """So that the first look at a right index comes soon after it became right."""
    world = made()
    sent(world)

    healing.recover(world.run, held=0, timeout=5)

    assert world.sampler.closely == [True]


def test_a_thread_that_is_stuck_keeps_nobody_from_ending_a_fault(made: Made) -> None:
    """The wait for it is bounded; ending a fault twice is fine."""
    world = made()
    sent(world)
    world.run.recovering.acquire()

    healing.recover(world.run, held=0, timeout=0.05)

    assert not world.has_fault("networkchaos", "cut-r1")
    assert len(world.told("fault_recovered")) == 1
    world.run.recovering.release()


def test_a_fault_that_is_in_flight_is_ended_again_when_it_has_landed(made: Made) -> None:
    """Its create may come after the look that found nothing."""
    world = made()
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    world.run.in_flight.add("cut-r1")

    def lands() -> None:
        world.cluster.add(partition())
        world.run.in_flight.discard("cut-r1")

    world.clock.due.append((world.clock.seconds + 1.0, lands))
    healing.recover_now(world.run, timeout=10)

    assert not world.has_fault("networkchaos", "cut-r1")
    assert len(world.told("fault_recovered")) == 1


def test_a_fault_in_flight_is_waited_for_also_before_its_line_is_in_the_ledger(made: Made) -> None:
    """It was let through before the run was stopped."""
    world = made()
    world.run.in_flight.add("cut-r1")

    def lands() -> None:
        sent(world)
        world.run.in_flight.discard("cut-r1")

    world.clock.due.append((world.clock.seconds + 1.0, lands))
    healing.recover_now(world.run, timeout=10)

    assert not world.has_fault("networkchaos", "cut-r1")


def test_a_run_that_is_being_stopped_starts_no_fault(made: Made) -> None:
    """Nothing is sent, and the history says why."""
    world = made(cuttable())
    world.run.stopping.request("hold", "held")

    with pytest.raises(FaultRefused, match="the run is being stopped"):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)

    assert not world.has_fault("networkchaos", CUT)
    assert world.run.ledger.entries() == []
    assert [each["error"] for each in world.told("fault_failed")] == [
        "no fault is started: the run is being stopped"
    ]
    assert world.run.in_flight == set()


def test_a_stop_goes_on_ending_faults_while_the_api_is_away(made: Made) -> None:
    """Until its time is out."""
    world = made()
    sent(world)
    world.cluster.fails["delete"] = [ClusterUnreachable("no answer") for _ in range(8)]

    healing.recover_now(world.run, timeout=60)

    assert healing.open_faults(world.run) == []


def test_what_is_left_at_the_end_is_freed_by_force(made: Made) -> None:
    """Also a fault that was seen to end, and was there again."""
    world = made()
    sent(world)
    world.run.recovered.add("cut-r1")

    healing.free(world.run, timeout=5)

    assert not world.has_fault("networkchaos", "cut-r1")


def test_what_may_be_left_is_told_with_what_ends_it(made: Made) -> None:
    """A pod fault has no duration; it happens once."""
    world = made()
    sent(world)

    told = healing.unconfirmed(world.run, blind=True)

    assert told == [
        "networkchaos/cut-r1 in kvchaos, which its own duration ends 10 s after its creation"
    ]


ANSWERS = [(Unanswered("no answer"), 1), (ClusterError("500"), 0)]


@pytest.mark.parametrize(("error", "told"), ANSWERS)
def test_a_fault_whose_create_nobody_answered_may_still_come(
    made: Made, error: Exception, told: int
) -> None:
    """Nothing of it is there when all is looked over; a server may do it later all the same."""
    world = made(cuttable(fails={"create": [error]}))

    with pytest.raises(FaultNotInjected):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)

    assert healing.residue_of(world.run)["clean"] is True
    assert len(healing.unconfirmed(world.run, blind=False)) == told


def test_what_is_odd_about_one_fault_does_not_save_another(made: Made) -> None:
    """Each has its turn, whatever the first one makes of itself."""
    world = made()
    for name in ("one-r1", "two-r1"):
        body = partition()
        body["metadata"]["name"] = name
        world.cluster.add(body)
        world.run.ledger.record({"fault": Fault.of(body).to_json()})
    world.cluster.fails["get"] = [KeyError("spec")]

    with pytest.raises(KeyError):
        healing.recover(world.run, held=0, timeout=5)

    there = [world.has_fault("networkchaos", name) for name in ("one-r1", "two-r1")]
    assert there == [True, False]


def test_a_signal_during_the_create_waits_for_its_answer(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off, it could land when the run has looked over everything and found nothing left."""
    world = made(cuttable())
    create = world.cluster.create

    def signalled(kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        if not dry_run:
            signal.raise_signal(signal.SIGTERM)
        return create(kind, body, dry_run=dry_run)

    monkeypatch.setattr(stopping, "leads_to_rollbacks", lambda _: True)
    monkeypatch.setattr(world.cluster, "create", signalled)
    world.run.stopping.install()

    with pytest.raises(SystemExit):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)
    world.run.stopping.close()

    created_and_taken_back = [f"{verb} networkchaos {CUT}" for verb in ("create", "delete")]
    assert world.cluster.verbs("create", "delete")[-2:] == created_and_taken_back
    assert not world.has_fault("networkchaos", CUT)
