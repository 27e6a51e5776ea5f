"""How a run ends: nothing is left running, and nothing but what was seen is a pass."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import ClusterUnreachable, Forbidden, KVChaosError
from kvchaos.mesh.fault import Fault
from kvchaos.run import current, finishing
from kvchaos.run.session import Run
from kvchaos.traffic.load import Figures, Span
from kvchaos.verdict.history import History
from tests.builders import run_that_recovered, traffic
from tests.run_world import Made, World
from tests.scripted import partition

Json = dict[str, Any]
STAMPS = ("at", "wall", "event")
LAST = ("residue", "observer", "run_ended", "traffic")
"""What ``finish`` adds itself."""
UNCONFIRMED = "networkchaos/cut-r1 in kvchaos, which its own duration ends 10 s after its creation"


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

    def lately(self) -> Span:
        return Span(100.0, 100.0, Figures())


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
        return finishing.finish(self.world.run, "completed")

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
    assert [each["event"] for each in ended.world.run.events()[-5:]] == [
        "traffic",
        "residue",
        "bystanders",
        "observer",
        "run_ended",
    ]
    assert "PASS" in capsys.readouterr().out
    assert ended.is_closed()


@pytest.mark.parametrize("status", ["failed", "aborted", "interrupted"])
def test_a_run_that_was_not_played_to_its_end_is_no_pass(ended: Ended, status: str) -> None:
    """Whatever was seen until then."""
    assert finishing.finish(ended.world.run, status)["verdict"] == "unknown"


def test_a_fault_that_is_still_open_is_ended_first(ended: Ended) -> None:
    """The rollbacks may not have come to it."""
    cluster = ended.world.cluster
    cluster.add(partition())
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})

    ended.finish()

    assert ended.world.told("residue") == [{"event": "residue", "left": [], "unconfirmed": []}]
    assert not ended.world.has_fault("networkchaos", "cut-r1")


def test_what_is_left_is_told_though_the_history_cannot_take_it(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk is no reason to exit with anything less than residue."""
    cluster = ended.world.cluster
    cluster.add(partition())
    cluster.fails["delete"] = [Forbidden("may not delete")] * 1000
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    ended.world.run.history.refused = frozenset({"residue"})  # type: ignore[attr-defined]

    record = ended.finish()

    assert (record["status"], record["exit_code"]) == ("residue", 5)
    assert "networkchaos/cut-r1" in capsys.readouterr().out
    assert ended.world.told("residue") == []


def test_a_fault_whose_create_nobody_came_back_from_is_not_confirmed_to_be_gone(
    ended: Ended,
) -> None:
    """The main thread hangs in it, and the run is finished without: it may still land."""
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    ended.world.run.in_flight.add("cut-r1")

    record = ended.finish()

    assert (record["status"], record["unconfirmed"]) == ("residue", [UNCONFIRMED])


def test_that_nothing_is_left_counts_only_when_it_is_recorded(ended: Ended) -> None:
    """No history, no pass."""
    ended.world.run.history.refused = frozenset({"residue"})  # type: ignore[attr-defined]

    assert ended.finish()["status"] == "unknown"


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

    monkeypatch.setattr(finishing, "print_summary", broken)

    assert ended.finish()["verdict"] == "pass"


