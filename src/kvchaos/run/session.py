"""A run and its parts: made in one order at the start, taken apart in the other at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from kvchaos.clock import Clock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.portforward import Bridge
from kvchaos.ending.deadlines import Deadlines
from kvchaos.ending.stopping import Stopping
from kvchaos.index.routers.adapters import adapter
from kvchaos.mesh.fault import Injected
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.silence import Silence
from kvchaos.observer.observer import Observer
from kvchaos.redact import Redactor
from kvchaos.sampling.addresses import EngineAddresses
from kvchaos.sampling.locate import LocatedRouter
from kvchaos.sampling.sampler import Sampler, SampleRecord
from kvchaos.settings import Settings
from kvchaos.traffic.load import Load
from kvchaos.traffic.prompts import Prompts
from kvchaos.verdict.history import History

logger = logging.getLogger(__name__)

BRIEF = 3.0  # seconds


@dataclass(frozen=True, slots=True)
class Bystander:
    """An engine or router as it was: its pod, its restarts, the ids of the containers that ran."""

    pod: str
    restarts: int
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """How things were before a fault: pods by uid, how many ready, engines, the router's start."""

    pods: Mapping[str, Bystander]
    ready: int
    engines: frozenset[str]
    router_started: float | None


@dataclass(slots=True)
class ActiveFault:
    """A fault of this run: what it hit and when, in run seconds; ``healed`` once it is over.

    ``replaced`` are the pods of it that were seen to be others by now.
    """

    injected: Injected
    at: float
    at_request: float
    before: Before
    effect: float | None = None
    healed: float | None = None
    replaced: set[str] = field(default_factory=set)

    def brief(self) -> dict[str, str]:
        """How the history names it."""
        return self.injected.fault.brief()

    def engines(self) -> frozenset[str]:
        """The engines' pods that it hit."""
        return self.before.engines.intersection(each.pod for each in self.injected.targets)


class Run:
    """One run's settings, connections, observer, sampler, ledger and history; how it is stopped."""

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        folder: Path,
        clock: Clock,
        redactor: Redactor | None = None,
        stopping: Stopping | None = None,
    ) -> None:
        self.id = run_id
        self.redactor = redactor or Redactor()
        self.settings = settings
        self.folder = folder
        self.clock = clock
        self.history = History(folder / "history.jsonl", clock, redact=self.redactor.fields)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.seen = SampleRecord(self.history.add)
        self.prompts = Prompts(settings.seed, run=run_id, block_size=settings.block_size)
        self.stopping = stopping or Stopping(clock=clock)
        self.deadlines = Deadlines(partial(self.stopping.request, "deadline"), clock=clock)
        self.faults: list[ActiveFault] = []
        self.in_flight: set[str] = set()  # faults whose injection is under way, by name
        self.may_come: set[str] = set()  # faults whose create nobody answered, by name
        self.recovered: set[str] = set()
        self.silence = Silence(clock=clock)
        self.recovering = threading.Lock()  # held while a fault is ended, by whatever thread
        self.ending = threading.Lock()  # held while the run is finished, by whatever thread
        self.unwritten: list[tuple[str, dict[str, Any]]] = []  # events that the history refused
        self.told: dict[int, object] = {}  # by id: what Chaos Toolkit told of already
        self.outcome: dict[str, Any] | None = None  # once it is finished
        self.returned = False  # whether Chaos Toolkit came to the end of the experiment
        self.load: Load | None = None
        self.flushed: float | None = None  # run second of the last request to every engine
        self.phase = "before"
        self.doing = ""  # the activity that is under way
        self._thread = threading.get_ident()  # that of Chaos Toolkit
        self.watches = ExitStack()  # what may end it early: closed first, each tells what it saw
        self.beside = ExitStack()  # what is waited for only when the faults are ended
        self.at_the_end = ExitStack()
        self.started = ExitStack()  # all that the start made, this run's parts and the lab
        self.cluster: Cluster
        self.bridge: Bridge
        self.observer: Observer
        self.router: LocatedRouter
        self.sampler: Sampler
        self.at_the_end.callback(self.history.close)
        self.at_the_end.callback(self.deadlines.stop)

    @property
    def phase_here(self) -> str:
        """The phase of what this thread does: what goes on beside the method belongs to it.

        A hypothesis that is asked continuously begins before the method does and ends after it.
        """
        is_beside = threading.get_ident() != self._thread and self.phase != "rollbacks"
        return "method" if is_beside else self.phase

    @property
    def api(self) -> Cluster:
        """The cluster for what ends the run; tried but once, and briefly, after a long silence."""
        return self.cluster.once(timeout=BRIEF) if self.silence.is_long else self.cluster

    def at(self) -> float:
        """Seconds since the run began."""
        return self.history.now()

    def at_of(self, moment: float) -> float:
        """The run second of a ``moment`` of the run's clock."""
        return self.history.now() - (self.clock.now() - moment)

    def connect(self, cluster: Cluster) -> None:
        """Make observer, router and sampler over ``cluster``; none of them is started."""
        settings = self.settings
        self.cluster = cluster
        self.redactor.learn(cluster.secrets())
        self.at_the_end.callback(cluster.close)
        self.bridge = Bridge(cluster)
        self.at_the_end.callback(self.bridge.close)
        self.observer = Observer(
            cluster,
            namespace=settings.namespace,
            selector=settings.engine_selector,
            event_port=settings.event_port,
            replay_port=settings.replay_port,
            ranks=settings.ranks,
            block_size=settings.block_size,
            transport=settings.transport,
            emit=self._emit,
            clock=self.clock,
        )
        self.at_the_end.callback(self.observer.stop)
        self.router = LocatedRouter(
            cluster,
            namespace=settings.namespace,
            selector=settings.router_selector,
            port=settings.router_port,
            dial=self.dial,
            adapter=adapter(settings.router_adapter),
            engines=EngineAddresses(
                cluster,
                namespace=settings.namespace,
                selector=settings.engine_selector,
                clock=self.clock,
                there=self.followed,
            ),
            model=settings.model,
            block_size=settings.block_size,
        )
        self.sampler = Sampler(
            self.observer,
            self.router,
            record=self.seen,
            at=self.at,
            every=settings.sample_every,
            clock=self.clock,
        )
        self.at_the_end.callback(self.sampler.stop)

    def dial(self, pod: str, port: int) -> str:
        """``host:port`` at which a pod's port is reached from here, off the faulted links."""
        return self.bridge.address(pod, port, namespace=self.settings.namespace)

    def close(self) -> None:
        """Take apart what was made, the last first; each part is tried, whatever another raises."""
        if self.load is not None:
            self.load.stop()
        self.at_the_end.close()

    def last_fault(self) -> ActiveFault | None:
        """The fault injected last."""
        return self.faults[-1] if self.faults else None

    def active(self, name: str) -> ActiveFault | None:
        """The fault of that name, if its injection was confirmed."""
        return next((each for each in self.faults if each.injected.fault.name == name), None)

    def events(self) -> list[dict[str, Any]]:
        """The history so far."""
        return self.history.events()

    def followed(self) -> set[str]:
        """The uids of the engine pods that the observer follows now."""
        return {engine.uid for engine in self.observer.engines()}

    def _emit(self, event: str, fields: Mapping[str, Any]) -> None:
        self.history.add(event, **fields)
