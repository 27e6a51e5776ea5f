"""A game day from its beginning to its end, and from the middle on after an interruption."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kvchaos.errors import UsageError
from kvchaos.gameday.day import Attempt, Day, Stop, Stopped, keep, planned, read_day
from kvchaos.gameday.gates import Answer
from kvchaos.gameday.plan import Budget, Plan, Play, StopWhen
from kvchaos.gameday.playing import Playing
from kvchaos.gameday.process import Ended, Signals, started_at
from kvchaos.verdict.result import Status
from tests.scripted import FakeClock
from tests.unit.gameday.test_gameday_gates import Door

PLAN = Plan(
    "weekly", "to know", "us", (Play("a", Path("a.json"), repeat=2), Play("b", Path("b.json")))
)


@dataclass
class Player:
    """Plays what a test says: exit codes in turn (then 0); every run leaves its record."""

    codes: list[int | None] = field(default_factory=list)
    records: bool = True
    clean: bool = True
    during: Callable[[], object] = lambda: None
    before: Callable[[], object] = lambda: None
    prepared: list[str] = field(default_factory=list)
    played: list[str] = field(default_factory=list)
    reaped: list[str] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    def faults(self, play: str) -> int:
        return 1

    def prepare(self, play: str) -> None:
        self.prepared.append(play)
        self.before()

    def play(
        self, play: str, runs: Path, *, began: Callable[[int], None], look: Callable[[], str]
    ) -> Ended:
        self.played.append(play)
        code = self.codes.pop(0) if self.codes else 0
        began(os.getpid())
        self.during()
        self.clock.sleep(10)
        record_in(runs / f"r{len(self.played)}", code if self.records else None)
        stopped = look()
        return Ended(3, stopped) if stopped else Ended(code)

    def reap(self, play: str, run: str, runs: Path) -> bool:
        self.reaped.append(run)
        return self.clean


def record_in(folder: Path, code: int | None) -> None:
    """A run's folder, without a record when ``code`` is None."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.jsonl").touch()
    if code is None:
        return
    status = {0: "pass", 1: "fail", 3: "aborted", 5: "residue"}.get(code, "unknown")
    told: dict[str, object] = {
        "verdict": status if status in ("pass", "fail") else "unknown",
        "status": status,
        "exit_code": code,
        "headline": f"it was a {status}",
        **dict.fromkeys(("recovery", "worst", "observer", "preflight", "stop", "reap")),
        **dict.fromkeys(("residue", "unconfirmed")),
        **{key: [] for key in ("checks", "faults", "traffic")},
        **{key: {} for key in ("run", "left", "streams")},
    }
    (folder / "record.json").write_text(json.dumps(told))


@dataclass
class World:
    """A game day in a folder."""

    folder: Path
    plan: Plan = PLAN
    player: Player = field(default_factory=Player)
    door: Door = field(default_factory=Door)
    signals: Signals = field(default_factory=Signals)
    day: Day | None = None
    told: list[str] = field(default_factory=list)

    def play(self) -> Day:
        day = self.day or planned(self.plan, source=self.folder / "p", at=1.0, seed=3)
        self.day = Playing(
            self.plan,
            day,
            self.folder,
            player=self.player,
            door=self.door,
            signals=self.signals,
            clock=self.player.clock,
            send=lambda event, text, *_: self.told.append(f"{event}: {text}"),
        ).play()
        return self.day


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def statuses(day: Day) -> list[str | None]:
    return [step.status and str(step.status) for step in day.steps]


def test_everything_is_played_in_its_order_and_told(world: World) -> None:
    """Each event once; what is on the disk at the end is the day."""
    day = world.play()

    assert (day.status, day.stopped, world.player.played) == (Status.PASS, None, ["a", "a", "b"])
    assert world.told == [
        "started: game day weekly of us: 3 of 3 to play",
        "experiment_started: 1/3: a",
        "experiment_ended: a: pass: it was a pass",
        "experiment_started: 2/3: a (2)",
        "experiment_ended: a (2): pass: it was a pass",
        "experiment_started: 3/3: b",
        "experiment_ended: b: pass: it was a pass",
        "ended: game day weekly: pass",
    ]
    assert read_day(world.folder) == day


def test_a_failure_goes_on_and_weighs(world: World) -> None:
    """Exit code 1 for the whole, all of it played."""
    world.player.codes = [0, 1, 2]

    day = world.play()

    assert (statuses(day), day.status) == (["pass", "fail", "unknown"], Status.FAIL)


@pytest.mark.parametrize(("code", "status"), [(3, "aborted"), (5, "residue")])
def test_nothing_follows_what_was_aborted_or_left_something(
    world: World, code: int, status: str
) -> None:
    """Whatever the plan says."""
    world.player.codes = [code]

    day = world.play()

    assert (statuses(day), str(day.status)) == ([status, None, None], status)
    assert day.stopped == Stopped(Stop.RUN, f"a: {status}")


def test_a_budget_that_is_spent_leaves_the_day_unknown(world: World) -> None:
    """What was not played proves nothing."""
    world.plan = replace(PLAN, budget=Budget(failures=0))
    world.player.codes = [2]

    day = world.play()

    assert (statuses(day), day.status) == (["unknown", None, None], Status.UNKNOWN)
    assert day.stopped == Stopped(Stop.BUDGET, "the budget is spent: 1 run did not pass, 0 may")


