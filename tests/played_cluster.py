"""A cluster of engine pods whose changes a test makes; the observer lists and watches it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from kvchaos.cluster.config import Access
from kvchaos.cluster.kinds import Kind, Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import ClusterError, ClusterUnreachable


class PlayedCluster:
    """Lists ``pods``; watches tell what ``change`` was called with. ``failing`` breaks both.

    It has no API server, so only the transport ``direct`` works with it.
    """

    access: Access
    timeout = 1.0

    def __init__(self, *pods: Object) -> None:
        self.pods = {pod["metadata"]["uid"]: pod for pod in pods}
        self.failing: ClusterError | None = None
        self.asked: list[tuple[str, str | None, str]] = []
        self._events: SimpleQueue[WatchEvent | None] = SimpleQueue()

    def change(self, kind: str, pod: Object) -> None:
        """ADDED, MODIFIED or DELETED."""
        self._keep(kind, pod)
        self._events.put(WatchEvent(kind, pod))

    def fail(self, *unseen: tuple[str, Object]) -> None:
        """The API goes away; meanwhile these changes happen, of which no watch will tell."""
        self.failing = ClusterUnreachable("the API server does not answer")
        for kind, pod in unseen:
            self._keep(kind, pod)
        self._events.put(None)

    def list(
        self, kind: Kind, *, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> list[Object]:
        self.asked.append((kind.plural, namespace, labels))
        if self.failing:
            raise self.failing
        return list(self.pods.values())

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: str = "",
        fields: str = "",
        stop: threading.Event,
    ) -> Iterator[WatchEvent]:
        self.asked.append((kind.plural, namespace, labels))
        while not stop.is_set():
            try:
                event = self._events.get(timeout=0.02)
            except Empty:
                continue
            if event is None:
                raise self.failing or ClusterUnreachable("the watch broke")
            yield event

    def _keep(self, kind: str, pod: Object) -> None:
        if kind == "DELETED":
            self.pods.pop(pod["metadata"]["uid"], None)
        else:
            self.pods[pod["metadata"]["uid"]] = pod
