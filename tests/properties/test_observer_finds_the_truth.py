"""Whatever is lost, doubled, replayed or restarted: what is called complete is what there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from kvchaos.index.names import BlockKey
from kvchaos.index.oracle import Expected, Oracle
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.subscriber import Link
from kvchaos.kvevents.wire import AllBlocksCleared, BlockRemoved, BlockStored, Event, encode
from kvchaos.observer.follower import Follower
from kvchaos.observer.intake import NEVER_STORED
from kvchaos.observer.settings import Bounds
from tests.streams import ENGINE, ScriptedLink, batch, frames, removed, stored

BLOCKS = st.lists(st.integers(0, 5), min_size=1, max_size=3)
MEDIA = st.sampled_from(["GPU", "CPU"])
EVENTS = st.lists(
    st.one_of(
        st.builds(lambda found, medium: stored(*found, medium=medium), BLOCKS, MEDIA),
        st.builds(lambda found, medium: removed(*found, medium=medium), BLOCKS, MEDIA),
        st.just(AllBlocksCleared()),
    ),
    min_size=1,
    max_size=3,
)
BOUNDS = Bounds(silence=2.0, confirm=0.25, drain=4)


def copies(batches: list[list[Event]]) -> Counter[tuple[str | None, object]]:
    """How often an engine holds each block after these batches, counted in the plainest way."""
    count: Counter[tuple[str | None, object]] = Counter()
    for event in (event for events in batches for event in events):
        if isinstance(event, AllBlocksCleared):
            count.clear()
        elif isinstance(event, BlockStored):
            count.update((event.medium, block) for block in event.block_hashes)
        elif isinstance(event, BlockRemoved):
            count.subtract((event.medium, block) for block in event.block_hashes)
    return count


def held(batches: list[list[Event]]) -> dict[BlockKey, frozenset[int]]:
    """What that is for the oracle."""
    found: dict[BlockKey, set[int]] = {}
    for medium, block in +copies(batches):
        found.setdefault(BlockKey(str(medium), None), set()).add(int(str(block)))
    return {key: frozenset(blocks) for key, blocks in found.items()}


def is_possible(batches: list[list[Event]], event: Event) -> bool:
    """Whether it does not remove what the engine does not hold after these batches."""
    return min(copies([*batches, [event]]).values(), default=0) >= 0


@dataclass
class Engine:
    """A publisher's life: all that it published, of which it can replay the last ``buffer``."""

    buffer: int
    published: list[list[Event]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def publish(self, wanted: list[Event], ts: float) -> Message:
        """Of these events those that can happen."""
        events: list[Event] = []
        for event in wanted:
            events += [event] if is_possible([*self.published, events], event) else []
        made = Message(b"", len(self.messages), encode(batch(*events, ts=ts)))
        self.published.append(events)
        self.messages.append(made)
        return made

    def replay(self, start: int) -> list[Message]:
        return [each for each in self.messages[-self.buffer :] if each.seq >= start]


class Following(RuleBasedStateMachine):
    """An engine, a link that loses and doubles, and a follower; at the end all is set right."""

    @initialize(buffer=st.sampled_from([1, 3, 100]))
    def begin(self, buffer: int) -> None:
        self.now = 0.0
        self.buffer = buffer
        self.engine = Engine(buffer)
        self.link = ScriptedLink()
        self.oracle = Oracle()
        self.follower = Follower(ENGINE, oracle=self.oracle, bounds=BOUNDS, tell=lambda _: None)
        self.follower.open(self.link)
        self.up = False
        self.answered = 0

    @rule(events=EVENTS, arrives=st.integers(0, 2))
    def publish(self, events: list[Event], arrives: int) -> None:
        """A batch, which arrives not at all, once or twice."""
        self.now += 0.001
        made = self.engine.publish(events, ts=self.now)
        if self.up:
            self.link.coming += [frames(made)] * arrives

    @rule()
    def connect(self) -> None:
        self.up = True
        self.link.changes.append(Link.CONNECTED)

    @rule()
    def cut(self) -> None:
        self.up = False
        self.link.changes.append(Link.DISCONNECTED)

    @rule()
    def restart_the_engine(self) -> None:
        self.engine = Engine(self.buffer)
        self.cut()

    @rule()
    def restart_the_engine_as_the_pod_tells(self) -> None:
        """The roster closes the old link, so that nothing of the old process comes any more."""
        self.engine = Engine(self.buffer)
        self.follower.close()
        self.follower.restart("its container was restarted")
        self.link = ScriptedLink()
        self.follower.open(self.link)
        self.up = False
        self.answered = 0

    @rule(lost=st.sets(st.integers(2, 7)), ends=st.booleans())
    def answer(self, lost: set[int], *, ends: bool) -> None:
        """The replay asked for last is answered, with losses, as beyond a high-water mark: the
        first two always come, see the sequences' merging.
        """
        if len(self.link.asked) == self.answered:
            return
        self.answered = len(self.link.asked)
        replies = self.engine.replay(self.link.asked[-1])
        kept = [each for number, each in enumerate(replies) if number < 2 or number not in lost]
        self.link.answers += [*kept, *([End.END] if ends else [])]

    @rule(seconds=st.sampled_from([0.0, 0.3, 2.5]))
    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.follower.turn(self.now)

    def teardown(self) -> None:
        """One more batch on a link that is on, every replay answered; then the verdict."""
        if not hasattr(self, "engine"):
            return
        self.connect()
        for _ in range(20):
            self.turn(0.0)
        self.publish([stored(9)], arrives=1)
        for _ in range(40):
            self.turn(0.3)
            self.answer(set(), ends=True)
        assert self.follower.trouble() in ("", self.follower.incomplete)
        found = self.oracle.expected()[ENGINE]
        assert NEVER_STORED not in found.reason
        if found.complete:
            assert found == Expected(
                held(self.engine.published),
                complete=True,
                epoch=self.follower.epoch,
                head=len(self.engine.messages) - 1,
            )
        else:
            excused = self.buffer < 100 or "did not answer" in found.reason
            assert excused, found.reason


Following.TestCase.settings = settings(stateful_step_count=30)
TestFollowing = Following.TestCase