def test_a_run_that_outlasts_the_budget_is_stopped(world: World) -> None:
    """As by a signal: it recovers its fault."""
    world.plan = replace(PLAN, budget=Budget(time=5.0))

    day = world.play()

    assert day.steps[0].last is not None
    assert day.steps[0].last.why == "it was stopped: the budget's time was over"
    assert day.stopped is not None
    assert day.stopped.by is Stop.RUN


def test_a_stop_condition_ends_the_day(world: World) -> None:
    """The rest is not played, which is told."""
    world.plan = replace(PLAN, stop_when=StopWhen(frozenset({"fail"})))
    world.player.codes = [1]

    day = world.play()

    assert (statuses(day), day.status) == (["fail", None, None], Status.FAIL)
    assert world.told[-2:] == [
        "stopped: ended early by run: a: its status is fail",
        "ended: game day weekly: fail",
    ]


@pytest.mark.parametrize("code", [0, 1])
def test_a_pass_or_a_fail_without_a_record_is_unknown(world: World, code: int) -> None:
    """A traceback exits with 1, too."""
    world.player.codes = [code]
    world.player.records = False

    assert world.play().steps[0].status is Status.UNKNOWN


def test_what_was_skipped_is_not_played_and_not_a_pass(world: World) -> None:
    """The person said so; the day is unknown."""
    world.door.answer = Answer.SKIP

    day = world.play()

    assert (day.status, world.player.played, day.due) == (Status.UNKNOWN, [], [])


@pytest.mark.parametrize(("clean", "status"), [(True, "aborted"), (False, "residue")])
def test_what_a_killed_run_left_is_ended(world: World, *, clean: bool, status: str) -> None:
    """By ``kvchaos reap`` of that run; what is not gone is residue."""
    world.player.codes = [-9]
    world.player.records = False
    world.player.clean = clean

    day = world.play()

    assert (statuses(day)[0], world.player.reaped) == (status, ["r1"])


def test_a_signal_ends_the_day_after_the_run_under_way(world: World) -> None:
    """Aborted; what is left is played by a later --resume, the broken one first."""
    world.player.codes = [0, 3]

    def come() -> None:
        world.signals.came = signal.SIGTERM if len(world.player.played) == 2 else 0

    world.player.during = come
    day = world.play()

    assert (statuses(day), day.status) == (["pass", "aborted", None], Status.ABORTED)
    assert day.stopped == Stopped(Stop.SIGNAL, "SIGTERM came while a (2) ran")

    world.signals.came, world.player.during = 0, lambda: None
    day = world.play()

    assert (statuses(day), day.status, day.stopped) == (["pass"] * 3, Status.PASS, None)
    assert world.player.played == ["a", "a", "a", "b"]


def test_a_signal_while_a_run_is_prepared_begins_none(world: World) -> None:
    """The lab may still come up; nothing is played in it."""

    def come() -> None:
        world.signals.came = signal.SIGTERM

    world.player.before = come

    day = world.play()

    assert (world.player.prepared, world.player.played) == (["a"], [])
    assert (day.attempts, day.stopped) == ([], Stopped(Stop.SIGNAL, "SIGTERM came"))


def test_nothing_is_prepared_for_what_nobody_gave_leave_to(world: World) -> None:
    """No lab is started for a day that is declined."""
    world.plan = replace(PLAN, approval="each")
    world.door.answer = Answer.QUIT

    world.play()

    assert world.player.prepared == []


def test_a_day_that_was_killed_takes_up_what_its_run_came_to(world: World) -> None:
    """A run outlives its game day, and its record counts."""
    world.day = killed(world, "")
    record_in(world.folder / "runs" / "r0", 0)

    day = world.play()

    assert (day.steps[0].attempts[0].run, day.status) == ("r0", Status.PASS)
    assert world.player.played == ["a", "b"]


def test_a_run_that_was_killed_with_its_day_is_reaped_and_played_again(world: World) -> None:
    """Before anything else begins."""
    world.day = killed(world, "")
    record_in(world.folder / "runs" / "r0", None)

    day = world.play()

    assert (world.player.reaped, world.player.played) == (["r0"], ["a", "a", "b"])
    assert [each.status for each in day.steps[0].attempts] == [Status.ABORTED, Status.PASS]


def test_a_day_whose_run_still_goes_on_does_not_begin(world: World) -> None:
    """Two runs at once measure each other."""
    world.day = killed(world, "r1", process=os.getpid())

    with pytest.raises(UsageError, match=f"still being played, by process {os.getpid()}"):
        world.play()
    assert world.told == []


def killed(world: World, run: str, *, process: int = 0) -> Day:
    """A day that ended without a word in its first run."""
    day = planned(PLAN, source=world.folder / "p", at=1.0, seed=3)
    day.steps[0].attempts.append(Attempt(2.0, process, started_at(process) if process else 0, run))
    keep(day, world.folder)
    return read_day(world.folder)


def test_a_random_order_is_that_of_its_seed() -> None:
    """The same seed, the same order; rounds are counted as they come."""
    plan = replace(PLAN, order="random", plays=tuple(Play(c, Path(c), 2) for c in "abcd"))
    orders = [
        [step.title for step in planned(plan, source=Path("p"), at=1.0, seed=seed).steps]
        for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == ["a", "a (2)", "b", "b (2)", "c", "c (2)", "d", "d (2)"]


def test_a_folder_without_a_day_or_with_a_broken_one_is_told(tmp_path: Path) -> None:
    """--resume with the wrong folder."""
    with pytest.raises(UsageError, match=r"wanted the folder of a game day"):
        read_day(tmp_path)
    (tmp_path / "gameday.json").write_text('{"plan": 3}')
    with pytest.raises(UsageError, match="is not readable"):
        read_day(tmp_path)
