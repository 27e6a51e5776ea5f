"""What stands before each experiment: windows, holds, leave; every wait has an end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kvchaos.gameday.day import Step, Stop, Stopped
from kvchaos.gameday.gates import Answer, Gates
from kvchaos.gameday.plan import Plan, Play
from kvchaos.gameday.process import Interrupted, Signals
from kvchaos.gameday.windows import Window, Windows
from tests.scripted import FakeClock

UTC = ZoneInfo("UTC")
PLAN = Plan("weekly", "to know", "us", (Play("a", Path("a.json")),))
STEP = Step(1, "a", 1)
NINE_TO_TEN = Windows(UTC, (Window(540, 600),))
DAY = 24 * 3600.0


@dataclass
class Door:
    """Answers as a test says: holds one after the other (then none), and one answer."""

    holds: list[str] = field(default_factory=list)
    answer: Answer = Answer.PLAY
    thinks: float = 0.0
    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[int] = field(default_factory=list)

    def held(self, play: str) -> str:
        return self.holds.pop(0) if self.holds else ""

    def leave(self, step: Step, *, closed: Callable[[], bool]) -> Answer | None:
        self.asked.append(step.number)
        until = self.clock.now() + self.thinks
        while self.clock.now() < until:
            self.clock.sleep(1)
            if closed():
                return None
        return self.answer


@dataclass
class World:
    """Gates, and what became of them."""

    plan: Plan
    hour: float = 9.5
    door: Door = field(default_factory=Door)
    signals: Signals = field(default_factory=Signals)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.door.clock = FakeClock(DAY + self.hour * 3600 - 1000)
        self.gates = Gates(
            self.plan,
            self.door,
            signals=self.signals,
            clock=self.clock,
            told=lambda event, text: self.told.append(f"{event}: {text}"),
        )

    def open(self) -> Stopped | Answer:
        return self.gates.open(STEP)


def test_in_a_window_with_leave_and_no_hold_it_is_played() -> None:
    """Nothing waits."""
    world = World(replace(PLAN, windows=NINE_TO_TEN))

    assert (world.open(), world.told, world.door.asked) == (Answer.PLAY, [], [1])


def test_outside_of_the_windows_the_day_ends_and_says_when_it_opens() -> None:
    """Unless it may wait."""
    world = World(replace(PLAN, windows=NINE_TO_TEN), hour=11)

    assert world.open() == Stopped(
        Stop.WINDOW,
        "Fri 1970-01-02 11:00 UTC: no window is open; the next opening is Sat 1970-01-03 09:00 UTC",
    )


def test_a_wait_for_a_window_ends_when_it_opens() -> None:
    """To the second, and it is told once."""
    plan = replace(PLAN, windows=NINE_TO_TEN, outside="wait", wait=DAY)
    world = World(plan, hour=8.25)

    assert (world.open(), world.clock.wall()) == (Answer.PLAY, DAY + 9 * 3600)
    assert len(world.told) == 1


def test_a_window_that_is_too_far_is_not_waited_for() -> None:
    """The wait has a bound."""
    plan = replace(PLAN, windows=NINE_TO_TEN, outside="wait", wait=60.0)
    world = World(plan, hour=8)

    stopped = world.open()

    assert isinstance(stopped, Stopped)
    assert stopped.why.endswith("later than in 60 s")


def test_a_window_that_closed_while_a_person_thought_keeps_it_out() -> None:
    """It is looked at once more after the leave."""
    world = World(replace(PLAN, windows=NINE_TO_TEN), hour=9.99)

    def think(step: Step, *, closed: Callable[[], bool]) -> Answer:
        world.clock.sleep(3600)
        return Answer.PLAY

    world.door.leave = think  # type: ignore[method-assign]
    stopped = world.open()

    assert isinstance(stopped, Stopped)
    assert stopped.by is Stop.WINDOW


def test_a_question_is_taken_back_when_the_window_closes() -> None:
    """Nobody has to answer for the day to end as its plan says."""
    door = Door(thinks=DAY)
    world = World(replace(PLAN, windows=NINE_TO_TEN), hour=9.99, door=door)

    stopped = world.open()

    assert isinstance(stopped, Stopped)
    assert (stopped.by, world.clock.wall(), door.asked) == (Stop.WINDOW, DAY + 10 * 3600, [1])


def test_a_question_that_was_taken_back_is_asked_again_when_it_opens() -> None:
    """A plan that may wait: on the next day, whether each is asked for or only the first."""
    for approval in ("each", "first"):
        plan = replace(PLAN, windows=NINE_TO_TEN, outside="wait", wait=DAY, approval=approval)
        world = World(plan, hour=9.5, door=Door(thinks=45 * 60))

        answer = world.open()

        assert (answer, world.door.asked) == (Answer.PLAY, [1, 1])
        assert world.clock.wall() == DAY + 33.75 * 3600


@pytest.mark.parametrize(("hold", "asked"), [("stop", [1]), ("wait", [1, 1])])
def test_a_question_is_taken_back_when_somebody_holds(hold: str, asked: list[int]) -> None:
    """Within seconds; the day ends, or waits for the release and asks again."""
    world = World(replace(PLAN, hold=hold), door=Door(["", "", "held by ana", "held by ana"]))
    world.door.thinks = 12

    answer = world.open()

    assert world.door.asked == asked
    assert answer == (Stopped(Stop.HOLD, "held by ana") if hold == "stop" else Answer.PLAY)


def test_a_signal_ends_a_question() -> None:
    """At once: nobody has to answer it."""
    world = World(PLAN)

    def think(step: Step, *, closed: Callable[[], bool]) -> Answer:
        os.kill(os.getpid(), signal.SIGTERM)
        return Answer.PLAY

    world.door.leave = think  # type: ignore[method-assign]
    with world.signals.caught(), pytest.raises(Interrupted, match="SIGTERM"):
        world.open()


def test_a_hold_ends_the_day() -> None:
    """With who holds it."""
    assert World(PLAN, door=Door(["held by ana"])).open() == Stopped(Stop.HOLD, "held by ana")


def test_a_hold_may_be_waited_for() -> None:
    """Until it is released."""
    world = World(replace(PLAN, hold="wait"), door=Door(["held by ana", "held by ana"]))

    assert (world.open(), world.told) == (
        Answer.PLAY,
        ["waiting: waiting for a release: held by ana"],
    )


def test_a_hold_that_stays_is_waited_for_so_long_only() -> None:
    """Then the day ends."""
    world = World(replace(PLAN, hold="wait", hold_wait=60), door=Door(["held by ana"] * 100))

    assert world.open() == Stopped(Stop.HOLD, "held by ana, for 60 s now")


@pytest.mark.parametrize(("approval", "asked"), [("each", [1, 1]), ("first", [1]), ("none", [])])
def test_a_person_is_asked_as_often_as_the_plan_says(approval: str, asked: list[int]) -> None:
    """Each time, the first time, never."""
    world = World(replace(PLAN, approval=approval))

    world.open()
    world.open()

    assert world.door.asked == asked


def test_who_declines_ends_the_day_and_who_skips_does_not() -> None:
    """Both are answers."""
    assert World(PLAN, door=Door(answer=Answer.QUIT)).open() == Stopped(
        Stop.DECLINED, "no leave was given for a"
    )
    assert World(PLAN, door=Door(answer=Answer.SKIP)).open() is Answer.SKIP


def test_a_signal_ends_a_wait() -> None:
    """Also one that came before it began."""
    world = World(replace(PLAN, windows=NINE_TO_TEN, outside="wait", wait=DAY), hour=8)
    world.signals.came = 15

    with pytest.raises(Interrupted, match="SIGTERM"):
        world.open()


def test_a_run_is_stopped_at_the_closing_if_the_plan_says_so() -> None:
    """At 10:00; else it may end."""
    told = [
        World(replace(PLAN, windows=NINE_TO_TEN, closing=closing)).gates.closing()
        for closing in ("stop", "finish")
    ]

    assert told == [DAY + 10 * 3600, None]
