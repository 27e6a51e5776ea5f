"""A run over fakes: history, ledger and prompts are real, all that it talks to is played.

``World.at(folder, ...)`` has the engine ``a``, the router ``b`` and nothing else. Time is the
``PlayedClock``'s: it passes by sleeping and by waiting on the sampler, and calls what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from kvchaos.cluster.kinds import Object
from kvchaos.errors import EngineUnreachable, RouterUnreachable
from kvchaos.index.compare import Difference
from kvchaos.index.names import EngineId
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Expected
from kvchaos.mesh.fault import Fault, Injected, Target
from kvchaos.run.session import ActiveFault, Before, Bystander, Run
from kvchaos.sampling.timeline import Sample
from kvchaos.settings import Settings
from kvchaos.traffic.completions import Completion
from tests.scripted import INJECTED, RUN, FakeClock, ScriptedCluster, partition, pod, rules

Json = dict[str, Any]

ENGINE = {"model.aibrix.ai/kv-events-enabled": "true", "app": "a"}
ROUTER = {"app.kubernetes.io/name": "kvchaos-router", "app": "b"}
A = EngineId("a", "a-uid", 0)
CUT = f"network-partition-{RUN}"
"""The name that the shipped template gives the run's first partition."""
VALUES: Json = {
    "namespace": "kvchaos",
    "source": "app=a",
    "target": "app=b",
    "mode": "one",
    "direction": "both",
    "duration": "10s",
}
KILL: Json = {"namespace": "kvchaos", "labels": "app=a", "mode": "one"}
NEARLY = 1e-6  # seconds: sums of 0.2 are not exact


@dataclass
class PlayedClock(FakeClock):
    """A clock that calls each of ``due`` (moment, what happens then) as its moment passes."""

    due: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        while self.due and self.due[0][0] <= self.seconds + NEARLY:
            self.due.pop(0)[1]()


@dataclass
class FakeSampler:
    """Shows each sample of ``plan`` from its ``at`` on; waiting lets time pass."""

    clock: FakeClock
    plan: list[Sample] = field(default_factory=list)
    began: float = 100.0
    is_up: bool = True
    known: int = 0
    runs: bool = False
    closely: list[bool] = field(default_factory=list)
    wrong: Callable[[float], Difference] = lambda _at: Difference()

    def difference(self) -> Difference:
        return self.wrong(self.clock.now() - self.began)

    def look_closely(self) -> None:
        self.closely.append(True)

    def look_at_ease(self) -> None:
        self.closely.append(False)

    def samples(self, *, since: float = 0.0) -> list[Sample]:
        now = self.clock.now() - self.began + NEARLY
        return [each for each in self.plan if each.began >= since and each.at <= now]

    def wait(
        self, until: Callable[[list[Sample]], bool], *, since: float, timeout: float
    ) -> list[Sample]:
        deadline = self.clock.now() + timeout
        while not until(self.samples(since=since)) and self.clock.now() < deadline - NEARLY:
            self.clock.sleep(min(0.125, deadline - self.clock.now()))
        return self.samples(since=since)

    def know_missing(self) -> None:
        self.known += 1

    def start(self) -> None:
        self.runs = True

    def stop(self) -> None:
        self.runs = False


@dataclass
class FakeObserver:
    """Follows the engines in ``heads``; ``fails`` are raised by ``status``, one a call."""

    heads: dict[EngineId, int | None] = field(default_factory=dict)
    known: list[Mapping[EngineId, Expected]] = field(default_factory=list)
    living: set[str] = field(default_factory=lambda: {"a"})
    unready: dict[str, str] = field(default_factory=dict)
    fails: list[Exception] = field(default_factory=list)
    runs: bool = False
    ready_timeout: float | None = None
    sizes: dict[EngineId, int] = field(default_factory=dict)

    def engines(self) -> list[EngineId]:
        return sorted(self.heads)

    def head(self, engine: EngineId) -> int | None:
        return self.heads.get(engine)

    def block_size(self, engine: EngineId) -> int | None:
        return self.sizes.get(engine)

    def expected(self) -> Mapping[EngineId, Expected]:
        """The next of what is known at one asking after the other, the last for ever."""
        return self.known.pop(0) if self.known[1:] else self.known[0]

    def alive(self) -> set[str]:
        return self.living

    def status(self) -> Json:
        if self.fails:
            raise self.fails.pop(0)
        told = {"engines": len(self.heads), "batches": 4, "blocks": 9, "malformed": 0}
        return {"up": True, **told, "incomplete": {}}

    def rates(self) -> dict[str, dict[str, int]]:
        return {each.label: {"batches": 4, "blocks": 9, "gaps": 0} for each in self.engines()}

    def start(self) -> None:
        self.runs = True

    def stop(self) -> None:
        self.runs = False

    def wait_ready(self, timeout: float) -> dict[str, str]:
        self.ready_timeout = timeout
        return self.unready


@dataclass
class FakeRouter:
    """Its index is ``index``, what it knows of a prompt is in ``prompts``; or it is ``down``."""

    index: dict[tuple[str, int], EngineView] = field(default_factory=dict)
    prompts: dict[tuple[int, ...], dict[str, int]] = field(default_factory=dict)
    down: Exception | None = None
    learns: bool = True
    forgotten: int = 0

    def snapshot(self) -> Observed:
        self._answer()
        return Observed(engines=dict(self.index), router={"started": 7.0})

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        self._answer()
        return self.prompts.get(tuple(tokens), {})

    def address(self) -> str:
        self._answer()
        return "b:8080"

    def forget(self) -> None:
        self.forgotten += 1

    def _answer(self) -> None:
        if self.down is not None:
            raise self.down


