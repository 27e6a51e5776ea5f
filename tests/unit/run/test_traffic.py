"""The run's load: one at a time, its figures in the history, a silent router looked up again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, cast

import pytest

from kvchaos.errors import RouterUnreachable
from kvchaos.run import traffic
from kvchaos.traffic.completions import Completion
from kvchaos.traffic.load import Figures, Span
from tests.run_world import FakeCompletions, Made, World, silent_router


class Counted(FakeCompletions):
    """Tells when ``wanted`` requests came."""

    def __init__(self, world: World, *, wanted: int) -> None:
        super().__init__(world.observer, world.router)
        self.wanted = wanted
        self.came = threading.Event()
        self._lock = threading.Lock()

    def router(self, address: str, prompt: Sequence[int]) -> Completion:
        with self._lock:
            self.asked.append((address, 0, len(prompt)))
            if len(self.asked) >= self.wanted:
                self.came.set()
            return super().router(address, prompt)


class EndingRun:
    """A run whose load is there at the first look only."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._loads: list[Any] = [self]

    @property
    def load(self) -> Any:
        return self._loads.pop() if self._loads else None

    def lately(self) -> Span:
        return Span(100.0, 101.0, Figures())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)


@pytest.fixture
def world(made: Made, monkeypatch: pytest.MonkeyPatch) -> World:
    world = made()
    world.answers = Counted(world, wanted=8)
    world.play(monkeypatch)
    return world


def start(world: World) -> dict[str, Any]:
    return traffic.start(world.run, rate=1e6, prefixes=2, blocks=3)


def came(world: World) -> bool:
    assert isinstance(world.answers, Counted)
    return world.answers.came.wait(10)


def test_a_load_goes_through_the_router_and_leaves_its_figures(world: World) -> None:
    """In the history, once it was stopped."""
    begun = start(world)
    assert came(world)
    figures = traffic.stop(world.run)

    assert begun == {"rate": 1e6, "prefixes": 2, "blocks": 3, "seed": 7}
    assert {(where, size) for where, _, size in world.answers.asked} == {("b:8080", 64)}
    assert figures["ok"] == figures["sent"] == len(world.answers.asked)
    assert world.told("traffic") == [{"event": "traffic", **figures}]


def test_without_a_load_there_is_nothing_to_stop(world: World) -> None:
    """And nothing is told of it."""
    assert traffic.stop(world.run) == {"sent": 0}
    assert world.told("traffic") == []


def test_a_second_load_takes_the_place_of_the_first(world: World) -> None:
    """Two at once would send more than was asked for; the first one's figures stay."""
    start(world)
    first = world.run.load
    start(world)
    second = world.run.load
    traffic.stop(world.run)

    assert first is not second
    assert len(world.told("traffic")) == 2
    assert world.run.load is None
    assert not [each for each in threading.enumerate() if each.name.startswith("load-")]


def test_a_router_that_did_not_answer_is_looked_up_again(world: World) -> None:
    """It may have moved; the failed requests are counted."""
    world.answers.lost = [silent_router(), RouterUnreachable("gone")]
    start(world)
    assert came(world)
    figures = traffic.stop(world.run)

    assert (figures["failed"], world.router.forgotten) == (2, 2)


def test_the_latest_failures_can_be_asked_for(world: World) -> None:
    """Without a load nothing failed; with one, only its newest requests count."""
    before = traffic.failures(world.run, last=20)
    world.answers.lost = [silent_router(), RouterUnreachable("gone")]
    start(world)
    assert came(world)
    assert world.run.load is not None
    sent = world.run.load.stop()["sent"]

    assert before == {"failed": 0, "of": 0, "last": 20}
    assert traffic.failures(world.run, last=1000) == {"failed": 2, "of": sent, "last": 1000}
    assert traffic.failures(world.run, last=1)["of"] == 1


def test_a_run_that_is_closed_ends_its_load(world: World) -> None:
    """Whoever forgot to stop it."""
    start(world)
    world.run.close()

    assert not [each for each in threading.enumerate() if each.name.startswith("load-")]


def test_a_load_that_is_stopped_meanwhile_ends_no_thread(world: World) -> None:
    """The pulse tells of a second just when the run's end takes the load away."""
    traffic.tell_second(cast("Any", EndingRun(world.run)))

    assert [each["sent"] for each in world.told("traffic_second")] == [0]


def test_a_load_is_held_before_and_after(world: World) -> None:
    """So that what a report draws of it begins before a fault and ends after the recovery."""
    before = world.clock.seconds

    traffic.start(world.run, rate=1000, prefixes=2, blocks=2, held=3)
    started = world.clock.seconds
    traffic.stop(world.run, held=5)
    stopped = world.clock.seconds
    traffic.stop(world.run, held=5)

    assert (round(started - before, 6), round(stopped - started, 6)) == (3, 5)
    assert world.clock.seconds == stopped  # there is nothing to wait for


def test_a_load_that_another_thread_has_ended_is_waited_for_no_more(world: World) -> None:
    """A run that is stopped does not go on sending."""
    traffic.start(world.run, rate=1000, prefixes=2, blocks=2)
    world.clock.due = [(world.clock.seconds + 1, lambda: traffic.stop(world.run))]
    before = world.clock.seconds

    assert traffic.stop(world.run, held=30) == {"sent": 0}
    assert round(world.clock.seconds - before, 6) == 1
