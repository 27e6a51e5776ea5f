"""The load: bounded, counted, and not bothered by failures."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from kvchaos.errors import RouterUnreachable
from kvchaos.traffic.completions import Completion
from kvchaos.traffic.load import Figures, Load, Shape
from kvchaos.traffic.prompts import Prompts
from tests.scripted import FakeClock


def completion(pod: str | None, latency: float, cached: int | None = 16) -> Completion:
    return Completion(pod, cached, 48, latency, 200)


def test_figures_are_the_fields_of_the_history() -> None:
    """Tokens that an engine does not tell of count as no hit; a pod not named has no name."""
    figures = Figures(sent=4, failed=1)
    figures.count(completion("b", 0.2))
    figures.count(completion("a", 0.1, cached=None))
    figures.count(completion(None, 0.3))

    assert figures.summary() == {
        "sent": 4,
        "ok": 3,
        "failed": 1,
        "hit_tokens": 32,
        "prompt_tokens": 144,
        "p50": 0.2,
        "p95": 0.3,
        "p99": 0.3,
        "by_pod": {"": 1, "a": 1, "b": 1},
    }


def test_without_an_answer_there_is_no_latency() -> None:
    """Nothing measured is not zero seconds."""
    found = Figures().summary()

    assert (found["p50"], found["p95"], found["p99"]) == (None, None, None)


class Sink:
    """Takes ``wanted`` requests, of which ``failing`` are refused, and then tells."""

    def __init__(self, wanted: int, *, failing: int = 0) -> None:
        self.prompts: list[Sequence[int]] = []
        self.full = threading.Event()
        self._wanted = wanted
        self._failing = failing
        self._lock = threading.Lock()

    def __call__(self, prompt: Sequence[int]) -> Completion:
        with self._lock:
            self.prompts.append(prompt)
            number = len(self.prompts)
            if number >= self._wanted:
                self.full.set()
        if number <= self._failing:
            raise RouterUnreachable("no router")
        return completion("a", 0.01)


def load(sink: Sink, **shape: int) -> Load:
    return Load(sink, Prompts(7), seed=7, clock=FakeClock(), shape=Shape(rate=1e6, **shape))


def test_requests_share_prefixes_and_have_tails_of_their_own() -> None:
    """Otherwise routing by prefix had nothing to follow."""
    sink = Sink(40)
    running = load(sink, families=3, prefix_blocks=2, tail_blocks=1)

    running.start()
    assert sink.full.wait(10)
    running.stop()

    assert {len(prompt) for prompt in sink.prompts} == {48}
    assert len({tuple(prompt[:32]) for prompt in sink.prompts}) == 3
    assert len({tuple(prompt[32:]) for prompt in sink.prompts}) == len(sink.prompts)


def test_failed_requests_are_counted_and_do_not_end_the_load() -> None:
    """They are what is to be seen during a fault."""
    sink = Sink(30, failing=10)
    running = load(sink, workers=2)

    running.start()
    assert sink.full.wait(10)
    found = running.stop()

    assert found["failed"] == 10
    assert found["sent"] == found["ok"] + found["failed"] == len(sink.prompts)
    assert running.outcomes(last=1000).count(False) == 10
    assert running.outcomes(last=5) == running.outcomes(last=1000)[-5:]
    assert not [each for each in threading.enumerate() if each.name.startswith("load-")]


def test_turns_are_a_fixed_time_apart_and_never_made_up() -> None:
    """After a stall the load goes on at its rate, instead of in a burst."""
    clock = FakeClock(seconds=100.0)
    running = Load(Sink(1), Prompts(7), seed=7, clock=clock, shape=Shape(rate=10.0))
    running._next = clock.now()

    waits = [running._turn() for _ in range(3)]
    clock.sleep(60.0)
    later = [running._turn() for _ in range(3)]

    assert waits == pytest.approx([0.0, 0.1, 0.2])
    assert later == pytest.approx([0.0, 0.1, 0.2])


def test_stopping_what_was_not_started_gives_its_figures() -> None:
    """A run that failed early has sent nothing."""
    assert load(Sink(1)).stop()["sent"] == 0


def test_what_came_lately_is_told_once() -> None:
    """By when a request ended, so that the seconds add up to the whole."""
    sink = Sink(3, failing=1)
    clock = FakeClock()
    sender = Load(sink, Prompts(7), seed=7, clock=clock, shape=Shape(rate=1e6, workers=1))
    sender.start()
    assert sink.full.wait(10)
    whole = sender.stop()
    clock.seconds += 1

    first, second = sender.lately(), sender.lately()

    assert first.summary() == {key: each for key, each in whole.items() if key != "p99"}
    assert (first.until, second.since) == (clock.now(), clock.now())
    assert second.summary()["sent"] == 0