@dataclass
class FakeCompletions:
    """Engines that publish every prompt at once, but for the ``silent``; a router that follows.

    ``cached`` is what an answer through the router says; ``lost`` are errors that it gives first.
    """

    observer: FakeObserver
    router_: FakeRouter
    silent: set[str] = field(default_factory=set)
    cached: int | None = 16
    lost: list[Exception] = field(default_factory=list)
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def engine(self, address: str, prompt: Sequence[int], *, rank: int | None = None) -> Completion:
        pod_name = address.partition(":")[0]
        self.asked.append((pod_name, rank or 0, len(prompt)))
        for engine, head in self.observer.heads.items():
            if (engine.pod, engine.rank) == (pod_name, rank) and pod_name not in self.silent:
                self.observer.heads[engine] = 0 if head is None else head + 1
                if self.router_.learns:
                    self.router_.prompts[tuple(prompt)] = {pod_name: len(prompt)}
        return Completion(None, 0, len(prompt), 0.01, 200)

    def router(self, address: str, prompt: Sequence[int]) -> Completion:
        if self.lost:
            raise self.lost.pop(0)
        best = max(self.router_.prompts.get(tuple(prompt), {"c": 0}).items(), key=lambda it: it[1])
        return Completion(best[0], self.cached, len(prompt), 0.01, 200)


class FakeBridge:
    """Addresses that are the pod's name and port; ``cut`` pods have none."""

    def __init__(self, *_: object) -> None:
        self.cut: set[str] = set()
        self.open = True

    def address(self, pod_name: str, port: int, *, namespace: str) -> str:
        if pod_name in self.cut:
            raise EngineUnreachable(f"no way to {namespace}/{pod_name}")
        return f"{pod_name}:{port}"

    def close(self) -> None:
        self.open = False


@dataclass
class World:
    """A run, and everything around it."""

    run: Run
    clock: PlayedClock
    cluster: ScriptedCluster
    observer: FakeObserver
    router: FakeRouter
    sampler: FakeSampler
    answers: FakeCompletions

    @classmethod
    def at(cls, folder: Path, cluster: ScriptedCluster | None = None, **settings: Any) -> World:
        """Around ``cluster``: ready pods ``a`` and ``b`` if none is given."""
        clock = PlayedClock()
        run = Run(Settings(**settings), run_id=RUN, folder=folder / RUN, clock=clock)
        observer, router = FakeObserver({A: None}), FakeRouter()
        world = cls(
            run=run,
            clock=clock,
            cluster=cluster or ScriptedCluster.of(engine_pod(), router_pod()),
            observer=observer,
            router=router,
            sampler=FakeSampler(clock),
            answers=FakeCompletions(observer, router),
        )
        parts = cast("Any", run)
        parts.cluster, parts.bridge = world.cluster, FakeBridge()
        parts.observer, parts.router, parts.sampler = observer, router, world.sampler
        run.started.callback(run.close)
        return world

    def told(self, *events: str) -> list[Json]:
        """The events of these names, without their stamps."""
        return [
            {key: value for key, value in each.items() if key not in ("at", "wall")}
            for each in self.run.history.events()
            if each["event"] in events
        ]

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer requests of this run by ``answers``, in place of HTTP."""
        for module in ("requests", "traffic"):
            monkeypatch.setattr(f"kvchaos.run.{module}.completions", lambda _run: self.answers)

    def has_fault(self, kind: str, name: str) -> bool:
        return (kind, "kvchaos", name) in self.cluster.objects


Made = Callable[..., World]
"""What the fixture ``made`` is: ``World.at`` in a folder of the test's, closed at its end."""


def ready(body: Object, *, is_ready: bool = True) -> Object:
    """The pod with its condition ``Ready``."""
    body["status"]["conditions"] = [{"type": "Ready", "status": str(is_ready)}]
    return body


def engine_pod(name: str = "a", *, is_ready: bool = True, **fields: Any) -> Object:
    return ready(pod(name, labels=ENGINE, **fields), is_ready=is_ready)


def router_pod(name: str = "b", **fields: Any) -> Object:
    return ready(pod(name, labels=ROUTER, **fields))


def cuttable(*names: str, **settings: Any) -> ScriptedCluster:
    """Pods ``a`` and ``b`` with the rules of partitions of these names, injected when created."""
    cluster = ScriptedCluster.of(engine_pod(), router_pod(), script=[INJECTED], **settings)
    for each in ("a", "b"):
        cluster.add(rules(each, *(f"kvchaos/{name}" for name in names or (CUT,))))
    return cluster


def active(
    run: Run,
    *,
    body: Object | None = None,
    targets: Sequence[Target] = (Target("a", "a-uid", "kvchaos"),),
    at: float = 2.0,
    healed: float | None = None,
    ready: int = 2,
    pods: Mapping[str, Bystander] | None = None,
) -> ActiveFault:
    """A fault of the run that hit ``targets``, as ``faults.inject`` leaves it."""
    fault = ActiveFault(
        injected=Injected(Fault.of(body or partition()), tuple(targets), 101.0, 101.5, 102.0),
        at=at,
        at_request=at - 1,
        before=Before(pods=pods or {}, ready=ready, engines=frozenset({"a"}), router_started=7.0),
        effect=at + 0.5,
        healed=healed,
    )
    run.faults.append(fault)
    return fault


def silent_router() -> RouterUnreachable:
    return RouterUnreachable("GET /index", saw="no answer")
