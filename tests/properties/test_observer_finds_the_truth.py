"""Whatever is lost, doubled, late, replayed, restarted or replaced: what is called complete is what
there is, counted in the plainest way from what each publisher itself knows that it sent.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvchaos.cluster.kinds import Object
from kvchaos.cluster.watch import WatchEvent
from kvchaos.index.names import EngineId
from kvchaos.index.oracle import Expected, Oracle
from kvchaos.kvevents.wire import AllBlocksCleared, Event
from kvchaos.observer.intake import NEVER_STORED
from kvchaos.observer.roster import Roster
from kvchaos.observer.settings import Bounds, Ports
from tests.played_engines import Pod, Rank
from tests.streams import ScriptedLink, removed, stored

BLOCKS = st.lists(st.integers(0, 5), min_size=1, max_size=3)
MEDIA = st.sampled_from(["GPU", "CPU", None])
GROUPS = st.sampled_from([None, 0, 1])
EVENTS = st.lists(
    st.one_of(
        st.builds(lambda b, m, g: stored(*b, medium=m, group=g), BLOCKS, MEDIA, GROUPS),
        st.builds(lambda b, m, g: removed(*b, medium=m, group=g), BLOCKS, MEDIA, GROUPS),
        st.just(AllBlocksCleared()),
    ),
    min_size=1,
    max_size=3,
)
WHICH = st.integers(0, 3)
BOUNDS = Bounds(silence=2.0, confirm=0.25, drain=4)
EVENT_PORT, REPLAY_PORT = 5557, 5657


class Following(RuleBasedStateMachine):
    """Pods, links that lose, double and delay, and what follows them; at the end all is set
    right.
    """

    @initialize(
        buffer=st.sampled_from([1, 3, 100]), pods=st.integers(1, 2), ranks=st.integers(1, 2)
    )
    def begin(self, buffer: int, pods: int, ranks: int) -> None:
        self.now = 0.0
        self.buffer, self.count = buffer, ranks
        self.oracle = Oracle()
        self.roster = Roster(
            oracle=self.oracle,
            ports=Ports(event=EVENT_PORT, replay=REPLAY_PORT, ranks=ranks),
            dial=self,
            bounds=BOUNDS,
            tell=lambda _: None,
            link=self.open_link,
        )
        self.made = 0
        self.pods = [self.new_pod(f"engine-{number}") for number in range(pods)]
        self.roster.take([pod.body() for pod in self.pods])

    def new_pod(self, name: str) -> Pod:
        self.made += 1
        return Pod(name, f"uid-{self.made}", [Rank(self.buffer) for _ in range(self.count)])

    def address(self, pod: Object, port: int) -> str:
        return f"{pod['status']['podIP']}:{port}"

    def failure(self, pod: Object, port: int) -> str:
        return ""

    def open_link(self, events: str, replay: str, *, bounds: Bounds) -> ScriptedLink:
        host, _, port = events.removeprefix("tcp://").partition(":")
        pod = next(pod for pod in self.pods if host == f"{pod.name}.{pod.uid}")
        return pod.ranks[int(port) - EVENT_PORT].open()

    def rank(self, which: int) -> Rank:
        return (ranks := [rank for pod in self.pods for rank in pod.ranks])[which % len(ranks)]

    @rule(which=WHICH, events=EVENTS, times=st.integers(0, 2), at_once=st.booleans())
    def publish(self, which: int, events: list[Event], times: int, *, at_once: bool) -> None:
        """A batch, which arrives not at all, once or twice; now, or with a later one."""
        self.now += 0.001
        rank = self.rank(which)
        rank.publish(events, ts=self.now, times=times)
        if at_once:
            rank.arrive(len(rank.wire))

    @rule(which=WHICH, count=st.integers(1, 3))
    def arrive(self, which: int, count: int) -> None:
        self.rank(which).arrive(count)

    @rule(which=WHICH)
    def connect(self, which: int) -> None:
        self.rank(which).connect()

    @rule(which=WHICH)
    def cut(self, which: int) -> None:
        self.rank(which).cut()

    @rule(which=WHICH, told=st.booleans())
    def restart(self, which: int, *, told: bool) -> None:
        """The container begins anew, all ranks of it; the pod's status tells soon or later."""
        pod = self.pods[which % len(self.pods)]
        pod.restarts += 1
        for rank in pod.ranks:
            rank.begin_anew()
        if told:
            self.tell(which)

    @rule(which=WHICH)
    def tell(self, which: int) -> None:
        pod = self.pods[which % len(self.pods)]
        self.roster.take(WatchEvent("MODIFIED", pod.body()))

    @rule(which=WHICH)
    def replace(self, which: int) -> None:
        """Another pod by the same name."""
        at = which % len(self.pods)
        self.roster.take(WatchEvent("DELETED", self.pods[at].body()))
        self.pods[at] = self.new_pod(self.pods[at].name)
        self.roster.take(WatchEvent("ADDED", self.pods[at].body()))

    @rule(which=WHICH, lost=st.sets(st.integers(2, 7)), ends=st.booleans())
    def answer(self, which: int, lost: set[int], *, ends: bool) -> None:
        self.rank(which).answer(lost, ends=ends)

    @rule(seconds=st.sampled_from([0.0, 0.3, 2.5]))
    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.roster.adopt(self.roster.dial(self.now), self.now)
        for follower in self.roster.followers.values():
            follower.turn(self.now)

    def told(self) -> dict[EngineId, Expected]:
        """As the observer tells it: not complete while there is any trouble."""
        found = self.oracle.expected()
        for engine, follower in self.roster.followers.items():
            if found[engine].complete and (why := self.roster.trouble(follower)):
                found[engine] = replace(found[engine], complete=False, reason=why)
        return found

    def followed(self) -> list[tuple[EngineId, Rank]]:
        return [
            (EngineId(pod.name, pod.uid, number), rank)
            for pod in self.pods
            for number, rank in enumerate(pod.ranks)
        ]

    @invariant()
    def complete_is_one_life_from_its_beginning(self) -> None:
        """It may lag behind, but nothing is left out, taken twice, or of two lives."""
        if not hasattr(self, "pods"):
            return
        told = self.told()
        assert told.keys() == {engine for engine, _ in self.followed()}
        for engine, rank in self.followed():
            found = told[engine]
            assert not found.complete or any(
                found == life.expected(found.epoch, found.head) for life in rank.lives
            )

    def set_right(self) -> None:
        """All links on, all told, nothing under way, one more batch, every replay answered."""
        for which in range(len(self.pods)):
            self.tell(which)
        self.turn(0.0)
        for _, rank in self.followed():
            rank.connect()
        for _ in range(20):
            self.turn(0.0)
        for _, rank in self.followed():
            rank.publish([stored(9)], ts=self.now, times=1)
            rank.arrive(len(rank.wire))
        for _ in range(40):
            self.turn(0.3)
            for _, rank in self.followed():
                rank.answer(set(), ends=True)

    def teardown(self) -> None:
        """Once all is set right, it is the present life, whole, or it is said why not."""
        if not hasattr(self, "pods"):
            return
        self.set_right()
        told = self.told()
        for engine, rank in self.followed():
            found = told[engine]
            follower = self.roster.followers[engine]
            assert self.roster.trouble(follower) in ("", follower.incomplete)
            assert NEVER_STORED not in found.reason
            if found.complete:
                assert found == rank.life.expected(follower.epoch, rank.life.head)
            else:
                excused = self.buffer < 100 or "did not answer" in found.reason
                assert excused, found.reason


Following.TestCase.settings = settings(stateful_step_count=40)
TestFollowing = Following.TestCase
