"""One data-parallel rank at work: steps while there are requests and publishes the events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from kvchaos.kvevents.wire import Event
from kvchaos.sim.engine.scheduler import Request, Scheduler, Step


class Outlet(Protocol):
    """Where a step's events go."""

    def publish(self, events: list[Event]) -> int:
        """Send one batch; its seq comes back."""
        ...


@dataclass(frozen=True, slots=True)
class Latency:
    """Simulated time of a step, in seconds: a fixed part and a part for each token computed."""

    step: float = 0.0
    token: float = 0.0


class Rank:
    """Takes requests and completes them in steps; one batch of events a step at most."""

    def __init__(
        self, number: int, scheduler: Scheduler, *, outlet: Outlet | None, latency: Latency
    ) -> None:
        self.number = number
        self.scheduler = scheduler
        self._outlet = outlet
        self._latency = latency
        self._wake = asyncio.Event()
        self._done: dict[Request, asyncio.Future[Request]] = {}

    async def complete(self, request: Request) -> Request:
        """``request`` once all its output is there."""
        done: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._done[request] = done
        self.scheduler.add(request)
        self._wake.set()
        return await done

    async def run(self) -> None:
        """Step while there is work, sleep while there is none; until cancelled."""
        while True:
            await self._wake.wait()
            while self.scheduler.load:
                step = self.scheduler.step()
                await asyncio.sleep(self._latency.step + self._latency.token * step.computed)
                self._deliver(step)
            self._wake.clear()

    def _deliver(self, step: Step) -> None:
        """Publish first, answer then: who has the answer knows that the events are on their way."""
        if step.events and self._outlet is not None:
            self._outlet.publish(step.events)
        for request in step.finished:
            done = self._done.pop(request)
            if not done.done():
                done.set_result(request)
