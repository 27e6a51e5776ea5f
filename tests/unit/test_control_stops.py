"""What the control sees to so that a run can be ended at any time, and ends at last."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chaoslib.exceptions import InterruptExecution

from kvchaos import control
from kvchaos.ending.inbox import SIGNALS
from kvchaos.errors import FaultRefused
from kvchaos.mesh.fault import Fault
from kvchaos.run import current, faults, lifecycle
from tests.run_world import VALUES, World
from tests.scripted import ENDED, partition, rules

Json = dict[str, Any]
PROBE = {"name": "ask", "type": "probe", "provider": {"arguments": {"within": 3}}}


@pytest.fixture
def world(tmp_path: Any) -> Iterator[World]:
    """The world of a run that the control has started."""
    world = World.at(tmp_path, probe_deadline=2.0)
    current.begin(world.run)
    yield world
    current.end()
    current.stopped_by(None)
    world.run.history.close()


def elsewhere(act: Any) -> list[BaseException]:
    """What ``act`` raises on a thread that is not the main one."""
    raised: list[BaseException] = []

    def acted() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the thread unseen
            raised.append(error)

    thread = threading.Thread(target=acted)
    thread.start()
    thread.join()
    return raised


@pytest.mark.parametrize(
    "hook",
    [control.before_activity_control, control.before_method_control,
     control.before_hypothesis_control],
)  # fmt: skip
def test_in_a_run_that_is_being_stopped_nothing_is_begun(world: World, hook: Any) -> None:
    """Whatever thread would begin it."""
    world.run.stopping.request("hold", "somebody asked for quiet")

    (raised,) = elsewhere(lambda: hook(PROBE))

    assert isinstance(raised, InterruptExecution)
    assert "somebody asked for quiet" in str(raised)


def test_the_rollbacks_of_such_a_run_are_played(world: World) -> None:
    """They are what it is stopped for."""
    world.run.stopping.request("hold", "somebody asked for quiet")
    control.before_rollback_control({})

    assert elsewhere(lambda: control.before_activity_control(PROBE)) == []


def test_an_activity_has_its_time_and_no_more(world: World) -> None:
    """What it asks for, and ``probe_deadline`` seconds more; then the run is stopped."""
    control.before_activity_control(PROBE)
    world.clock.seconds += 4.9
    world.run.deadlines.look()
    in_time = world.run.stopping.first
    world.clock.seconds += 0.2
    world.run.deadlines.look()
    late = world.run.stopping.first

    assert in_time is None
    assert late is not None
    assert (late.by, late.reason) == ("deadline", "probe 'ask' did not answer within 5 s")


def test_an_activity_that_answered_has_no_deadline_any_more(world: World) -> None:
    """However long the next one takes to begin."""
    control.before_activity_control(PROBE)
    control.after_activity_control(PROBE, {"status": "succeeded"})
    world.clock.seconds += 100
    world.run.deadlines.look()

    assert world.run.stopping.first is None


def test_the_signals_are_taken_before_the_run_starts_and_given_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is starting has something to undo already."""
    current.end()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    meanwhile: list[bool] = []

    def start(*_: object, **__: object) -> Any:
        meanwhile.extend(signal.getsignal(number) != before[number] for number in SIGNALS)
        return world.run

    monkeypatch.setattr(lifecycle, "start", start)
    control.before_experiment_control({})
    control.after_experiment_control({}, {"status": "completed"})
    control.cleanup_control()

    assert meanwhile == [True] * len(SIGNALS)
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_a_run_that_chaos_toolkit_left_in_the_middle_is_finished(world: World) -> None:
    """An error rose through it, and it called no control but this one."""
    control.cleanup_control()

    assert not current.is_running()
    record = current.outcome()
    assert record is not None
    assert record["status"] != "pass"
    assert world.run.history._file.closed


def test_a_fault_that_is_open_at_the_end_is_asked_to_go_before_it_is_forced(world: World) -> None:
    """Force is for what does not go."""
    world.cluster.add(partition())
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})

    control.cleanup_control()

    (told,) = world.told("fault_recovered")
    assert (told["by"], told["forced"]) == ("deletion", False)
    assert world.cluster.verbs("delete", "patch") == ["delete networkchaos cut-r1"]


def test_a_fault_that_is_stuck_at_the_end_is_freed_by_force(world: World) -> None:
    """And that is told."""
    world.cluster.add(partition())
    world.cluster.add(rules("a", "kvchaos/cut-r1"))
    world.cluster.held = True
    world.cluster.script = [ENDED]
    world.run.ledger.record({"fault": Fault.of(partition()).to_json()})

    control.cleanup_control()

    assert [each["forced"] for each in world.told("fault_recovered")] == [True]
    assert world.told("residue") == [{"event": "residue", "left": [], "unconfirmed": []}]


def test_no_fault_is_begun_in_a_run_that_is_being_stopped(world: World) -> None:
    """Also where the stop came in the middle of the action."""
    world.run.stopping.request("signal", "SIGTERM")

    with pytest.raises(FaultRefused, match="the run is being stopped"):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)

    assert world.cluster.verbs("try", "create") == []
    assert world.run.ledger.entries() == []
