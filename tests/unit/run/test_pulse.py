"""What a run records of itself once a second, and that nothing of it can harm the run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import Forbidden
from kvchaos.index.names import EngineId
from kvchaos.run import pulse
from kvchaos.run.environment import environment
from kvchaos.run.pulse import Pulse
from kvchaos.traffic.load import Figures, Span
from tests.run_world import A, Made, World, engine_pod, router_pod
from tests.scripted import ScriptedCluster

PATIENCE = 2.0
FOUR = {"batches": 4, "blocks": 9, "gaps": 0}


class Answering(ScriptedCluster):
    """A cluster that says its version, and how many nodes it has to nobody."""

    def version(self) -> str:
        return "v1.34.0"

    def list(self, kind: Kind, **asked: Any) -> list[Object]:
        if kind.plural == "nodes":
            raise Forbidden("not allowed: list nodes")
        return super().list(kind, **asked)


class Loaded:
    """A load of which one request was answered since it was asked last."""

    def lately(self) -> Span:
        return Span(101.0, 102.0, Figures(sent=2, failed=1, latencies=[0.25], by_pod={"a": 1}))  # type: ignore[arg-type]  # a dict is read alike


@pytest.fixture
def world(made: Made) -> World:
    pods = [engine_pod(), router_pod()]
    pods[0]["spec"]["containers"][0]["image"] = "vllm:1"
    pods[1]["spec"]["nodeName"] = ""
    return made(Answering.of(*pods))


def test_the_environment_names_versions_and_pods(world: World) -> None:
    """What the runner may not know, such as the number of nodes, is null."""
    found = environment(world.run)

    assert {key: found[key] for key in ("kubernetes", "nodes", "engines", "routers")} == {
        "kubernetes": "v1.34.0",
        "nodes": None,
        "engines": [{"pod": "a", "node": "node1", "image": "vllm:1"}],
        "routers": [{"pod": "b", "node": "", "image": ""}],
    }
    assert all(found[key] for key in ("kvchaos", "python", "platform", "chaostoolkit"))


def test_each_look_records_the_rates_and_the_traffic(world: World) -> None:
    """And the first one where the run runs."""
    beat = Pulse(world.run)
    world.run.load = cast("Any", Loaded())

    overs = [beat.look(), beat.look()]

    assert overs == [False, False]
    assert [each["event"] for each in world.run.events()] == [
        "environment",
        *("traffic_second", "rates"),
        *("traffic_second", "rates"),
    ]
    assert world.told("rates") == [{"event": "rates", "engines": {"a/0": FOUR}}] * 2
    assert world.told("traffic_second")[0] == {
        "event": "traffic_second",
        "from": 1.0,
        "to": 2.0,
        "sent": 2,
        "ok": 1,
        "failed": 1,
        "hit_tokens": 0,
        "prompt_tokens": 0,
        "p50": 0.25,
        "p95": 0.25,
        "by_pod": {"a": 1},
    }


def test_many_engines_are_told_of_less_often(world: World) -> None:
    """So that a history grows with the time, not with the engines."""
    world.observer.heads = {EngineId(f"e{number}", "u", 0): 1 for number in range(201)}
    beat = Pulse(world.run)

    for _ in range(4):
        beat.look()

    assert len(world.told("rates")) == 2


def broken(*_: object) -> Any:
    raise ValueError("nobody foresaw this")


def closed(world: World) -> None:
    world.run.history.close()


def odd(world: World) -> None:
    world.observer.rates = broken  # type: ignore[method-assign]


@pytest.mark.parametrize(("harm", "over"), [(closed, False), (odd, True)])
def test_what_cannot_be_recorded_is_passed_over(
    world: World, harm: Callable[[World], None], over: bool
) -> None:
    """A history that takes nothing more, or an error of our own, ends no run."""
    harm(world)

    assert Pulse(world.run).look() is over


def test_a_look_that_takes_its_time_keeps_no_fault_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told to end with all that watches, and waited for only when the faults are ended."""
    asked, answered = threading.Event(), threading.Event()

    def slow(_: object) -> dict[str, object]:
        asked.set()
        answered.wait(PATIENCE)
        return {}

    monkeypatch.setattr(pulse, "environment", slow)
    beat = pulse.watch(world.run)
    assert asked.wait(PATIENCE)
    world.run.watches.close()
    still = beat._thread.is_alive()
    answered.set()
    world.run.beside.close()

    assert (still, beat._thread.is_alive()) == (True, False)
    assert [each["event"] for each in world.run.events()] == ["environment", "rates"]


def test_the_last_rates_are_those_at_the_end(world: World) -> None:
    """Told when the faults are ended; nothing is recorded then."""
    pulse.watch(world.run)
    world.run.watches.close()
    world.run.beside.close()
    told = world.run.events()
    world.run.at_the_end.close()

    assert told[-1]["engines"] == {A.label: FOUR}
    assert world.run.events() == told
