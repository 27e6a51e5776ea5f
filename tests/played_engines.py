"""Engines as they are, from the publishers' point of view, and what each of them holds.

``Life.expected`` is the model that the oracle is held against: all that was published is counted
from the start each time, in the plainest way. ``Rank`` plays the way from there to the observer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from kvchaos.cluster.kinds import Object
from kvchaos.index.names import DEFAULT_MEDIUM, BlockKey
from kvchaos.index.oracle import Expected
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.subscriber import Link
from kvchaos.kvevents.wire import AllBlocksCleared, BlockRemoved, BlockStored, Event, encode
from tests.streams import ScriptedLink, batch, engine_pod, frames


class Copy(NamedTuple):
    """A place for a block's copies."""

    key: BlockKey
    block: int


def copies(batches: list[list[Event]]) -> Counter[Copy]:
    """How often an engine holds each block after these batches."""
    count: Counter[Copy] = Counter()
    for event in (event for events in batches for event in events):
        if isinstance(event, AllBlocksCleared):
            count.clear()
        elif isinstance(event, BlockStored):
            count.update(places(event))
        elif isinstance(event, BlockRemoved):
            count.subtract(places(event))
    return count


def places(event: BlockStored | BlockRemoved) -> list[Copy]:
    key = BlockKey(event.medium or DEFAULT_MEDIUM, event.group_idx)
    return [Copy(key, int(block)) for block in event.block_hashes if isinstance(block, int)]


def held(batches: list[list[Event]]) -> dict[BlockKey, frozenset[int]]:
    """What that is for the oracle."""
    there = +copies(batches)
    return {
        copy.key: frozenset(each.block for each in there if each.key == copy.key) for copy in there
    }


def is_possible(batches: list[list[Event]], event: Event) -> bool:
    """Whether it does not remove what the engine does not hold after these batches."""
    return min(copies([*batches, [event]]).values(), default=0) >= 0


@dataclass
class Life:
    """A publisher from its start to its end, and all that it published."""

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

    def expected(self, epoch: int, head: int | None) -> Expected:
        """What the oracle is to say when it has applied all up to ``head``."""
        seen = self.published[: 0 if head is None else head + 1]
        return Expected(held(seen), complete=True, epoch=epoch, head=head)

    @property
    def head(self) -> int | None:
        return len(self.messages) - 1 if self.messages else None


@dataclass
class Rank:
    """One event stream: its lives, the last being the present one, and the way to the observer."""

    buffer: int
    lives: list[Life] = field(default_factory=lambda: [Life()])
    link: ScriptedLink = field(default_factory=ScriptedLink)
    up: bool = False
    answered: int = 0
    wire: list[tuple[Life, Message]] = field(default_factory=list)
    """Sent and not yet there: it comes in the order in which it was sent."""

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def open(self) -> ScriptedLink:
        """A new link: nothing of the old one comes any more."""
        self.link, self.up, self.answered = ScriptedLink(), False, 0
        self.wire.clear()
        return self.link

    def connect(self) -> None:
        self.arrive(len(self.wire))
        self.up = True
        self.link.changes.append(Link.CONNECTED)

    def cut(self) -> None:
        self.up = False
        self.link.changes.append(Link.DISCONNECTED)

    def publish(self, events: list[Event], *, ts: float, times: int) -> None:
        made = self.life.publish(events, ts=ts)
        if self.up:
            self.wire += [(self.life, made)] * times

    def arrive(self, count: int) -> None:
        for _, message in self.wire[:count]:
            self.link.coming.append(frames(message))
        del self.wire[:count]

    def begin_anew(self) -> None:
        self.lives.append(Life())
        self.cut()

    def answer(self, lost: set[int], *, ends: bool) -> None:
        """The replay asked for last is answered, with losses, as beyond a high-water mark: the
        first two always come, see the sequences' merging. What an older life sent has come before.
        """
        if len(self.link.asked) == self.answered:
            return
        self.answered = len(self.link.asked)
        self.arrive(sum(life is not self.life for life, _ in self.wire))
        history = self.life.messages[-self.buffer :]
        replies = [each for each in history if each.seq >= self.link.asked[-1]]
        kept = [each for number, each in enumerate(replies) if number < 2 or number not in lost]
        self.link.answers += [*kept, *([End.END] if ends else [])]


@dataclass
class Pod:
    """A pod of several ranks; its status may be told later than its container restarts."""

    name: str
    uid: str
    ranks: list[Rank]
    restarts: int = 0

    def body(self) -> Object:
        started = f"2026-01-01T00:00:{self.restarts % 60:02d}Z"
        address = f"{self.name}.{self.uid}"
        return engine_pod(
            self.name, uid=self.uid, restarts=self.restarts, started=started, address=address
        )
