"""Finds the engines: pods with the label, by a list and a watch that goes on for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.errors import ClusterError
from kvchaos.sim.router.engines import Engine, Ports, engine_of

if TYPE_CHECKING:
    from kvchaos.cluster.client import Cluster

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds before the API is asked again after an error
STOP = 2.0


class Listener(Protocol):
    """Who wants to know about engines."""

    def found(self, engine: Engine) -> None:
        """It is there, or something about it is new."""
        ...

    def gone(self, uid: str) -> None:
        """It is no more."""
        ...

    def keep_only(self, uids: set[str]) -> None:
        """There are no others than these."""
        ...


def connect_inside() -> Cluster:
    """The cluster of the pod this runs in; imported late, since HTTP need not wait for it."""
    from kvchaos.cluster.client import Cluster  # noqa: PLC0415 - slow, see above

    return Cluster.connect("in-cluster")


class Discovery:
    """A thread that tells ``listener`` of the engines in ``namespace`` with ``selector``."""

    def __init__(
        self,
        listener: Listener,
        *,
        namespace: str,
        selector: str,
        ports: Ports,
        connect: Callable[[], AbstractContextManager[Cluster]] = connect_inside,
    ) -> None:
        self._listener = listener
        self._connect = connect
        self._namespace = namespace
        self._selector = selector
        self._ports = ports
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="discovery", daemon=True)
        self.is_ready = False

    def start(self) -> None:
        """Begin to look; ``is_ready`` once the engines that there are have been told."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns when that is done, or after a bound."""
        self._stop.set()
        self._thread.join(STOP)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except ClusterError as error:
                logger.warning("discovery: %s", error)
                self._stop.wait(PAUSE)

    def _follow(self) -> None:
        with self._connect() as cluster:
            self._list(cluster)
            self.is_ready = True
            self._watch(cluster)

    def _watch(self, cluster: Cluster) -> None:
        """Tell changes; a second list at the first one covers pods that went before the watch."""
        where = {"namespace": self._namespace, "labels": self._selector}
        for number, change in enumerate(cluster.watch(PODS, stop=self._stop, **where)):
            if number == 0:
                self._list(cluster)
            if change.type == "DELETED":
                self._listener.gone(pods.uid(change.object))
            else:
                self._tell(change.object)

    def _list(self, cluster: Cluster) -> None:
        found = cluster.list(PODS, namespace=self._namespace, labels=self._selector)
        self._listener.keep_only({pods.uid(pod) for pod in found})
        for pod in found:
            self._tell(pod)

    def _tell(self, pod: Object) -> None:
        engine = engine_of(pod, self._ports)
        if engine is None:
            self._listener.gone(pods.uid(pod))
        else:
            self._listener.found(engine)
