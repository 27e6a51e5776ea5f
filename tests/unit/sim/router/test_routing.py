"""Which engine gets a request."""

from __future__ import annotations

from kvchaos.sim.router.engines import Engine, RankPorts
from kvchaos.sim.router.receiver import Match
from kvchaos.sim.router.routing import Routing


def match(pod: str, tokens: int = 0, *, ready: bool = True) -> Match:
    engine = Engine(pod, f"uid-{pod}", "10.0.0.1", 8000, ready, 0, (RankPorts(5557, 5558),))
    return Match(engine, 0, tokens)


def test_the_longest_prefix_wins() -> None:
    """Even when another engine is idle."""
    routing, best = Routing(), match("b", 32)

    with routing.running(best.engine):
        assert routing.choose([match("a", 16), best, match("c")]) == best


def test_the_least_busy_wins_among_equals() -> None:
    """Requests under way count."""
    routing, busy = Routing(), match("a", 16)

    with routing.running(busy.engine):
        assert routing.choose([busy, match("b", 16)]) == match("b", 16)


def test_idle_equals_take_turns() -> None:
    """The one chosen longest ago is next."""
    routing, matches = Routing(), [match("a"), match("b"), match("c")]
    chosen = []

    for _ in range(5):
        best = routing.choose(matches)
        assert best is not None
        with routing.running(best.engine):
            chosen.append(best.engine.pod)

    assert chosen == ["a", "b", "c", "a", "b"]


def test_an_engine_that_is_not_ready_gets_nothing() -> None:
    """However much it holds; without a ready one there is no choice."""
    routing = Routing()

    assert routing.choose([match("a", 64, ready=False), match("b")]) == match("b")
    assert routing.choose([match("a", 64, ready=False)]) is None


def test_engines_that_are_no_more_are_forgotten() -> None:
    """Their turns do not pile up; a request still under way there is counted to its end."""
    routing, gone = Routing(), match("a")

    with routing.running(gone.engine):
        routing.keep_only(set())

    assert routing.choose([gone]) == gone
