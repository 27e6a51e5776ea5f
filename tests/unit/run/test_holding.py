"""A hold: no fault is started while it is there, and a run that sees it come ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kvchaos.cluster.kinds import Kind, Object
from kvchaos.errors import ClusterUnreachable, FaultRefused, Forbidden, KVChaosError
from kvchaos.mesh.hold import lift, place
from kvchaos.run import faults
from kvchaos.run.holding import HoldWatch, refuse_if_held, watch
from tests.run_world import VALUES, Made, World, cuttable
from tests.scripted import NAMESPACE, ScriptedCluster
from tests.stops import SOON, AskedToStop

SINCE = "2026-08-01T10:00:00Z"
ANA = {"reason": "release day", "by": "ana@laptop", "since": SINCE}
TEXT = f"held by ana@laptop since {SINCE}: release day"


@dataclass
class LookedAt(ScriptedCluster):
    """Notes looks; ``plan`` are errors for the first of them; ``enough`` is set by the third."""

    plan: list[Exception] = field(default_factory=list)
    count: int = 0
    bounds: list[float] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def once(self, *, timeout: float) -> LookedAt:
        self.bounds.append(timeout)
        return self

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Object:
        self.count += 1
        if self.count >= 3:
            self.enough.set()
        if self.plan:
            raise self.plan.pop(0)
        return super().get(kind, name, namespace=namespace)


@pytest.fixture
def cluster() -> LookedAt:
    return LookedAt()


@pytest.fixture
def world(made: Made, cluster: LookedAt, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("kvchaos.run.holding.EVERY", 0.01)
    world = made(cluster, kubernetes_context="there")
    yield world
    world.run.close()
    assert is_quiet()


def is_quiet() -> bool:
    return "kvchaos-hold" not in [each.name for each in threading.enumerate()]


def test_a_fault_may_start_where_nothing_is_held(world: World) -> None:
    """The look is one call."""
    refuse_if_held(world.run)

    assert world.cluster.calls == ["get configmaps kvchaos-hold"]


def test_no_fault_starts_while_held(world: World) -> None:
    """Who, since when, why, and how to go on."""
    place(world.cluster, NAMESPACE, **ANA)

    with pytest.raises(FaultRefused) as caught:
        refuse_if_held(world.run)

    assert str(caught.value) == (
        f"no fault is started: {NAMESPACE} is {TEXT}; "
        f"see: kvchaos release --context there --namespace {NAMESPACE}"
    )
    lift(world.cluster, NAMESPACE)
    refuse_if_held(world.run)


@pytest.mark.parametrize("error", [Forbidden("not allowed"), ClusterUnreachable("no answer")])
def test_no_fault_starts_when_a_hold_cannot_be_told(
    world: World, cluster: LookedAt, error: KVChaosError
) -> None:
    """Not knowing is no leave."""
    cluster.plan.append(error)

    with pytest.raises(FaultRefused) as caught:
        refuse_if_held(world.run)

    assert str(caught.value) == (
        f"whether {NAMESPACE} is held cannot be told, so no fault is started: saw {error}; "
        f"see: kubectl --context there -n {NAMESPACE} get configmap kvchaos-hold"
    )


def test_an_injection_looks_for_a_hold_before_it_sends_anything(made: Made) -> None:
    """Between preflight and injection somebody may have held; no object, no line in the ledger."""
    world = made(cuttable())
    place(world.cluster, NAMESPACE, **ANA)

    with pytest.raises(FaultRefused, match=r"no fault is started: kvchaos is held by ana@laptop"):
        faults.inject(world.run, "network-partition", VALUES, timeout=5)

    assert world.cluster.verbs("create", "try") == ["create configmaps kvchaos-hold"]
    assert world.run.ledger.entries() == []
    (failed,) = world.told("fault_failed")
    assert TEXT in failed["error"]


def test_a_hold_that_comes_ends_the_run(world: World, cluster: LookedAt) -> None:
    """Asked for once, with all that the hold says."""
    stop = AskedToStop.of(world.run)
    watching = watch(world.run)
    assert cluster.enough.wait(SOON)
    assert stop.requests == []

    place(cluster, NAMESPACE, **ANA)

    assert stop.wait() == ("hold", TEXT)
    watching.stop()
    assert (len(stop.requests), is_quiet()) == (1, True)


def test_a_hold_that_cannot_be_read_is_told_once_and_ends_nothing(
    world: World, cluster: LookedAt, caplog: pytest.LogCaptureFixture
) -> None:
    """The API may be away for a while; a hold that is read later counts."""
    stop = AskedToStop.of(world.run)
    cluster.plan += [ClusterUnreachable("no answer"), Forbidden("no"), ValueError("odd")]
    watching = watch(world.run)
    assert cluster.enough.wait(SOON)
    assert stop.requests == []

    place(cluster, NAMESPACE, **ANA)
    assert stop.wait() == ("hold", TEXT)

    watching.stop()
    assert world.told("hold_unreadable") == [
        {"event": "hold_unreadable", "error": "ClusterUnreachable: no answer"}
    ]
    assert [each.getMessage() for each in caplog.records if "told" in each.getMessage()] == [
        f"Whether {NAMESPACE} is held cannot be told: no answer"
    ]
    assert watching.account()["unanswered"] == 3


def test_each_look_is_bounded_well_below_the_two_seconds(world: World, cluster: LookedAt) -> None:
    """One look at a time, each with one attempt of a second."""
    watch(world.run)

    assert cluster.bounds == [1.0]


def test_nobody_looks_any_more_when_the_run_is_closed(world: World, cluster: LookedAt) -> None:
    """The thread ends with the run."""
    stop = AskedToStop.of(world.run)
    watch(world.run)
    world.run.close()

    place(cluster, NAMESPACE, **ANA)

    assert (is_quiet(), stop.requests) == (True, [])


@pytest.mark.parametrize("ending", ["rollbacks", "stopped"])
def test_there_is_nothing_to_end_when_the_run_is_ending(
    world: World, cluster: LookedAt, ending: str
) -> None:
    """A hold that comes then finds no fault to end."""
    stop = AskedToStop.of(world.run)
    if ending == "rollbacks":
        world.run.phase = "rollbacks"
    else:
        stop.request("signal", "SIGTERM")
    place(cluster, NAMESPACE, **ANA)

    watching = watch(world.run)
    watching.stop()

    assert stop.requests == [("signal", "SIGTERM")] * (ending == "stopped")


def test_the_account_tells_how_long_nobody_could_tell(world: World) -> None:
    """In looks, and in the longest time between two answers."""
    clock = world.clock
    ends: list[Any] = [False, False, False, True]

    def look() -> None:
        clock.sleep(3.0)
        if len(ends) == 2:
            raise ClusterUnreachable("no answer")

    watching = HoldWatch(
        look,
        found=lambda hold: None,
        blind=lambda error: None,
        is_over=lambda: bool(ends.pop(0)),
        clock=clock,
        every=0.001,
    )
    watching.start()
    watching._thread.join(SOON)

    assert watching.account() == {"looks": 3, "unanswered": 1, "longest_gap": 6.0}
