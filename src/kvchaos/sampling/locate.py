"""Where the router answers: the pod behind its label, found again whenever it stopped answering.

Which adapter asks it is somebody else's to say; the adapter is told where it is, and whose an
address is, as they are at the time of asking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS
from kvchaos.errors import ClusterError, RouterUnreachable
from kvchaos.index.observed import Observed
from kvchaos.index.routers.protocol import Adapter, RouterPlace
from kvchaos.sampling.addresses import EngineAddresses

T = TypeVar("T")
Dial = Callable[[str, int], str]
NO_ROUTER = "the router's pod cannot be looked up"


class LocatedRouter:
    """The router of a run: an adapter over the pod that its label selects now.

    Raises what ``adapter`` raises when it makes nothing that can be asked.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        selector: str,
        port: int,
        dial: Dial,
        adapter: Adapter,
        engines: EngineAddresses,
        model: str,
        block_size: int,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self._port = port
        self._dial = dial
        self._engines = engines
        self._found: tuple[str, str] | None = None
        self._adapter = adapter(RouterPlace(self.address, engines.by_address, model, block_size))

    def pod(self) -> str:
        """The name of the router's pod."""
        return self._find()[0]

    def address(self) -> str:
        """``host:port`` at which the router's HTTP is reached from here."""
        return self._find()[1]

    def snapshot(self) -> Observed:
        seen = self._ask(self._adapter.snapshot)
        if self._engines.are_too_old({pod for pod, _ in seen.engines}):
            seen = self._ask(self._adapter.snapshot)
            self._engines.are_too_old({pod for pod, _ in seen.engines})
        return seen

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
            name = self._running()
            try:
                self._found = (name, self._dial(name, self._port))
            except ClusterError as error:
                raise RouterUnreachable(NO_ROUTER, saw=str(error)) from error
        return self._found

    def _running(self) -> str:
        """The name of the one pod that may be the router; one list of the API server."""
        try:
            found = self._cluster.list(PODS, namespace=self._namespace, labels=self._selector)
        except ClusterError as error:
            raise RouterUnreachable(NO_ROUTER, saw=str(error)) from error
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
