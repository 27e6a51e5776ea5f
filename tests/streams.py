"""Events, batches and pods for tests of the oracle and the observer, and a link that is played.

``stored(1, 2)`` is an event for the blocks 1 and 2; ``ScriptedLink`` is an engine's way to a
follower whose messages, news and replies the test puts in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kvchaos.cluster.kinds import Object
from kvchaos.index.names import BlockKey, EngineId
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.subscriber import Link
from kvchaos.kvevents.wire import Batch, BlockRemoved, BlockStored, Event, encode

GPU = BlockKey("GPU", None)
CPU = BlockKey("CPU", None)
ENGINE = EngineId("engine-a", "uid-a", 0)
OTHER = EngineId("engine-b", "uid-b", 0)
NAMESPACE = "engines"


def stored(
    *hashes: int | bytes,
    medium: str | None = "GPU",
    group: int | None = None,
    block_size: int = 1,
) -> BlockStored:
    """The blocks are stored, in blocks of one token unless told."""
    tokens = list(range(len(hashes) * block_size))
    return BlockStored(list(hashes), None, tokens, block_size, None, medium, None, group_idx=group)


def removed(
    *hashes: int | bytes, medium: str | None = "GPU", group: int | None = None
) -> BlockRemoved:
    """One copy of each of the blocks is gone."""
    return BlockRemoved(list(hashes), medium, group)


def batch(*events: Event, ts: float = 1.5) -> Batch:
    """The events in one batch of rank 0."""
    return Batch(ts, list(events), 0)


def message(seq: int, *events: Event, ts: float = 1.5) -> Message:
    """The events in a batch with this number."""
    return Message(b"", seq, encode(batch(*events, ts=ts)))


def frames(what: Message) -> list[bytes]:
    """As a SUB receives it."""
    return [what.topic, what.seq.to_bytes(8, "big"), what.payload]


@dataclass
class ScriptedLink:
    """What comes next; ``asked`` are the replays asked for, ``closed`` tells of the end."""

    coming: list[list[bytes]] = field(default_factory=list)
    changes: list[Link] = field(default_factory=list)
    answers: list[Message | End] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    malformed: int = 0
    closed: bool = False

    def live(self, limit: int) -> list[list[bytes]]:
        taken, self.coming = self.coming[:limit], self.coming[limit:]
        return taken

    def news(self) -> list[Link]:
        taken, self.changes = self.changes, []
        return taken

    def ask(self, start: int) -> None:
        self.asked.append(start)
        self.answers.clear()

    def replies(self, limit: int) -> list[Message | End]:
        taken, self.answers = self.answers[:limit], self.answers[limit:]
        return taken

    def malformed_replies(self) -> int:
        return self.malformed

    def close(self) -> None:
        self.closed = True


def engine_pod(
    name: str = "engine-a",
    *,
    uid: str = "uid-a",
    address: str = "127.0.0.1",
    phase: str = "Running",
    restarts: int = 0,
    started: str | None = "2026-01-01T00:00:00Z",
    terminating: bool = False,
    port: int = 5557,
) -> Object:
    """A pod of one engine container that declares ``port``; not running if ``started`` is None."""
    state = {"running": {"startedAt": started}} if started else {"waiting": {"reason": "Crashed"}}
    gone = {"deletionTimestamp": "2026-01-01T00:00:09Z"} if terminating else {}
    return {
        "metadata": {"name": name, "uid": uid, "namespace": NAMESPACE, **gone},
        "spec": {"containers": [{"name": "engine", "ports": [{"containerPort": port}]}]},
        "status": {
            "phase": phase,
            "podIP": address,
            "containerStatuses": [{"name": "engine", "restartCount": restarts, "state": state}],
        },
    }
