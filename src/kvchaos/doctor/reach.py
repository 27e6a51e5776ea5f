"""Whether what a run talks to answers: the engines' HTTP and event streams, the router's index.

A port counts as an event stream when it greets as ZMQ does: the first byte of ZMTP's greeting
(rfc.zeromq.org/spec/23) is 0xff, sent by the one who listens without being asked.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from kvchaos.clock import SystemClock
from kvchaos.cluster import pods
from kvchaos.cluster.client import Cluster
from kvchaos.cluster.kinds import PODS, Object
from kvchaos.doctor.line import Line, missing, note, ok
from kvchaos.errors import KVChaosError, UsageError
from kvchaos.index.routers.adapters import adapter
from kvchaos.observer.settings import Transport
from kvchaos.observer.transport import Dial, open_dial
from kvchaos.sampling.addresses import EngineAddresses
from kvchaos.sampling.locate import LocatedRouter
from kvchaos.sessions import session, within
from kvchaos.settings import Settings

PATIENCE = 5.0  # seconds for an answer of a pod
MOST = 8  # engines that are asked; a hundred of them are made alike
GREETING = b"\xff"
NOBODY = "nobody listens there"
ADAPTED = "KVCHAOS_ROUTER_ADAPTER: an adapter of kvchaos's, or module:Name of yours"
PUBLISHING = (
    '--kv-events-config \'{"enable_kv_cache_events": true, "publisher": "zmq", '
    '"endpoint": "tcp://*:%d", "replay_endpoint": "tcp://*:%d"}\''
)


def workload(cluster: Cluster, settings: Settings) -> Iterator[Line]:
    """The engines and their ports, the router and its index."""
    place, labels = settings.namespace, settings.engine_selector
    try:
        found = cluster.list(PODS, namespace=place, labels=labels)
    except KVChaosError as error:
        yield Line.of("engines", error, todo=f"kubectl auth can-i list pods -n {place}")
        return
    alive = [pod for pod in found if pods.is_alive(pod)]
    ready = [pod for pod in alive if pods.is_ready(pod)]
    yield _engines(alive, ready, settings)
    dial, opened = open_dial(Transport(settings.transport), cluster)
    with opened:
        if ready:
            yield from _streams(dial, ready[:MOST], settings)
        yield _index(cluster, dial, settings)


def _engines(alive: Sequence[Object], ready: Sequence[Object], settings: Settings) -> Line:
    place, labels = settings.namespace, settings.engine_selector
    if not alive:
        saw = f"no pod with {labels} in namespace {place}"
        return missing(
            "engines",
            saw,
            "KVCHAOS_NAMESPACE, KVCHAOS_ENGINE_SELECTOR; "
            f"kubectl get pods -n {place} --show-labels",
        )
    if len(ready) < len(alive):
        late = ", ".join(pods.name(pod) for pod in alive if pod not in ready)
        saw = f"{len(ready)} of {len(alive)} ready; not: {late}"
        return missing("engines", saw, f"kubectl describe pods -n {place} -l {labels}")
    if len(alive) == 1:
        saw = "1 ready; a share of at most max_percent of one engine is none"
        return note("engines", saw, "two or more, or KVCHAOS_MAX_PERCENT=100")
    return ok("engines", f"{len(ready)} ready in namespace {place}")


def _streams(dial: Dial, engines: Sequence[Object], settings: Settings) -> Iterator[Line]:
    """One line for HTTP and one for events, over the engines that are asked."""
    rest = [settings.event_port, settings.replay_port]
    with ThreadPoolExecutor(2 * MOST, "kvchaos-doctor") as pool:
        http = {
            pods.name(pod): pool.submit(_answers, dial, pod, settings.engine_port)
            for pod in engines
        }
        events = {
            f"{pods.name(pod)}:{port}": pool.submit(_greets, dial, pod, port)
            for pod in engines
            for port in rest
        }
    silent = {name: why for name, each in http.items() if (why := each.result())}
    yield _over(
        "engines' HTTP",
        silent,
        f"{len(http)} of {len(http)} answer on {settings.engine_port}",
        todo="the port that vLLM serves on: KVCHAOS_ENGINE_HTTP_PORT",
    )
    deaf = {name: why for name, each in events.items() if (why := each.result())}
    yield _over(
        "engines' events",
        deaf,
        f"{len(engines)} of {len(engines)} publish on {rest[0]} and replay on {rest[1]}",
        todo=f"start vLLM with {PUBLISHING % (rest[0], rest[1])}, or KVCHAOS_EVENT_PORT, "
        "KVCHAOS_REPLAY_PORT",
    )


def _over(what: str, failed: dict[str, str], well: str, *, todo: str) -> Line:
    if not failed:
        return ok(what, well)
    name, why = next(iter(failed.items()))
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return missing(what, f"{name}: {why}{more}", todo)


def _answers(dial: Dial, pod: Object, port: int) -> str:
    """Why its HTTP does not answer; empty when it does, whatever it says."""
    try:
        url = f"http://{dial.address(pod, port)}/health"
        with within(PATIENCE), session().get(url, timeout=PATIENCE, stream=True):
            return ""
    except (requests.RequestException, KVChaosError) as error:
        return _why(dial, pod, port) or _reason(error)


def _greets(dial: Dial, pod: Object, port: int) -> str:
    """Why nobody greets there as ZMQ does; empty when somebody does."""
    try:
        host, _, number = dial.address(pod, port).rpartition(":")
        with socket.create_connection((host.strip("[]"), int(number)), PATIENCE) as link:
            head = link.recv(1)
    except (OSError, KVChaosError) as error:
        return _why(dial, pod, port) or _reason(error)
    if head == GREETING:
        return ""
    return "no ZMQ socket" if head else _why(dial, pod, port) or NOBODY


def _why(dial: Dial, pod: Object, port: int) -> str:
    """What the way to the pod says of it; kubelets tell of a refused connection in a paragraph."""
    told = dial.failure(pod, port)
    return NOBODY if "connection refused" in told.lower() else told


def _reason(error: Exception) -> str:
    """In words: a port-forward to a port without a listener is a stream that ends at once."""
    if isinstance(error, KVChaosError):
        return str(error)
    late = isinstance(error, TimeoutError | requests.Timeout)
    return f"no answer in {PATIENCE:g} s" if late else NOBODY


def _index(cluster: Cluster, dial: Dial, settings: Settings) -> Line:
    """Whether the one router answers with an index that kvchaos can read."""
    at = {}

    def address(name: str, port: int) -> str:
        at["pod"] = name
        return dial.address(cluster.get(PODS, name, namespace=settings.namespace), port)

    try:
        router = LocatedRouter(
            cluster,
            namespace=settings.namespace,
            selector=settings.router_selector,
            port=settings.router_port,
            dial=address,
            adapter=adapter(settings.router_adapter),
            engines=EngineAddresses(
                cluster,
                namespace=settings.namespace,
                selector=settings.engine_selector,
                clock=SystemClock(),
            ),
            model=settings.model,
            block_size=settings.block_size,
        )
        pod = router.pod()  # an adapter that breaks may not have asked for it
        seen = router.snapshot()
    except UsageError as error:
        return Line.of("router's index", error, todo=ADAPTED)
    except KVChaosError as error:
        return _no_index(error, at.get("pod"), settings)
    return ok("router's index", f"{pod} holds {len(seen.engines)} engines")


def _no_index(error: KVChaosError, pod: str | None, settings: Settings) -> Line:
    """A pod that was found and does not answer is another router, or another port."""
    if pod is None:
        return Line.of("router's index", error, todo="KVCHAOS_ROUTER_SELECTOR: a label of one pod")
    todo = f"KVCHAOS_ROUTER_HTTP_PORT; for a router of another make {ADAPTED}"
    if settings.router_adapter != Settings().router_adapter:
        return Line.of("router's index", error, todo=todo)
    return missing(
        "router's index", f"{pod} does not answer GET /index on {settings.router_port}", todo
    )
