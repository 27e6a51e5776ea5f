"""How the reference router gets replays: bounded, one at a time, with pauses."""

from __future__ import annotations

import pytest

from kvchaos.sim.router.recovery import FIRST_PAUSE, IDLE, LONGEST_PAUSE, Recovery
from kvchaos.sim.router.stream import Replaying
from tests.lab.sim_processes import free_port

pytestmark = pytest.mark.lab


class FakeClock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Sink:
    def apply(self, payload: bytes) -> None: ...

    def clear(self) -> None: ...


class World:
    """A recovery from an engine that never answers."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stream = Replaying(Sink())
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        self.recovery = Recovery(self.stream, endpoint, label="a/0", clock=self.clock)

    def asks(self, *, connected: bool = True) -> bool:
        """Whether a replay is under way after a turn."""
        self.recovery.turn(connected=connected)
        return self.recovery.client is not None

    def fail(self) -> None:
        """Let a replay be asked for, and no answer come in time."""
        assert self.asks()
        self.clock.sleep(IDLE)
        assert not self.asks()


def test_nothing_is_asked_that_is_not_wanted() -> None:
    """Live batches in order need no replay."""
    assert not World().asks()


def test_nothing_is_asked_while_the_link_is_down() -> None:
    """There is nobody to answer; the reconnect wants a replay of its own."""
    world = World()
    world.stream.connected()

    assert [world.asks(connected=up) for up in (False, True)] == [False, True]
    world.recovery.close()


def test_an_unanswered_replay_is_given_up_and_asked_for_again() -> None:
    """After a pause that doubles with each failure, up to a bound."""
    world = World()
    world.stream.connected()

    for failures in range(1, 10):
        pause = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
        world.fail()
        world.clock.sleep(pause * 0.99)
        early = world.asks()
        world.clock.sleep(pause * 0.02)
        assert (early, world.asks()) == (False, True)

    world.recovery.close()


def test_a_link_that_came_up_ends_the_pause() -> None:
    """The engine is there again, so it is asked at once."""
    world = World()
    world.stream.connected()
    for _ in range(3):
        world.clock.sleep(LONGEST_PAUSE)
        world.fail()

    paused = world.asks()
    world.recovery.hurry()

    assert (paused, world.asks()) == (False, True)
    world.recovery.close()
