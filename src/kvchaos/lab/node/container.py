"""One container of a pod: started, probed, restarted with back-off, stopped; as kubelet does it.

It changes its ``ContainerRecord`` and calls ``changed`` after each change; it writes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from pathlib import Path

from kvchaos.lab.api import Object
from kvchaos.lab.network import PodNetwork
from kvchaos.lab.node.backoff import Backoff
from kvchaos.lab.node.host import Host
from kvchaos.lab.node.probes import Probes
from kvchaos.lab.node.process import Life
from kvchaos.lab.node.starting import StartError, Waiting, start
from kvchaos.lab.node.status import ContainerRecord, timestamp

logger = logging.getLogger(__name__)

_START_FAILED = 128  # exit code of a container whose program could not be executed


class Container:
    """Lives of one container, one after the other, until it may not be restarted."""

    def __init__(
        self,
        host: Host,
        pod: Object,
        spec: Object,
        network: PodNetwork,
        changed: Callable[[], None],
    ) -> None:
        self.record = ContainerRecord(spec["name"], spec.get("image", ""))
        self._host = host
        self._pod = pod
        self._spec = spec
        self._network = network
        self._changed = changed
        self._backoff = Backoff()
        self._life: Life | None = None
        self._lives = 0
        self._ending: asyncio.Task[None] | None = None
        self._stopping = False
        self._replaced = asyncio.Event()

    async def run(self) -> None:
        """Live until the restart policy, or ``stop``, says that it is over."""
        while not self._stopping:
            self._replaced.clear()
            ran = await self._live()
            if ran is None:
                await self._replaced.wait()
            elif not self._restarts():
                return
            else:
                await self._pause(ran)
            self._again()

    def update(self, pod: Object, spec: Object) -> None:
        """Take a changed pod; a changed image ends this life and begins the next at once."""
        self._pod = pod
        if spec.get("image") == self._spec.get("image"):
            return
        self._spec = spec
        self._host.recorder.normal(
            pod, "Killing", f"Container {self.record.name} definition changed, will be restarted"
        )
        self._replaced.set()
        if self._life is not None:
            self._end_soon(self._life)

    async def stop(self, grace: float) -> None:
        """End it for good: SIGTERM, then SIGKILL after ``grace`` seconds."""
        self._stopping = True
        self._replaced.set()
        if self._life is not None:
            await self._life.stop(grace)

    def kill(self) -> bool:
        """SIGKILL its process, as container-kill does; False when none runs."""
        if self._life is None or self._life.exit.done():
            return False
        self._life.kill()
        return True

    async def _live(self) -> float | None:
        """One life; the seconds it ran, or None when there is nothing that could be started."""
        life = await self._start()
        if life is None:
            return None if "waiting" in self.record.state else 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._life = life
        if self._stopping:
            life.kill()
        self._set(running={"startedAt": self._now()})
        async with Probes(
            self._host,
            self._pod,
            self._spec,
            self.record,
            network=self._network,
            changed=self._changed,
        ) as probes:
            probes.on_unhealthy(lambda why: self._unhealthy(life, why))
            code = await life.exit
        self._life = None
        self._ended(code)
        return loop.time() - began

    async def _start(self) -> Life | None:
        """The next life; None when it could not begin, which the record says."""
        self.record.image = self._spec.get("image", "")
        begun = await start(self._host, self._network, self._pod, self._spec, log=self._log())
        if isinstance(begun, Waiting):
            self._host.recorder.warning(self._pod, "Failed", f"Error: {begun.message}")
            self._set(waiting={"reason": begun.reason, "message": begun.message})
            return None
        self.record.container_id = f"kvchaos://{uuid.uuid4().hex}"
        if isinstance(begun, StartError):
            self._not_started(begun.message)
            return None
        self._host.recorder.normal(self._pod, "Started", f"Started container {self.record.name}")
        return begun

    def _not_started(self, message: str) -> None:
        self._host.recorder.warning(self._pod, "Failed", f"Error: {message}")
        self._ended(_START_FAILED, reason="StartError", message=message)

    def _ended(self, code: int, *, reason: str = "", message: str = "") -> None:
        code = 128 - code if code < 0 else code
        ended: Object = {
            "exitCode": code,
            "reason": reason or ("Completed" if code == 0 else "Error"),
            "startedAt": self.record.state.get("running", {}).get("startedAt", self._now()),
            "finishedAt": self._now(),
            "containerID": self.record.container_id,
        }
        if message:
            ended["message"] = message
        self.record.ready = self.record.started = False
        self._end_mark().touch()
        self._set(terminated=ended)

    async def _pause(self, ran: float) -> None:
        """Wait as long as back-off says, or until the container is replaced or stopped."""
        image = self.record.image
        delay = self._backoff.after_end(ran=ran, image=image)
        if delay <= 0 or self._replaced.is_set():
            return
        name, pod = self.record.name, self._pod["metadata"]
        where = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
        message = f"back-off {delay:.0f}s restarting failed container={name} pod={where}"
        self.record.last_state = self.record.state
        self._host.recorder.warning(
            self._pod, "BackOff", f"Back-off restarting failed container {name} in pod {where}"
        )
        self._set(waiting={"reason": "CrashLoopBackOff", "message": message})
        try:
            async with asyncio.timeout(delay):
                await self._replaced.wait()
        except TimeoutError:
            return

    def _again(self) -> None:
        """Count a restart, if there was a life before."""
        if "terminated" in self.record.state:
            self.record.last_state = self.record.state
        if not self._stopping and self.record.last_state:
            self.record.restarts += 1
            self._lives += 1

    def _restarts(self) -> bool:
        if self._stopping:
            return False
        policy = self._pod["spec"].get("restartPolicy", "Always")
        well = self.record.ended_well()
        return policy == "Always" or (policy == "OnFailure" and not well)

    def _unhealthy(self, life: Life, why: str) -> None:
        name = self.record.name
        self._host.recorder.normal(
            self._pod, "Killing", f"Container {name} failed liveness probe, will be restarted"
        )
        logger.info("%s: liveness: %s", name, why)
        self._end_soon(life)

    def _end_soon(self, life: Life) -> None:
        """Stop a life in the background; ``run`` sees its end."""
        grace = float(self._pod["spec"].get("terminationGracePeriodSeconds", 30))
        if self._ending is None or self._ending.done():
            self._ending = asyncio.get_running_loop().create_task(life.stop(grace))

    def _set(self, **state: Object) -> None:
        self.record.state = state
        self._changed()

    def _log(self) -> Path:
        meta = self._pod["metadata"]
        folder = f"{meta['namespace']}_{meta['name']}_{meta['uid']}"
        return self._host.directory.logs / folder / self.record.name / f"{self._lives}.log"

    def _end_mark(self) -> Path:
        """Beside the log: that nothing will be added to it."""
        mark = self._log().with_suffix(".end")
        mark.parent.mkdir(parents=True, exist_ok=True)
        return mark

    def _now(self) -> str:
        return timestamp(self._host.clock.wall())
