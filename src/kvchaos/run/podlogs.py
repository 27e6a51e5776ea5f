"""The last lines of the pods that a run is about: those it hit, its engines, its routers.

Read when the faults are over, within a bound. They come from strangers' programs: redacted and
cut before they are kept; what they hold is shown, never obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterUnreachable, KVChaosError
from kvchaos.run.session import Run
from kvchaos.run.watched import watched_pods

PODS_AT_MOST = 24
LINES = 400
BYTES = 256 * 1024
"""Of one container's life."""
BOUND = 2.0  # seconds for one answer
AT_ONCE = 4  # questions


def pod_logs(run: Run) -> dict[str, str]:
    """By pod: those that faults hit first, then routers and engines; empty while none answers."""
    hit = list(dict.fromkeys(each.pod for fault in run.faults for each in fault.injected.targets))
    cluster = run.cluster.once(timeout=BOUND)
    try:
        there = {pods.name(pod): pod for pod in reversed(watched_pods(run))}
    except KVChaosError:
        return {}
    names = list(dict.fromkeys([*hit, *there]))[:PODS_AT_MOST]
    read = _Reader(cluster, namespace=run.settings.namespace)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kvchaos-logs") as pool:
        texts = list(pool.map(lambda name: read.text(name, there.get(name)), names))
    return {name: run.redactor.text(text) for name, text in zip(names, texts, strict=True) if text}


class _Reader:
    """Asks no more once nobody answers."""

    def __init__(self, cluster: Cluster, *, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._away = False

    def text(self, name: str, pod: Object | None) -> str:
        """What the pod's containers wrote, each life under a head of its own."""
        if pod is None:
            return f"==> {name} is gone, and its log with it <==\n"
        return "".join(
            f"==> {container}{life} <==\n{text.rstrip()}\n"
            for container in pods.containers(pod)
            for life, text in self._lives(name, pod, container)
        )

    def _lives(self, name: str, pod: Object, container: str) -> Iterator[tuple[str, str]]:
        if pods.restarts(pod, container):
            yield ", before its last restart", self._life(name, container, previous=True)
        yield "", self._life(name, container, previous=False)

    def _life(self, name: str, container: str, *, previous: bool) -> str:
        if self._away:
            return "(not read: no answer)"
        try:
            text = self._cluster.logs(
                name,
                namespace=self._namespace,
                container=container,
                tail=LINES,
                limit=4 * BYTES,
                previous=previous,
            )
        except KVChaosError as error:
            if isinstance(error, ClusterUnreachable):
                self._away = True
            return f"(not read: {error})"
        return text[-BYTES:]