def test_who_shows_the_run_leaves_before_its_summary_is_printed(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else both would write to the same lines; all else is kept by then but the report."""
    order: list[str] = []

    class Onlooker:
        def opened(self, run: Run) -> None:
            """Not here."""

        def closing(self) -> None:
            order.append("closing")
            assert (ended.world.run.folder / "record.json").exists()

    monkeypatch.setattr(finishing, "print_summary", lambda *_: order.append("summary"))
    monkeypatch.setattr(finishing, "keep_report", lambda _: order.append("report"))
    current.listen(lambda _: None, onlooker=Onlooker())

    ended.finish()
    current.listen(lambda _: None)

    assert order == ["closing", "summary", "report"]


def test_the_record_is_kept_before_what_may_take_its_time(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends the process by force while logs are read loses no verdict."""
    seen: list[tuple[bool, str, list[str]]] = []

    def logs(run: Run) -> None:
        record = json.loads((run.folder / "record.json").read_text())
        is_open = not run.history._file.closed and ended.part.open
        seen.append((is_open, record["verdict"], [run.events()[-1]["event"]]))

    monkeypatch.setattr(finishing, "keep_logs", logs)

    ended.finish()

    assert seen == [(True, "pass", ["run_ended"])]


def test_a_record_that_was_kept_is_mended_by_what_came_after_it(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal while the logs are read."""
    stopping = ended.world.run.stopping
    monkeypatch.setattr(finishing, "keep_logs", lambda _: stopping.request("signal", "SIGTERM"))

    record = ended.finish()

    assert record["status"] == "aborted"
    assert json.loads((ended.world.run.folder / "record.json").read_text()) == record


def test_what_records_beside_is_waited_for_when_the_faults_are_ended(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And before the run has ended."""
    order: list[str] = []
    run = ended.world.run
    monkeypatch.setattr(finishing, "_recover_all", lambda _: order.append("recovered"))
    run.beside.callback(lambda: order.append(run.events()[-1]["event"]))

    ended.finish()

    assert order == ["recovered", "residue"]


@pytest.mark.parametrize("step", ["stop_traffic", "_recover_all", "_record_residue"])
def test_an_error_that_nobody_foresaw_aborts_the_run_when_all_was_tried_and_closed(
    ended: Ended, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A bug must not leave a fault in a cluster, nor a lab running, nor a run unjudged."""

    def bug(_: Run) -> None:
        raise KeyError(step)

    monkeypatch.setattr(finishing, step, bug)

    record = ended.finish()

    assert record["status"] == "aborted"
    assert len(ended.world.told("observer")) == 1
    assert ended.is_closed()


def test_a_run_is_finished_once_whoever_asks(ended: Ended) -> None:
    """The second gets the first's record."""
    assert ended.finish() is ended.finish()


def test_the_record_is_in_the_runs_folder_too(ended: Ended) -> None:
    """Chaos Toolkit writes no journal when an error rises through it."""
    record = ended.finish()

    assert json.loads((ended.world.run.folder / "record.json").read_text()) == record


def test_a_fault_that_could_not_be_asked_for_is_told_as_unconfirmed(ended: Ended) -> None:
    """With what ends it when nobody does."""
    ended.world.run.ledger.record({"fault": Fault.of(partition()).to_json()})
    for verb in ("get", "list", "delete"):
        ended.world.cluster.fails[verb] = [ClusterUnreachable("no answer") for _ in range(9999)]

    record = ended.finish()

    assert ended.world.told("residue") == [
        {
            "event": "residue",
            "left": None,
            "unconfirmed": [UNCONFIRMED],
        }
    ]
    assert (record["status"], record["exit_code"]) == ("residue", 5)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_stop_that_comes_while_the_run_ends_aborts_it_and_skips_nothing(
    ended: Ended, moment: str
) -> None:
    """Also one that comes when the history is closed already."""
    stopping = ended.world.run.stopping
    if moment == "before":
        stopping.request("signal", "SIGTERM")
    else:
        ended.world.run.started.callback(lambda: stopping.request("signal", "SIGTERM"))
        ended.world.run.started.callback(ended.world.run.close)

    record = ended.finish()

    assert (record["status"], record["exit_code"]) == ("aborted", 3)
    assert len(ended.world.told("residue", "observer", "run_ended")) == 3
    assert ended.is_closed()


# -- a run whose main thread does not come back ---------------------------------------------------


@dataclass
class Exits:
    """The codes with which the process would have ended."""

    codes: list[int] = field(default_factory=list)


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> Exits:
    exits = Exits()
    monkeypatch.setattr(finishing, "_exit", exits.codes.append)
    return exits


def test_a_run_whose_main_thread_does_not_come_back_is_finished_and_the_process_ended(
    ended: Ended, exits: Exits
) -> None:
    """With the exit code of what it came to; whoever started it in this process is told."""
    told: list[Json] = []
    current.listen(told.append)
    ended.world.run.stopping.request("deadline", "it hangs")

    finishing.Ending(ended.world.run).give_up()

    assert exits.codes == [3]
    assert [each["status"] for each in told] == ["aborted"]
    assert ended.is_closed()


def test_a_run_that_is_being_finished_is_not_given_up(ended: Ended, exits: Exits) -> None:
    """The main thread came back at the last moment."""
    with ended.world.run.ending:
        finishing.give_up(ended.world.run)

    assert (exits.codes, ended.world.run.outcome) == ([], None)


def test_a_main_thread_that_comes_back_while_it_is_given_up_ends_by_itself(
    ended: Ended, exits: Exits
) -> None:
    """It takes over the record and goes on to write its journal."""
    ended.world.run.returned = True

    finishing.give_up(ended.world.run)

    assert exits.codes == []
    assert ended.finish() is ended.world.run.outcome


def test_a_process_is_ended_though_nobody_reads_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A log handler of somebody else's may wait for a reader for ever."""
    codes: list[int] = []
    ended, waited = threading.Event(), threading.Event()

    def shutdown() -> None:
        if ended.wait(2.0):
            waited.set()

    monkeypatch.setattr(finishing, "SAY", 0.01)
    monkeypatch.setattr(logging, "shutdown", shutdown)
    monkeypatch.setattr(os, "_exit", codes.append)

    finishing._exit(3)
    ended.set()

    assert waited.wait(2.0)
    assert codes == [3]


def test_a_rollback_under_way_is_waited_for_while_it_has_time(made: Made) -> None:
    """Only in the rollbacks, and only in the main thread."""
    run = made().run
    ending = finishing.Ending(run)
    busy = [ending.is_busy()]
    run.deadlines.arm("a rollback", seconds=5)
    busy.append(ending.is_busy())
    run.phase = "rollbacks"
    busy.append(ending.is_busy())
    run.deadlines.disarm()
    busy.append(ending.is_busy())

    assert busy == [False, False, True, False]
    assert threading.current_thread() is threading.main_thread()
