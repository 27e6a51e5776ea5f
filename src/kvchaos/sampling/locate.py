"""Where the router answers: the pod behind its label, found again whenever it stopped answering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.index.observed import Observed
from kvchaos.index.routers.protocol import RouterIndex
from kvchaos.index.routers.reference import ReferenceRouter

T = TypeVar("T")
Dial = Callable[[str, int], str]


class LocatedRouter:
    """The router of a run: an adapter over the pod that its label selects now."""

    def __init__(
        self, cluster: Cluster, *, namespace: str, selector: str, port: int, dial: Dial
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self._port = port
        self._dial = dial
        self._found: tuple[str, str] | None = None
        self._adapter: RouterIndex = ReferenceRouter(self.address)

    def pod(self) -> str:
        """The name of the router's pod."""
        return self._find()[0]

    def address(self) -> str:
        """``host:port`` at which the router's HTTP is reached from here."""
        return self._find()[1]

    def snapshot(self) -> Observed:
        return self._ask(self._adapter.snapshot)

    def match(self, tokens: Sequence[int]) -> dict[str, int]:
        return self._ask(lambda: self._adapter.match(tokens))

    def forget(self) -> None:
        """Look the pod up again at the next request."""
        self._found = None

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except RouterUnreachable:
            self.forget()
            raise

    def _find(self) -> tuple[str, str]:
        if self._found is None:
            try:
                name = self._running()
                self._found = (name, self._dial(name, self._port))
            except ClusterError as error:
                raise RouterUnreachable(
                    "the router's pod cannot be looked up", saw=str(error)
                ) from error
        return self._found

    def _running(self) -> str:
        """The name of the one pod that may be the router."""
        found = self._cluster.list(PODS, namespace=self._namespace, labels=self._selector)
        running = sorted(pods.name(pod) for pod in found if pods.is_alive(pod))
        if not running:
            raise RouterUnreachable(
                "no router pod",
                wanted=f"a running pod with {self._selector} in {self._namespace}",
                saw="none",
                look=f"kubectl get pods -n {self._namespace} -l {self._selector}",
            )
        if len(running) > 1:
            raise RouterUnreachable(
                "which router to judge is not said",
                wanted=f"one running pod with {self._selector} in {self._namespace}",
                saw=", ".join(running),
            )
        return running[0]
