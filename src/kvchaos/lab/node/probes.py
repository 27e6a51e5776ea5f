"""All probes of one life of a container: startup first, then readiness and liveness."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self

from kvchaos.lab.api import Object
from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node import probe
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.status import ContainerRecord

_NOTICED_SECONDS = 1.0  # kubelet looks at its containers once a second


class Probes:
    """Keeps ``started`` and ``ready`` of a record right while the container lives."""

    def __init__(
        self,
        host: Host,
        pod: Object,
        spec: Object,
        record: ContainerRecord,
        *,
        network: PodNetwork,
        changed: Callable[[], None],
    ) -> None:
        self._host = host
        self._pod = pod
        self._spec = spec
        self._record = record
        self._network = network
        self._changed = changed
        self._unhealthy: Callable[[str], None] = lambda _: None
        self._tasks: list[asyncio.Task[None]] = []

    def on_unhealthy(self, act: Callable[[str], None]) -> None:
        """Call ``act`` with the reason when the liveness or startup probe has failed."""
        self._unhealthy = act

    async def __aenter__(self) -> Self:
        if not self._begin("startupProbe", self._on_startup, initial=True):
            self._started()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _started(self) -> None:
        self._record.started = True
        if not self._begin("readinessProbe", self._on_readiness, initial=False):
            self._spawn(self._be_ready())
        self._begin("livenessProbe", self._on_liveness, initial=True)
        self._changed()

    def _begin(self, name: str, report: probe.Report, *, initial: bool) -> bool:
        """Start one probe; False when the container has none that the lab can do."""
        spec = self._spec.get(name)
        if not spec:
            return False
        check = probe.checker(spec, self._spec, self._network.address, self._host.probes)
        if check is None:
            self._host.recorder.warning(
                self._pod, "Unsupported", f"{name}: the lab has httpGet and tcpSocket only"
            )
            return False
        eager = name != "livenessProbe"
        if not eager:
            delay = max(float(spec.get("initialDelaySeconds") or 0), _NOTICED_SECONDS)
            spec = {**spec, "initialDelaySeconds": delay}
        self._spawn(probe.watch(spec, check, report, initial=initial, eager=eager))
        return True

    async def _be_ready(self) -> None:
        """Ready without a probe: some time after the start, as kubelet takes to notice it."""
        await asyncio.sleep(_NOTICED_SECONDS)
        self._on_readiness(True, "")

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _on_startup(self, verdict: bool, why: str) -> None:
        if not why:
            self._tasks[0].cancel()
            self._started()
            return
        self._tell("Startup", why)
        if not verdict:
            self._unhealthy(why)

    def _on_readiness(self, verdict: bool, why: str) -> None:
        if why and self._record.ready:
            self._tell("Readiness", why)
        if verdict != self._record.ready:
            self._record.ready = verdict
            self._changed()

    def _on_liveness(self, verdict: bool, why: str) -> None:
        if why:
            self._tell("Liveness", why)
        if not verdict:
            self._unhealthy(why)

    def _tell(self, what: str, why: str) -> None:
        self._host.recorder.warning(self._pod, "Unhealthy", f"{what} probe failed: {why}")
