"""Finds the engines: pods with the label, by a list and a watch that goes on for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from kvchaos.errors import ClusterError
from kvchaos.sim.router.engines import Engine, Ports, engine_of

if TYPE_CHECKING:
    from kvchaos.cluster.client import Cluster
    from kvchaos.cluster.kinds import Object

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


class Discovery:
    """A thread that tells ``listener`` of the engines in ``namespace`` with ``selector``."""

    def __init__(
        self, listener: Listener, *, namespace: str | None, selector: str, ports: Ports
    ) -> None:
        self._listener = listener
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
        from kvchaos.cluster.client import Cluster  # noqa: PLC0415 - slow; HTTP need not wait

        with Cluster.connect("in-cluster") as cluster:
            self._list(cluster)
            self.is_ready = True
            self._watch(cluster)

    def _watch(self, cluster: Cluster) -> None:
        """Tell changes; a second list at the first one covers pods that went before the watch."""
        from kvchaos.cluster.kinds import PODS  # noqa: PLC0415 - as above

        changes = cluster.watch(
            PODS, namespace=self._namespace, labels=self._selector, stop=self._stop
        )
        is_first = True
        for change in changes:
            if is_first:
                self._list(cluster)
                is_first = False
            if change.type == "DELETED":
                self._listener.gone(change.object["metadata"]["uid"])
            else:
                self._tell(change.object)

    def _list(self, cluster: Cluster) -> None:
        from kvchaos.cluster.kinds import PODS  # noqa: PLC0415 - as above

        pods = cluster.list(PODS, namespace=self._namespace, labels=self._selector)
        self._listener.keep_only(set(_uids(pods)))
        for pod in pods:
            self._tell(pod)

    def _tell(self, pod: Object) -> None:
        engine = engine_of(pod, self._ports)
        if engine is None:
            self._listener.gone(pod["metadata"]["uid"])
        else:
            self._listener.found(engine)


def _uids(pods: list[Object]) -> Iterator[str]:
    for pod in pods:
        yield pod["metadata"]["uid"]
