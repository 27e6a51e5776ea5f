"""How a run ends: nothing is left running, and nothing but what was seen is a pass."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import (
    ClusterUnreachable,
    Forbidden,
    KVChaosError,
)
from kvchaos.mesh.fault import Fault
from kvchaos.run import lifecycle
from kvchaos.run.session import Run
from kvchaos.settings import Settings
from kvchaos.verdict.history import History
from tests.builders import run_that_recovered, traffic
from tests.run_world import Made, World
from tests.scripted import FakeClock, partition

Json = dict[str, Any]
STAMPS = ("at", "wall", "event")
LAST = ("residue", "observer", "run_ended", "traffic")
"""What ``finish`` adds itself."""


# -- what Chaos Toolkit says --------------------------------------------------------------------


def test_a_failed_activity_is_told_with_the_last_line_of_its_exception(made: Made) -> None:
    """Chaos Toolkit hands the traceback over, line by line."""
    world = made()
    world.run.phase = "method"
    trace = ["Traceback ...\n", "kvchaos.errors.FaultRefused: no target\n", "  \n"]
    cut = {"name": "cut", "type": "action"}

    lifecycle.record_activity(world.run, cut, {"status": "succeeded", "duration": 0.5})
    lifecycle.record_activity(world.run, cut, {"status": "failed", "exception": trace})
    lifecycle.record_activity(world.run, cut, {"status": "failed"})

    assert [(each["outcome"], each["error"], each["took"]) for each in world.told("activity")] == [
        ("succeeded", None, 0.5),
        ("failed", "kvchaos.errors.FaultRefused: no target", None),
        ("failed", None, None),
    ]
    assert {(each["phase"], each["type"]) for each in world.told("activity")} == {
        ("method", "action")
    }


@pytest.mark.parametrize(
    ("phase", "when"), [("before", "before"), ("method", "during"), ("rollbacks", "after")]
)
def test_a_hypothesis_is_told_with_what_failed_and_what_could_not_say(
    made: Made, phase: str, when: str
) -> None:
    """A probe whose deciding answer is null does not know; one that raised has only failed."""
    world = made()
    world.run.phase = phase

    def probe(name: str, **fields: Any) -> Json:
        return {"activity": {"name": name}, "status": "succeeded", **fields}

    probes = [
        probe("fine", output={"agrees": True}, tolerance_met=True),
        probe("without tolerance"),
        probe("says no", output={"agrees": False}, tolerance_met=False),
        probe("knows not", output={"agrees": None}, tolerance_met=False),
        probe("raised", status="failed"),
    ]
    lifecycle.record_hypothesis(world.run, {"steady_state_met": False, "probes": probes})

    assert world.told("hypothesis") == [
        {
            "event": "hypothesis",
            "when": when,
            "met": False,
            "failed": ["says no", "knows not", "raised"],
            "unknown": ["knows not"],
        }
    ]


# -- finish -------------------------------------------------------------------------------------


class FullDisk(History):
    """Has no room for the events ``refused``."""

    refused: frozenset[str] = frozenset()

    def add(self, event: str, /, **fields: Any) -> Json:
        if event in self.refused:
            raise KVChaosError("history cannot be written", saw=str(OSError(errno.ENOSPC, "full")))
        return super().add(event, **fields)


@dataclass
class FakeLoad:
    """A load that is stopped once."""

    runs: bool = True

    def stop(self) -> Json:
        self.runs = False
        return {key: value for key, value in traffic().items() if key not in STAMPS}


@dataclass
class Closed:
    """A part of a run that tells of its end, and raises ``fails`` then."""

    fails: Exception | None = None
    open: bool = True

    def close(self) -> None:
        self.open = False
        if self.fails:
            raise self.fails


@dataclass
class Ended:
    """A run at its end that would pass, and a part of it that was made first."""

    world: World
    part: Closed
    load: FakeLoad

    def finish(self) -> Json:
        return lifecycle.finish(self.world.run, "completed")

    def is_closed(self) -> bool:
        return not (self.part.open or self.load.runs) and self.world.run.history._file.closed


@pytest.fixture
def ended(made: Made, tmp_path: Path) -> Iterator[Ended]:
    world = made()
    run = world.run
    run.history.close()
    run.history = FullDisk(tmp_path / "history.jsonl", world.clock)
    run.at_the_end.callback(run.history.close)
    for each in run_that_recovered():
        fields = {key: value for key, value in each.items() if key not in STAMPS}
        world.clock.seconds = 100 + each["at"]
        if each["event"] not in LAST:
            run.history.add(each["event"], **fields)
    ended = Ended(world, Closed(), FakeLoad())
    run.load = ended.load  # type: ignore[assignment]  # all that is asked of it is to stop
    run.started.callback(ended.part.close)
    yield ended
    run.history.close()


def test_a_run_in_which_all_was_seen_and_right_is_a_pass(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is judged when all is told, and taken apart after it."""
    record = ended.finish()

    assert (record["verdict"], record["folder"]) == ("pass", str(ended.world.run.folder))
    assert [each["event"] for each in ended.world.run.events()[-4:]] == [
        "traffic",
        "residue",
        "observer",
        "run_ended",
    ]
    assert "PASS" in capsys.readouterr().out
    assert ended.is_closed()


