"""The engines' pods as the API tells of them: a thread that puts every change into a queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Protocol

from kvchaos.cluster.kinds import PODS, Kind, Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import ClusterError

logger = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds after which a watch that ended is begun anew."""


class Watched(Protocol):
    """What the observer needs of a cluster, beside a way to the pods."""

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]: ...

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        stop: threading.Event,
    ) -> Iterator[WatchEvent]: ...


class PodWatch:
    """Follows the pods with ``selector``; ``changes`` hands over what came since the last call."""

    def __init__(self, cluster: Watched, *, namespace: str, selector: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self._queue: SimpleQueue[list[Object] | WatchEvent] = SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kvchaos-podwatch", daemon=True)
        self.error = "the pods have not been listed yet"

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the watch; waits at most ``timeout`` seconds for its thread."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def changes(self) -> Iterator[list[Object] | WatchEvent]:
        """What has come: all pods there are (a list), or the change of one."""
        try:
            while True:
                yield self._queue.get_nowait()
        except Empty:
            return

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except ClusterError as error:
                self.error = f"the pods cannot be watched: {error}"
                logger.warning("Watching pods of %s: %s", self._namespace, error)
            self._stop.wait(AGAIN)

    def _follow(self) -> None:
        """Begins with a list, so that pods gone while nobody watched are missed by the reader."""
        place = {"namespace": self._namespace, "labels": self._selector}
        self._queue.put(self._cluster.list(PODS, **place))
        self.error = ""
        for event in self._cluster.watch(PODS, stop=self._stop, **place):
            self._queue.put(event)
