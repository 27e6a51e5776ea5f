"""What a run needs of the cluster that is meant: it answers, and all that a run uses is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kvchaos.clock import Clock
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import NAMESPACES
from kvchaos.doctor.line import Line, State, missing, note, ok
from kvchaos.doctor.obstacles import obstacles
from kvchaos.doctor.reach import workload
from kvchaos.errors import (
    ClusterError,
    ClusterUnreachable,
    ContextNotFound,
    Forbidden,
    KVChaosError,
    NotFound,
)
from kvchaos.preflight.look import look
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings

TIMEOUT = 5.0  # seconds for each answer of the API server


def place(settings: Settings, plan: Sequence[Planned], *, clock: Clock) -> Iterator[Line]:
    """All lines about the cluster, the first ones first; the rest only where they can be asked."""
    try:
        with (
            Cluster.connect(settings.kubernetes_context, timeout=TIMEOUT) as connected,
            connected.once(timeout=TIMEOUT) as cluster,  # no retries, nothing between the lines
        ):
            yield from _lines(cluster, settings, plan, now=clock.wall())
    except ContextNotFound as error:
        todo = f"--context, KUBERNETES_CONTEXT; the kubeconfig is {error.look}"
        yield Line.of("cluster", error, todo=todo)
    except KVChaosError as error:
        if settings.is_lab and isinstance(error, ClusterUnreachable):
            yield ok("cluster", "the embedded lab is not up: a run starts it, and stops it")
        else:
            yield Line.of("cluster", error)


def _lines(
    cluster: Cluster, settings: Settings, plan: Sequence[Planned], *, now: float
) -> Iterator[Line]:
    yield ok("cluster", f"{cluster.version()} at {cluster.access.server}")
    namespace = _namespace(cluster, settings)
    yield namespace
    if namespace.state is not State.MISSING:
        yield from workload(cluster, settings)
        yield from obstacles(look(cluster, plan, settings, now=now))


def _namespace(cluster: Cluster, settings: Settings) -> Line:
    name = settings.namespace
    try:
        cluster.get(NAMESPACES, name)
    except NotFound:
        return missing(
            "namespace", f"no {name}; {_known(cluster)}", "--namespace, KVCHAOS_NAMESPACE"
        )
    except Forbidden:
        return note("namespace", f"{name} may not be read, so that annotations are not known")
    return ok("namespace", name)


def _known(cluster: Cluster) -> str:
    """The namespaces that there are, as far as they may be listed and are few."""
    try:
        names = sorted(str(each["metadata"]["name"]) for each in cluster.list(NAMESPACES))
    except ClusterError:
        return "which there are may not be listed"
    return "there are " + ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
