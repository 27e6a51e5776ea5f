"""Engines in a process of their own (``kvchaos.bench.feeding``), and an observer of them."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from kvchaos.bench.feeding import CLOCK, address, feed
from kvchaos.cluster.config import Access
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import KVChaosError
from kvchaos.observer.observer import Observer

READY = 30.0


class Pods:
    """A cluster that has so many engines and never changes."""

    access: Access
    timeout = 1.0

    def __init__(self, engines: int) -> None:
        self._pods = [_pod(number) for number in range(engines)]

    def list(self, kind: Kind, **_: Any) -> list[Object]:  # noqa: ARG002  # only pods
        return self._pods

    def watch(self, kind: Kind, *, stop: threading.Event, **_: Any) -> Iterator[WatchEvent]:  # noqa: ARG002  # as above
        stop.wait()
        yield from ()


def _pod(number: int) -> Object:
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    status = {"name": "engine", "restartCount": 0, "state": running}
    metadata = {"name": f"engine-{number}", "uid": str(number), "namespace": "bench"}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "engine"}]},
        "status": {
            "phase": "Running",
            "podIP": address(number),
            "containerStatuses": [status],
        },
    }


class Engines:
    """A process with engines, made by ``engines``."""

    def __init__(self, control: Connection, ports: tuple[int, int]) -> None:
        self._control = control
        self.event_port, self.replay_port = ports

    def go(self) -> None:
        """Let engine 0 publish from now on."""
        self._control.send("go")

    def burst(self, number: int, count: int) -> None:
        """Let engine ``number`` publish ``count`` batches; then ``rest``."""
        self._control.send((number, count))

    def rest(self) -> int:
        """Lets it stop, until the next go: how many batches it has sent in all."""
        return self._stopped()[0]

    def sent(self) -> list[float]:
        """As ``rest``: with a pace, when each batch was sent, by the monotonic clock."""
        return self._stopped()[1]

    def _stopped(self) -> tuple[int, list[float]]:
        self._control.send("stop")
        if not self._control.poll(READY):
            raise KVChaosError("the benchmark's engines do not stop")
        told: tuple[int, list[float]] = self._control.recv()
        return told


@contextmanager
def engines(
    kind: str = "stored",
    *,
    seed: int,
    count: int = 1,
    core: int | None = None,
    pace: float = 0.0,
) -> Iterator[Engines]:
    """A process with ``count`` engines, on one core if that is given; ended with the block."""
    ours, theirs = multiprocessing.Pipe()
    arguments = (theirs, kind, seed, count, core, pace)
    process = multiprocessing.get_context("spawn").Process(target=feed, args=arguments, daemon=True)
    process.start()
    try:
        if not ours.poll(READY):
            raise KVChaosError("the benchmark's engines did not start")
        yield Engines(ours, ours.recv())
    finally:
        process.terminate()
        process.join(READY)


@contextmanager
def observing(found: Engines, count: int = 1) -> Iterator[Observer]:
    """An observer of them, ready; the real one, with its threads and locks."""
    observer = Observer(
        Pods(count),
        namespace="bench",
        selector="",
        event_port=found.event_port,
        replay_port=found.replay_port,
        transport="direct",
        emit=_untold,
        clock=CLOCK,
    )
    observer.start()
    try:
        if left := observer.wait_ready(READY):
            raise KVChaosError("the observer is not ready", saw=str(left))
        yield observer
    finally:
        observer.stop()


def _untold(_event: str, _fields: Mapping[str, Any]) -> None:
    """A history that keeps nothing."""
