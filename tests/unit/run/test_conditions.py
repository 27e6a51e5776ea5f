"""Stop conditions: asked before the run begins and at their interval, and what ends the run."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from kvchaos.errors import KVChaosError, StopConditionNotMet
from kvchaos.run.conditions import Conditions, watch
from tests.run_world import Made, World
from tests.stops import SOON, AskedToStop

Json = dict[str, Any]


@dataclass
class Probe:
    """Answers what was planned, one an asking, the last for ever; ``enough`` after so many."""

    plan: list[object]
    wanted: int = 1
    asked: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> object:
        self.asked += 1
        if self.asked >= self.wanted:
            self.enough.set()
        answer = self.plan.pop(0) if self.plan[1:] else self.plan[0]
        if isinstance(answer, BaseException):
            raise answer
        if answer == "hang":
            assert self.gate.wait(SOON)
        return answer


@dataclass
class Watched:
    """A run with stop conditions that ask ``probes``."""

    world: World
    stop: AskedToStop
    probes: ModuleType
    made: list[Probe] = field(default_factory=list)

    def begin(self, *plans: list[object], wanted: int = 3, **more: Any) -> Conditions:
        """Conditions ``c1``, ``c2`` ... with these answers, and True as their tolerance."""
        conditions = []
        for number, plan in enumerate(plans, start=1):
            self.made.append(Probe(plan, wanted=wanted))
            name = f"probe{number}"
            asking = self.made[-1]
            setattr(self.probes, name, lambda asking=asking: asking())
            provider = {"type": "python", "module": "own_probes", "func": name}
            raw = {"name": f"c{number}", "every": 0.01, "tolerance": True, "provider": provider}
            conditions.append(raw | more)
        extension = {"name": "kvchaos", "stop_conditions": conditions}
        return watch(self.world.run, {"extensions": [extension]}, {}, {})

    def is_quiet(self) -> bool:
        """Whether no condition is watched any more."""
        return not [t for t in threading.enumerate() if t.name.startswith("kvchaos-condition-")]


@pytest.fixture
def watched(made: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    module = ModuleType("own_probes")
    monkeypatch.setitem(sys.modules, "own_probes", module)
    world = made()
    watched = Watched(world, AskedToStop.of(world.run), module)
    yield watched
    for probe in watched.made:
        probe.gate.set()
    world.run.close()
    assert watched.is_quiet()


def account(name: str, **counts: Any) -> Json:
    told = {"name": name, "every": 0.01, "asked": 1, "unmet": 0, "unanswered": 0}
    return {**told, "met": True, "value": "true", **counts}


def test_conditions_that_are_met_let_the_run_go_on(watched: Watched) -> None:
    """They are asked again and again; the history has one account at each end."""
    conditions = watched.begin([True], [True])
    for probe in watched.made:
        assert probe.enough.wait(SOON)
    conditions.end()

    before, after = watched.world.told("stop_conditions")
    assert before == {
        "event": "stop_conditions",
        "when": "before",
        "conditions": [account("c1"), account("c2")],
    }
    assert after["when"] == "after"
    for number, told in enumerate(after["conditions"], start=1):
        assert told == account(f"c{number}", asked=told["asked"])
        assert told["asked"] >= 2
    assert (watched.stop.requests, watched.is_quiet()) == ([], True)


def test_a_breach_ends_the_run_and_says_what_was_seen(watched: Watched) -> None:
    """Name, value and tolerance; once, and it is in the history."""
    conditions = watched.begin([True, True, False])

    assert watched.stop.wait() == (
        "stop condition",
        "'c1' was breached: value false, tolerance true",
    )

    conditions.end()
    assert watched.world.told("stop_condition") == [
        {
            "event": "stop_condition",
            "name": "c1",
            "met": False,
            "value": "false",
            "tolerance": "true",
            "asked": 3,
        }
    ]
    told = watched.world.told("stop_conditions")[-1]["conditions"]
    assert told == [account("c1", asked=3, unmet=1, met=False, value="false")]
    assert len(watched.stop.requests) == 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ValueError("gone"), "ValueError: gone"),
        (None, "it answered nothing"),
        (SystemExit(20), "SystemExit: 20"),
    ],
)
def test_a_condition_that_cannot_be_asked_ends_the_run(
    watched: Watched, answer: object, why: str
) -> None:
    """Three times in a row: it protects nothing any more."""
    watched.begin([True, answer])

    by, reason = watched.stop.wait()

    assert (by, reason) == ("stop condition", f"'c1' could not be told: {why}, 3 times in a row")
    (told,) = watched.world.told("stop_condition")
    assert (told["met"], told["why"], told["asked"]) == (None, why, 4)


def test_a_condition_that_answers_in_between_is_given_patience(watched: Watched) -> None:
    """Only failures in a row count."""
    gone = ValueError("gone")
    watched.begin([True, gone, gone, True, gone, gone, True, False])

    assert watched.stop.wait()[1] == "'c1' was breached: value false, tolerance true"


def test_a_condition_that_hangs_ends_the_run(watched: Watched) -> None:
    """Each asking has its deadline; the thread that hangs is left alone."""
    watched.begin([True, "hang"], deadline=0.05)

    assert watched.stop.wait()[1] == (
        "'c1' could not be told: no answer within 0.05 s, 3 times in a row"
    )
    assert watched.made[0].asked == 2


@pytest.mark.parametrize(
    ("plans", "saw"),
    [
        ([[False]], "'c1' was breached: value false, tolerance true"),
        ([[True], [None]], "'c2' could not be told: it answered nothing"),
        (
            [[ValueError("gone")], [True], [None]],
            "'c1' could not be told: ValueError: gone; 'c3' could not be told: it answered nothing",
        ),
    ],
)
def test_a_run_does_not_begin_with_a_condition_that_is_not_met(
    watched: Watched, plans: list[list[object]], saw: str
) -> None:
    """All of them are named; nothing is asked again, and nothing is to be stopped."""
    with pytest.raises(StopConditionNotMet) as caught:
        watched.begin(*plans)

    assert caught.value.saw == saw
    watched.world.run.close()
    assert (watched.stop.requests, watched.is_quiet()) == ([], True)
    assert [each["when"] for each in watched.world.told("stop_conditions")] == ["before"]


def test_a_condition_that_hangs_at_the_start_is_not_met(watched: Watched) -> None:
    """The start is bounded, too."""
    with pytest.raises(StopConditionNotMet, match=r"'c1' could not be told: no answer within 0.05"):
        watched.begin(["hang"], deadline=0.05)


def test_no_conditions_leave_no_trace(watched: Watched) -> None:
    """Most experiments have none."""
    conditions = watched.begin()
    conditions.end()

    assert watched.world.told("stop_conditions") == []


def test_what_is_asked_is_said_once_at_the_start(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Who reads the log knows that the conditions are armed."""
    with caplog.at_level("INFO", "kvchaos.run.conditions"):
        watched.begin([True], [True], every=30).end()
        watched.begin().end()

    assert caplog.messages == ["Stop conditions: 2, asked every 30 s: c1, c2"]


@pytest.mark.parametrize("ending", ["rollbacks", "stopped", "closed"])
def test_nothing_is_stopped_that_is_ending_already(watched: Watched, ending: str) -> None:
    """A breach during the rollbacks, after another stop, or after the end changes nothing."""
    conditions = watched.begin([True, "hang"], wanted=2)
    run = watched.world.run
    endings: dict[str, Callable[[], object]] = {
        "rollbacks": lambda: setattr(run, "phase", "rollbacks"),
        "stopped": lambda: run.stopping.request("signal", "SIGTERM"),
        "closed": run.close,
    }
    assert watched.made[0].enough.wait(SOON)

    endings[ending]()
    watched.made[0].gate.set()  # it answers now, and that is a breach
    conditions.stop()

    assert watched.stop.requests == [("signal", "SIGTERM")] * (ending == "stopped")
    assert watched.is_quiet()


def test_a_full_disk_does_not_keep_a_breach_from_stopping_the_run(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is second to the stop."""
    watched.begin([True, True, False])

    def full(*_: object, **__: object) -> None:
        raise KVChaosError("history cannot be written")

    monkeypatch.setattr(watched.world.run.history, "add", full)

    assert watched.stop.wait()[0] == "stop condition"
