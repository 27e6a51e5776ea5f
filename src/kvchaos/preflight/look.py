"""Gather what refusals are decided by. Every question is a round trip, so they go side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import NAMESPACES, PODNETWORKCHAOS, PODS, Kind, Object
from kvchaos.errors import ClusterError, ClusterUnreachable, Forbidden, NotFound
from kvchaos.mesh import hold
from kvchaos.mesh.api import FAULT_KINDS, MeshApi
from kvchaos.mesh.targets import select, selectors
from kvchaos.preflight import metrics
from kvchaos.preflight.facts import DAEMON, Facts, Selection
from kvchaos.preflight.needs import Need, needs, places
from kvchaos.preflight.plan import Planned
from kvchaos.settings import Settings

AT_ONCE = 4  # questions under way at a time; each of them opens a connection
MESH_KINDS = (*FAULT_KINDS.values(), PODNETWORKCHAOS)


class LookApi(MeshApi, metrics.Ports, Protocol):
    """The part of the cluster client that is asked before a run; nothing is changed by it."""

    def has_kind(self, kind: Kind) -> bool: ...

    def can(
        self, verb: str, kind: Kind, *, namespace: str | None, subresource: str = "", name: str = ""
    ) -> bool: ...


def look(cluster: LookApi, plan: Sequence[Planned], settings: Settings, *, now: float) -> Facts:
    """The facts about ``plan``; raises ``ClusterError`` when the server gives no answer."""
    pool = ThreadPoolExecutor(AT_ONCE, "kvchaos-preflight")
    try:
        return _gathered(pool, _Questions(cluster, settings), tuple(plan), now=now)
    finally:
        pool.shutdown(cancel_futures=True)


def _gathered(
    pool: ThreadPoolExecutor, ask: _Questions, plan: tuple[Planned, ...], *, now: float
) -> Facts:
    """All is asked before any answer is waited for; what takes longest is asked first."""
    touched = places(plan, ask.settings)
    rehearsed = [(each, pool.submit(ask.rehearsal, each)) for each in plan]
    selections = [
        pool.submit(ask.selection, each, role, selector)
        for each in plan
        for role, selector in selectors(each.body["spec"])
    ]
    kinds = {kind: pool.submit(ask.cluster.has_kind, kind) for kind in MESH_KINDS}
    faults = [pool.submit(ask.objects, k, p) for k in FAULT_KINDS.values() for p in touched]
    rules = [pool.submit(ask.objects, PODNETWORKCHAOS, place) for place in touched]
    engines = {place: pool.submit(ask.engines, place) for place in touched}
    annotations = {place: pool.submit(ask.annotations, place) for place in touched}
    daemons, held = pool.submit(ask.daemons), pool.submit(ask.hold)
    block_sizes = pool.submit(ask.block_sizes)
    granted = {need: pool.submit(ask.allowed, need) for need in needs(plan, ask.settings)}
    return Facts(
        settings=ask.settings,
        plan=plan,
        selections=tuple(each.result() for each in selections),
        engines={place: each.result() for place, each in engines.items()},
        absent=frozenset(kind for kind, each in kinds.items() if not each.result()),
        denied=tuple(need for need, each in granted.items() if not each.result()),
        daemons=daemons.result(),
        annotations={place: each.result() for place, each in annotations.items()},
        faults=_flat(faults),
        rules=_flat(rules),
        holds=tuple(held.result()),
        rehearsed=tuple((each, no) for each, said in rehearsed if (no := said.result())),
        block_sizes=block_sizes.result(),
        now=now,
    )


class _Questions:
    """What is asked of a cluster. A refusal to answer is an answer, where one can go on."""

    def __init__(self, cluster: LookApi, settings: Settings) -> None:
        self.cluster = cluster
        self.settings = settings

    def rehearsal(self, planned: Planned) -> ClusterError | None:
        """What the server, webhooks and all, has against a fault; it creates nothing."""
        try:
            self.cluster.create(planned.fault.api, planned.body, dry_run=True)
        except ClusterUnreachable:
            raise
        except ClusterError as error:
            return error
        return None

    def selection(self, planned: Planned, role: str, selector: Object) -> Selection:
        """The pods that a selector names, in whatever phase they are."""
        asked = {key: value for key, value in selector.items() if key != "podPhaseSelectors"}
        try:
            named = tuple(select(self.cluster, asked, namespace=planned.fault.namespace))
        except Forbidden:
            return Selection(planned, role, selector, readable=False)
        return Selection(planned, role, selector, named)

    def engines(self, place: str) -> frozenset[str]:
        """The uids of the engine pods that are alive."""
        found = self._list(PODS, place, labels=self.settings.engine_selector)
        return frozenset(pods.uid(pod) for pod in found if pods.is_alive(pod))

    def block_sizes(self) -> dict[str, frozenset[int]]:
        """What engines that are ready say of their blocks."""
        here = self.settings
        found = self._list(PODS, here.namespace, labels=here.engine_selector)
        ready = [pod for pod in found if pods.is_alive(pod) and pods.is_ready(pod)]
        return metrics.told_block_sizes(self.cluster, ready, here.engine_port)

    def objects(self, kind: Kind, place: str) -> list[Object]:
        """Every object of a kind of Chaos Mesh's in a namespace."""
        return self._list(kind, place)

    def annotations(self, place: str) -> dict[str, str] | ClusterError:
        """Those of a namespace."""
        try:
            metadata = self.cluster.get(NAMESPACES, place)["metadata"]
        except (Forbidden, NotFound) as error:
            return error
        return dict(metadata.get("annotations") or {})

    def daemons(self) -> frozenset[str] | ClusterError:
        """The nodes with a chaos-daemon that is running and ready."""
        place = self.settings.mesh_namespace
        try:
            found = self.cluster.list(PODS, namespace=place, labels=DAEMON)
        except Forbidden as error:
            return error
        return frozenset(pods.node(pod) for pod in found if pods.is_ready(pod))

    def hold(self) -> Iterator[hold.Hold]:
        """The hold on the engines' namespace."""
        try:
            there = hold.read(self.cluster, self.settings.namespace)
        except Forbidden:
            return iter(())
        return iter([there] if there else [])

    def allowed(self, need: Need) -> bool:
        """Whether a right is there."""
        return self.cluster.can(
            need.verb,
            need.kind,
            namespace=need.namespace,
            subresource=need.subresource,
            name=need.name,
        )

    def _list(self, kind: Kind, place: str, *, labels: str = "") -> list[Object]:
        """None where listing is refused: that right is asked for by itself."""
        try:
            return self.cluster.list(kind, namespace=place, labels=labels)
        except (Forbidden, NotFound):
            return []


def _flat(asked: Sequence[Future[list[Object]]]) -> tuple[Object, ...]:
    return tuple(body for each in asked for body in each.result())
