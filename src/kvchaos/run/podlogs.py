"""The last lines of the pods that a run is about: those it hit, its engines, its routers.

Read when the run is recorded, within a bound. They come from strangers' programs: redacted before
they are cut, so that no part of a secret stays, and cut to whole lines; what they hold is shown,
never obeyed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from kvchaos.clock import Clock
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import Object
from kvchaos.errors import ClusterUnreachable, KVChaosError
from kvchaos.run.session import Run
from kvchaos.run.watched import watched_pods

PODS_AT_MOST = 24
LINES = 400
FEWER = 10
"""Times fewer lines are asked for when so many were too long, so that the last are among them."""
BYTES = 256 * 1024
"""Kept of one container's life."""
FETCHED = 4 * BYTES
"""Asked of the cluster, which leaves out the end of what is longer."""
BOUND = 2.0  # seconds for one answer
IN_ALL = 6.0  # seconds after which no more is asked
AT_ONCE = 4  # questions


def pod_logs(run: Run) -> dict[str, str]:
    """By pod: those that faults hit first, then routers and engines; empty while none answers."""
    hit = list(dict.fromkeys(each.pod for fault in run.faults for each in fault.injected.targets))
    cluster = run.cluster.once(timeout=BOUND)
    read = _Reader(
        cluster, namespace=run.settings.namespace, redact=run.redactor.text, clock=run.clock
    )
    try:
        there = {pods.name(pod): pod for pod in reversed(watched_pods(run, cluster=cluster))}
    except KVChaosError:
        return {}
    names = list(dict.fromkeys([*hit, *there]))[:PODS_AT_MOST]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="kvchaos-logs") as pool:
        texts = list(pool.map(lambda name: read.text(name, there.get(name)), names))
    return {name: text for name, text in zip(names, texts, strict=True) if text}


class _Reader:
    """Asks no more once nobody answers, or all of it took too long."""

    def __init__(
        self, cluster: Cluster, *, namespace: str, redact: Callable[[str], str], clock: Clock
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._redact = redact
        self._clock = clock
        self._until = clock.now() + IN_ALL
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
        try:
            text = self._end(name, container, previous=previous)
        except KVChaosError as error:
            if isinstance(error, ClusterUnreachable):
                self._away = True
            return self._redact(f"(not read: {error})")
        return _cut(self._redact(text))

    def _end(self, name: str, container: str, *, previous: bool) -> str:
        """Whole lines, of which the last is the last that was written where that can be had."""
        text, lines = "", LINES
        while lines:
            self._may_ask()
            text = self._cluster.logs(
                name,
                namespace=self._namespace,
                container=container,
                tail=lines,
                limit=FETCHED,
                previous=previous,
            )
            if len(text.encode()) < FETCHED:
                return text
            lines //= FEWER
        return text.rpartition("\n")[0] or "(its last lines are too long)"

    def _may_ask(self) -> None:
        if self._away:
            raise KVChaosError("no answer")
        if self._clock.now() >= self._until:
            raise KVChaosError("no time was left")


def _cut(text: str) -> str:
    """The end of it, from the beginning of a line on."""
    raw = text.encode(errors="replace")
    if len(raw) <= BYTES:
        return text
    return raw[-BYTES:].decode(errors="ignore").partition("\n")[2] or "(its last line is too long)"
