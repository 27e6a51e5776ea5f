"""Which engines there are, and a follower for each rank: as the pods come, restart and go.

The one rule guarded here: an engine is known from the moment its pod is, so that one which cannot
be followed (yet) is said to be unknown and never overlooked. Not thread-safe: see ``Follower``.
"""

from __future__ import annotations

from collections import Counter

from kvchaos.cluster import pods
from kvchaos.cluster.kinds import Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.errors import ClusterError, EngineUnreachable
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Oracle
from kvchaos.observer.follower import Follower
from kvchaos.observer.link import EventLink, OpenLink, ZmqLink
from kvchaos.observer.settings import Bounds, Ports
from kvchaos.observer.streamlog import Tell
from kvchaos.observer.transport import Dial

Life = tuple[int, str]
"""What tells one life of a container from the next: its restartCount and startedAt."""


class _Pod:
    """A pod that is there, and what was done about it."""

    def __init__(self, body: Object) -> None:
        self.body = body
        self.followers: list[Follower] = []  # one for each rank
        self.life: Life | None = None
        self.why_not = ""
        self.redial_at = 0.0


class Roster:
    """The followers of all engines; ``dial`` gives the addresses that ``link`` connects to."""

    def __init__(
        self,
        *,
        oracle: Oracle,
        ports: Ports,
        dial: Dial,
        bounds: Bounds,
        tell: Tell,
        block_size: int | None = None,
        link: OpenLink = ZmqLink,
    ) -> None:
        self.followers: dict[EngineId, Follower] = {}
        self.gone: Counter[str] = Counter()  # what the engines counted that are there no more
        self._pods: dict[str, _Pod] = {}
        self._oracle = oracle
        self._ports = ports
        self._dial = dial
        self._bounds = bounds
        self._tell = tell
        self._block_size = block_size
        self._link = link

    def take(self, change: list[Object] | WatchEvent) -> None:
        """Take over what the watch says: all pods there are, or a change of one."""
        if isinstance(change, WatchEvent):
            self._changed(change.object, there=change.type != "DELETED")
            return
        for uid in self._pods.keys() - {pods.uid(body) for body in change}:
            self._forget(uid)
        for body in change:
            self._changed(body, there=True)

    def with_other_blocks(self) -> int:
        """How many engines have blocks that are not of the size that is wanted."""
        if self._block_size is None:
            return 0
        sizes = [follower.block_size for follower in self.followers.values()]
        return sum(size not in (None, self._block_size) for size in sizes)

    def dial(self, now: float) -> dict[EngineId, EventLink | str]:
        """The links that are due, each opened, or why there is none.

        May wait for the network; nothing that this roster can be asked changes meanwhile.
        """
        due = [pod for pod in self._pods.values() if pod.life and now >= pod.redial_at]
        return {
            follower.engine: self._dialled(pod.body, follower.engine.rank)
            for pod in due
            for follower in pod.followers
            if follower.link is None
        }

    def adopt(self, dialled: dict[EngineId, EventLink | str], now: float) -> None:
        """Follow the engines over the links that ``dial`` has just given."""
        for engine, found in dialled.items():
            pod = self._pods[engine.uid]
            if isinstance(found, str):
                pod.why_not = found
                pod.redial_at = now + self._bounds.redial
            else:
                pod.why_not = ""
                self.followers[engine].open(found)

    def alive(self) -> set[str]:
        """The names of the pods that are there and have not finished."""
        return {pods.name(pod.body) for pod in self._pods.values()}

    def links(self) -> dict[ZmqLink, Follower]:
        """All links there are, to wait on, and who follows them."""
        return {
            follower.link: follower
            for follower in self.followers.values()
            if isinstance(follower.link, ZmqLink)
        }

    def trouble(self, follower: Follower) -> str:
        """Why it cannot be said what this engine holds, right now; else empty."""
        pod = self._pods[follower.engine.uid]
        if pods.is_terminating(pod.body):
            return "its pod is terminating"
        if pod.why_not or pod.life is None:
            return pod.why_not or _not_running(pod.body)
        declared, followed = len(pods.event_ports(pod.body).publish), self._ports.ranks
        if declared > followed:
            return f"its pod declares {declared} ranks, {followed} are followed"
        if not follower.linked:
            return self._silent(pod.body, follower.engine.rank)
        return follower.trouble()

    def close(self) -> None:
        """Close all links; what is known stays."""
        for follower in self.followers.values():
            follower.close()

    def _changed(self, body: Object, *, there: bool) -> None:
        uid = pods.uid(body)
        if not there or pods.phase(body) in ("Succeeded", "Failed"):
            self._forget(uid)
            return
        if uid not in self._pods:
            self._meet(body)
        pod = self._pods[uid]
        pod.body = body
        life = _life(body, self._ports.event)
        if life and life != pod.life:
            self._begin_life(pod, life)

    def _meet(self, body: Object) -> None:
        uid = pods.uid(body)
        self._pods[uid] = pod = _Pod(body)
        for rank in range(self._ports.ranks):
            engine = EngineId(pods.name(body), uid, rank)
            self.followers[engine] = Follower(
                engine,
                oracle=self._oracle,
                bounds=self._bounds,
                tell=self._tell,
                block_size=self._block_size,
            )
            pod.followers.append(self.followers[engine])

    def _begin_life(self, pod: _Pod, life: Life) -> None:
        """The container runs, for the first time or again; what came in may have shown it."""
        first, pod.life = pod.life is None, life
        for follower in pod.followers:
            if follower.restarted:
                follower.restarted = False
            elif not first:
                follower.close()
                follower.restart(f"its container was restarted ({life[0]} times so far)")

    def _dialled(self, body: Object, rank: int) -> EventLink | str:
        try:
            events = self._dial.address(body, self._ports.event + rank)
            replay = self._dial.address(body, self._ports.replay + rank)
            return self._link(f"tcp://{events}", f"tcp://{replay}", bounds=self._bounds)
        except (ClusterError, EngineUnreachable) as error:
            return str(error)

    def _silent(self, body: Object, rank: int) -> str:
        """The words for an engine whose event port was never reached."""
        port = self._ports.event + rank
        declared = {each["containerPort"] for each in pods.ports(body)}
        words = [f"nobody publishes at its event port {port}"]
        if port not in declared:
            words.append("which the pod does not declare")
        words.append(self._dial.failure(body, port))
        return ", ".join(word for word in words if word)

    def _forget(self, uid: str) -> None:
        pod = self._pods.pop(uid, None)
        for follower in pod.followers if pod else []:
            follower.close()
            del self.followers[follower.engine]
            self.gone.update(follower.counts())
        self._oracle.forget(uid)


def _life(body: Object, event_port: int) -> Life | None:
    """The engine container's present life; None while it does not run."""
    container = _engine_container(body, event_port)
    started = pods.container_started_at(body, container)
    return (pods.restarts(body, container), started) if started else None


def _engine_container(body: Object, event_port: int) -> str:
    """The container that declares the event port; else the first one."""
    for container in body["spec"]["containers"]:
        if any(port["containerPort"] == event_port for port in container.get("ports") or []):
            return str(container["name"])
    return pods.containers(body)[0]


def _not_running(body: Object) -> str:
    why = pods.waiting_reason(body)
    phase = pods.phase(body)
    return f"its container does not run: {phase}{', ' + why if why else ''}"