@pytest.mark.parametrize("status", ["failed", "aborted", "interrupted"])
def test_a_run_that_was_not_played_to_its_end_is_no_pass(ended: Ended, status: str) -> None:
    """Whatever was seen until then."""
    assert lifecycle.finish(ended.world.run, status)["verdict"] == "unknown"


def test_a_fault_that_is_still_open_is_ended_first(ended: Ended) -> None:
    """The rollbacks may not have come to it."""
    cluster = ended.world.cluster
    cluster.add(partition())
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})

    ended.finish()

    assert ended.world.told("residue") == [{"event": "residue", "left": []}]
    assert not ended.world.has_fault("networkchaos", "cut-r1")


def test_a_fault_that_cannot_be_ended_is_a_fail(ended: Ended) -> None:
    """It is seen to be left."""
    cluster = ended.world.cluster
    cluster.add(partition())
    cluster.fails["delete"] = [Forbidden("may not delete")] * 1000
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})

    record = ended.finish()

    assert record["verdict"] == "fail"
    assert len(record["residue"]) == 1
    assert ended.is_closed()


def test_a_cluster_that_went_away_leaves_residue_unknown(ended: Ended) -> None:
    """Nobody could look; the faults that were open are open."""
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    for verb in ("get", "list", "delete"):
        ended.world.cluster.fails[verb] = [ClusterUnreachable("no answer") for _ in range(9999)]

    record = ended.finish()

    assert (record["verdict"], record["residue"]) == ("unknown", None)
    assert ended.world.run.recovered == set()
    assert ended.is_closed()


def test_an_observer_that_cannot_give_account_is_no_pass(ended: Ended) -> None:
    """What it saw is not known to be all."""
    ended.world.observer.fails = [ClusterUnreachable("no answer")]

    record = ended.finish()

    assert (record["verdict"], record["observer"]) == ("unknown", None)
    assert ended.is_closed()


def test_a_sampler_that_died_is_no_pass(ended: Ended) -> None:
    """The index was not looked at to the end."""
    ended.world.sampler.is_up = False

    assert ended.finish()["verdict"] == "unknown"


@pytest.mark.parametrize("refused", [{"residue"}, {"observer"}, {"run_ended"}, set(LAST)])
def test_what_a_full_disk_did_not_take_is_no_pass(ended: Ended, refused: set[str]) -> None:
    """Each of the last events is asked for by a check."""
    history = ended.world.run.history
    assert isinstance(history, FullDisk)
    history.refused = frozenset(refused)

    record = ended.finish()

    assert record["verdict"] == "unknown"
    assert ended.is_closed()


def test_figures_of_the_load_that_a_full_disk_did_not_take_are_left_out(ended: Ended) -> None:
    """They inform, no check rests on them; the load is stopped all the same."""
    history = ended.world.run.history
    assert isinstance(history, FullDisk)
    history.refused = frozenset({"traffic"})

    record = ended.finish()

    assert record["traffic"] == []
    assert ended.is_closed()


@pytest.mark.parametrize("error", [ClusterUnreachable("no answer"), OSError(errno.EIO, "io")])
def test_a_part_that_cannot_be_closed_keeps_no_other_open(ended: Ended, error: Exception) -> None:
    """The verdict stands."""
    ended.part.fails = error

    record = ended.finish()

    assert record["verdict"] == "pass"
    assert ended.is_closed()


def test_a_summary_that_cannot_be_printed_costs_no_record(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads it may have gone."""

    def broken(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(lifecycle, "print_summary", broken)

    assert ended.finish()["verdict"] == "pass"


@pytest.mark.parametrize("step", ["stop_traffic", "_recover_all", "_record_residue"])
def test_an_error_that_nobody_foresaw_is_raised_when_all_was_tried_and_closed(
    ended: Ended, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A bug must not leave a fault in a cluster, nor a lab running."""

    def bug(_: Run) -> None:
        raise KeyError(step)

    monkeypatch.setattr(lifecycle, step, bug)
    with pytest.raises(KeyError, match=step):
        ended.finish()

    assert len(ended.world.told("observer")) == 1
    assert ended.is_closed()


# -- a run's parts ------------------------------------------------------------------------------


def test_a_run_takes_its_parts_apart_the_last_first(tmp_path: Path) -> None:
    """Each is tried, whatever another raises."""
    run = Run(Settings(), run_id="r1", folder=tmp_path, clock=FakeClock())
    closed: list[str] = []

    def part(name: str, error: Exception | None = None) -> Callable[[], None]:
        def close() -> None:
            closed.append(name)
            if error:
                raise error

        return close

    run.at_the_end.callback(part("first"))
    run.at_the_end.callback(part("second", OSError("stuck")))
    run.at_the_end.callback(part("third"))
    with pytest.raises(OSError, match="stuck"):
        run.close()

    assert closed == ["third", "second", "first"]
    assert run.history._file.closed


def test_a_runs_seconds_are_counted_from_its_beginning(made: Made) -> None:
    """Also those of a moment that its clock told."""
    world = made()
    world.clock.sleep(5)

    assert (world.run.at(), world.run.at_of(103.0)) == (5.0, 3.0)


def test_a_run_knows_which_pods_it_follows(made: Made) -> None:
    """By uid: a pod that was made anew is another."""
    assert made().run.followed() == {"a-uid"}
