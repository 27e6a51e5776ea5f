"""One engine rank followed over a played link: order, epochs, gaps, what is told and what not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from kvchaos.index.oracle import Expected, Oracle
from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.replay import End
from kvchaos.kvevents.subscriber import Link
from kvchaos.kvevents.wire import Event, UnknownEvent
from kvchaos.observer.follower import Follower
from kvchaos.observer.intake import AT_ONCE, NEVER_STORED
from kvchaos.observer.settings import Bounds
from kvchaos.observer.streamlog import REPORTED
from tests.streams import ENGINE, GPU, ScriptedLink, frames, message, removed, stored

BOUNDS = Bounds(silence=2.0, confirm=0.25)


@dataclass
class Stage:
    """A follower with its link, an oracle and what it told."""

    oracle: Oracle = field(default_factory=Oracle)
    link: ScriptedLink = field(default_factory=ScriptedLink)
    told: list[dict[str, Any]] = field(default_factory=list)
    now: float = 0.0
    block_size: int | None = None
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.follower = Follower(
            ENGINE,
            oracle=self.oracle,
            bounds=BOUNDS,
            tell=self.told.append,
            block_size=self.block_size,
        )
        self.follower.open(self.link)

    def turn(
        self, *live: Message, news: Link | None = None, replies: list[Message | End] | None = None
    ) -> None:
        """One round of the receive loop, in which this has come."""
        self.link.coming += [frames(each) for each in live]
        self.link.changes += [news] if news else []
        self.link.answers += replies or []
        self.follower.turn(self.now)

    def connect(self, *history: Message) -> None:
        """The link comes on, and both replays (the second one confirms) bring this history."""
        self.turn(news=Link.CONNECTED)
        self.turn(replies=[*history, End.END])
        self.later(0.3)
        self.turn(replies=[*history[-1:], End.END])
        self.told.clear()
        self.link.asked.clear()

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    def expected(self) -> Expected:
        return self.oracle.expected()[ENGINE]

    def whats(self) -> list[tuple[str, int | None, int | None]]:
        """What was told: what, seq, missing."""
        return [(said["what"], said["seq"], said["missing"]) for said in self.told]


def test_the_stream_is_on_before_the_history_is_asked_for() -> None:
    """What is published meanwhile is held, so that nothing falls between the two."""
    stage = Stage()
    stage.turn()
    assert stage.link.asked == []

    stage.turn(news=Link.CONNECTED)
    stage.turn(message(2, stored(3)))
    assert stage.follower.head is None
    stage.turn(replies=[message(0, stored(1)), message(1, stored(2)), End.END])
    assert stage.follower.head == 1
    stage.turn(replies=[message(1, stored(2)), message(2, stored(3)), End.END])

    assert stage.link.asked == [0, 1]
    assert stage.expected() == Expected({GPU: frozenset({1, 2, 3})}, complete=True, head=2)
    assert stage.whats() == [
        ("connected", None, None),
        ("first event", 0, None),
        ("replayed", 2, 3),
    ]


def test_each_connection_is_confirmed_by_a_second_replay() -> None:
    """A batch published while the subscription was on its way is found before it is missed."""
    stage = Stage()
    stage.turn(news=Link.CONNECTED)
    stage.turn(replies=[message(0, stored(1)), End.END])
    assert stage.follower.trouble() == "its batches are being replayed"

    stage.later(0.3)
    stage.turn(replies=[message(0, stored(1)), message(1, stored(2)), End.END])

    assert stage.link.asked == [0, 0]
    assert stage.expected().blocks == {GPU: frozenset({1, 2})}
    assert stage.follower.trouble() == ""


def test_an_engine_that_has_published_nothing_is_completely_known() -> None:
    """An empty history is a history."""
    stage = Stage()

    stage.connect()

    assert stage.expected() == Expected({}, complete=True)
    assert stage.follower.trouble() == ""


def test_the_first_batch_of_an_engine_that_has_shown_none_is_asked_for() -> None:
    """Now it is known to keep a history; so it is a new one, and known, when it has none later."""
    stage = Stage()
    stage.connect()

    stage.turn(message(0, stored(1)), message(1, stored(2)))
    stage.turn(replies=[message(1, stored(2)), End.END])
    assert (stage.link.asked, stage.follower.trouble()) == ([1], "")
    stage.connect()
    stage.later(0.3)
    stage.turn(replies=[End.END])

    assert stage.expected() == Expected({}, complete=True, epoch=1)
    assert stage.follower.trouble() == ""


def test_a_gap_is_replayed_from_the_last_batch_on() -> None:
    """The last batch proves that the engine is the same; later ones wait for the missing ones."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.turn(message(3, removed(2)))
    assert stage.follower.trouble() == "its batches are being replayed"
    missed = [message(0, stored(1)), message(1, stored(2)), message(2, stored(4))]
    stage.turn(replies=[*missed, message(3, removed(2)), End.END])

    assert stage.link.asked == [0]
    assert stage.expected() == Expected({GPU: frozenset({1, 4})}, complete=True, head=3)
    assert stage.whats() == [("gap", 1, 2), ("replayed", 3, 3)]


def test_a_history_that_begins_late_leaves_the_engine_incomplete() -> None:
    """What the engine has forgotten is said, and what follows is still followed."""
    stage = Stage()

    stage.connect(message(7, stored(1)))
    stage.turn(message(8, stored(2)))

    found = stage.expected()
    assert (found.complete, found.head) == (False, 8)
    assert found.blocks == {GPU: frozenset({1, 2})}
    assert stage.follower.incomplete == found.reason
    assert "batches 0 to 6" in found.reason


def test_what_is_lost_is_told_with_its_seqs() -> None:
    """A loss is in the history of the run, not only in the outcome."""
    stage = Stage()
    stage.turn(news=Link.CONNECTED)

    stage.turn(replies=[message(7, stored(1)), End.END])

    assert stage.whats() == [
        ("connected", None, None),
        ("incomplete", 0, 7),
        ("first event", 7, None),
        ("replayed", 7, 1),
    ]


def test_a_history_that_proves_nothing_leaves_the_engine_incomplete() -> None:
    """No seq is missing, but what follows may be of another process; that is told once."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.turn(news=Link.CONNECTED)
    stage.turn(replies=[message(1, stored(2)), End.END])
    stage.later(0.3)
    stage.turn(replies=[message(2, stored(3)), End.END])

    reason = "the publisher's history begins too late to show that it is the same one"
    blocks = {GPU: frozenset({1, 2, 3})}
    assert stage.expected() == Expected(blocks, complete=False, reason=reason, head=2)
    assert stage.whats() == [
        ("connected", None, None),
        ("incomplete", 1, 0),
        ("first event", 1, None),
        ("replayed", 1, 1),
        ("replayed", 2, 1),
    ]


def test_replies_wait_for_the_live_messages_that_have_come_before_them() -> None:
    """Those may be of the process before, however many they are; meanwhile nobody is silent."""
    stage = Stage()
    stage.connect(*history("older", 0))
    stage.turn(*history("older", *range(1, 2 * BOUNDS.drain + 2)), news=Link.CONNECTED)

    stage.turn(replies=[*history("new", 0), End.END])
    assert stage.follower.epoch == 0
    stage.later(BOUNDS.silence + 1)

    assert stage.follower.epoch == 1
    assert stage.link.asked == [0, 0]


def history(process: str, *seqs: int) -> list[Message]:
    """What a process published under these numbers; another one published other things."""
    return [message(seq, stored(len(process) + seq), ts=float(len(process))) for seq in seqs]


def test_a_history_with_other_content_is_a_new_epoch() -> None:
    """A restarted engine may be at the same number; its blocks are gone all the same."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(news=Link.DISCONNECTED)
    stage.turn(news=Link.CONNECTED)

    stage.turn(replies=[message(0, stored(9), ts=99.0), End.END])
    stage.turn(replies=[message(0, stored(9), ts=99.0), End.END])

    assert stage.expected() == Expected({GPU: frozenset({9})}, complete=True, epoch=1, head=0)
    assert stage.link.asked == [0, 0]
    assert [what for what, *_ in stage.whats()] == [
        "disconnected",
        "connected",
        "restart",
        "first event",
        "replayed",
    ]
    assert stage.follower.restarted


def test_replies_after_the_one_that_shows_a_restart_are_of_an_abandoned_replay() -> None:
    """They are not taken for the answer to the request that follows."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(news=Link.CONNECTED)

    stage.turn(replies=[message(0, stored(8), ts=9.0), message(1, stored(9)), End.END])

    assert stage.expected() == Expected({}, complete=True, epoch=1)
    assert stage.follower.trouble() == "its batches are being replayed"


def test_a_live_stream_that_begins_anew_is_a_new_epoch() -> None:
    """Seq 0 is all the history that there is, so nothing has to be replayed."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(message(1, stored(2)))

    stage.turn(message(0, stored(7), ts=9.0), message(1, stored(8), ts=9.0))

    assert stage.expected() == Expected({GPU: frozenset({7, 8})}, complete=True, epoch=1, head=1)


def test_a_new_epoch_seen_while_a_new_connection_is_checked_is_confirmed_too() -> None:
    """It may be one in between, that is dead as well; and so that check is made all the same."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(message(1, stored(2)))
    stage.turn(message(0, stored(7), ts=9.0), news=Link.CONNECTED)
    assert stage.follower.trouble() == "its batches are being replayed"

    stage.turn(replies=[message(0, stored(7), ts=9.0), End.END])
    stage.later(0.3)
    stage.turn(replies=[message(0, stored(7), ts=9.0), End.END])

    assert stage.expected() == Expected({GPU: frozenset({7})}, complete=True, epoch=1, head=0)
    assert stage.follower.trouble() == ""


def test_a_restarted_container_is_a_new_epoch_that_is_asked_for_when_it_is_on() -> None:
    """The pod's status is believed; there may be nobody to ask yet, and that is no failure."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.follower.close()

    stage.follower.restart("its container was restarted")
    fresh = ScriptedLink()
    stage.follower.open(fresh)
    for _ in range(10):
        stage.later(5.0)
    assert fresh.asked == []
    fresh.changes.append(Link.CONNECTED)
    stage.turn()

    assert (stage.link.closed, fresh.asked) == (True, [0])
    assert stage.expected() == Expected({}, complete=True, epoch=1)
    assert not stage.follower.restarted


def test_a_replay_that_is_not_answered_is_asked_for_again_and_again() -> None:
    """The engine is in trouble meanwhile, and whole as soon as there is an answer."""
    stage = Stage()
    stage.turn(news=Link.CONNECTED)
    for _ in range(10):
        stage.later(2.0)
        assert stage.follower.trouble() == "its replay port does not answer"

    for _ in range(2):
        stage.turn(replies=[message(0, stored(1)), End.END])
        stage.later(1.0)

    assert set(stage.link.asked) == {0}
    assert stage.follower.trouble() == ""
    assert stage.expected() == Expected({GPU: frozenset({1})}, complete=True, head=0)


def test_what_is_due_is_so_at_its_time_and_not_before() -> None:
    """The receive loop passes over who has nothing to take and nothing to do."""
    stage = Stage()
    stage.turn(news=Link.CONNECTED)
    asked = [stage.follower.is_due(at) for at in (0.0, 1.9, 2.0)]
    stage.turn(replies=[End.END])
    over = [stage.follower.is_due(at) for at in (0.0, 0.2, 0.25)]
    stage.follower.close()

    assert asked == [False, False, True]
    assert over == [False, False, True]
    assert not stage.follower.is_due(9.0)


def test_batches_that_no_replay_brings_in_time_are_lost() -> None:
    """Live ones wait for a few tries, not for ever; the hole before them stays a hole."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(message(3, stored(4)))

    for _ in range(4):
        stage.later(2.0)

    found = stage.expected()
    assert (found.complete, found.head) == (False, 3)
    assert found.reason == "batches 1 to 2: the publisher did not answer a replay"


def test_a_connection_that_is_lost_is_trouble_until_the_next_one_is_replayed() -> None:
    """What is published meanwhile is not seen, so it cannot be said what the engine holds."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.turn(news=Link.DISCONNECTED)
    assert stage.follower.trouble() == "its event stream is cut"
    stage.later(60.0)
    stage.turn(news=Link.CONNECTED)
    stage.turn(replies=[message(0, stored(1)), message(1, stored(2)), End.END])
    stage.later(0.3)
    stage.turn(replies=[message(1, stored(2)), End.END])

    assert stage.follower.trouble() == ""
    assert stage.expected() == Expected({GPU: frozenset({1, 2})}, complete=True, head=1)


def test_attempts_that_fail_are_no_news() -> None:
    """An engine that is not there yet does not fill the history with disconnections."""
    stage = Stage()

    stage.turn(news=Link.DISCONNECTED)

    assert stage.told == []
    assert stage.follower.trouble() == "its event stream is not on yet"


def test_a_malformed_message_is_counted_and_told_and_ends_nothing() -> None:
    """Frames that are no message cannot stop the stream."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.link.coming = [[b"topic", b"short", b"payload"]]
    stage.turn(message(1, stored(2)))

    assert stage.follower.malformed == 1
    assert stage.whats() == [("malformed", None, None)]
    assert stage.expected() == Expected({GPU: frozenset({1, 2})}, complete=True, head=1)


def test_a_batch_that_cannot_be_read_leaves_the_engine_incomplete() -> None:
    """Nobody knows what it stored or removed; the batches after it still count."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.turn(Message(b"", 1, b"\xc1 no batch"), message(2, stored(3)))

    found = stage.expected()
    assert (found.complete, found.reason, found.head) == (False, "batch 1 cannot be read", 2)
    assert stage.whats() == [("malformed", 1, None), ("incomplete", 1, 1)]


def test_batches_around_one_that_cannot_be_read_are_taken() -> None:
    """Those that have come with it, each in its order, and each counted."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    bad = [Message(b"", seq, b"\xc1 no batch") for seq in (2, 4)]
    stage.turn(message(1, stored(2)), bad[0], message(3, stored(3), removed(1)), bad[1])

    found = stage.expected()
    assert (found.reason, found.head) == ("batch 2 cannot be read", 4)
    assert found.blocks == {GPU: frozenset({2, 3})}
    assert stage.follower.batches == 5
    assert stage.whats() == [
        ("malformed", 2, None),
        ("incomplete", 2, 1),
        ("malformed", 4, None),
        ("incomplete", 4, 1),
    ]


def test_however_many_batches_come_at_once_each_is_taken() -> None:
    """In order, whatever is wrong with one of them."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    count = 3 * AT_ONCE

    run = [message(seq, stored(seq + 1)) for seq in range(1, count)]
    run[AT_ONCE + 3] = message(AT_ONCE + 4, removed(-1))
    run[2 * AT_ONCE + 3] = Message(b"", 2 * AT_ONCE + 4, b"\xc1 no batch")
    stage.turn(*run)

    assert stage.follower.batches == count
    assert stage.expected().reason == f"batch {AT_ONCE + 4}: {NEVER_STORED}"
    assert stage.expected().head == count - 1
    assert len(stage.expected().blocks[GPU]) == count - 2
    assert [(what, seq) for what, seq, _ in stage.whats()] == [
        ("incomplete", AT_ONCE + 4),
        ("malformed", 2 * AT_ONCE + 4),
        ("incomplete", 2 * AT_ONCE + 4),
    ]


def test_a_gap_or_a_malformed_message_among_batches_is_seen() -> None:
    """What comes before it is applied, what comes after it waits for the replay."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.link.coming = [frames(message(1, stored(2))), [b"", b""], frames(message(3, stored(4)))]

    stage.turn()

    assert (stage.follower.head, stage.follower.malformed, stage.link.asked) == (1, 1, [1])


def test_malformed_replies_are_counted() -> None:
    """A router of replies can be as wrong as a publisher."""
    stage = Stage()
    stage.link.malformed = 2

    stage.turn()

    assert stage.follower.malformed == 2
    assert stage.whats() == [("malformed", None, None)] * 2


def test_a_flood_of_malformed_messages_does_not_flood_the_history() -> None:
    """All are counted, the first ones are told."""
    stage = Stage()
    stage.link.malformed = 10 * REPORTED

    stage.turn()

    assert (stage.follower.malformed, len(stage.told)) == (10 * REPORTED, REPORTED)


def test_batches_and_stored_blocks_are_counted_over_all_epochs() -> None:
    """A batch that a replay brings again is none; a restart takes nothing back."""
    stage = Stage()
    stage.connect(message(0, stored(1)))
    stage.turn(message(1, stored(2, 3)))

    stage.turn(message(0, stored(7), ts=9.0))

    assert stage.follower.counts() == {
        "batches": 3,
        "malformed": 0,
        "blocks": 4,
        "unknown_events": 0,
        "unmatched_removals": 0,
    }


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (UnknownEvent("BlockMoved"), "an event of a type that this version does not know"),
        (removed(7), "removed a block that it never stored"),
        (removed(1, medium="CPU"), "removed a block that it never stored"),
    ],
)
def test_what_cannot_be_taken_in_leaves_the_engine_incomplete(event: Event, reason: str) -> None:
    """What it did to the blocks nobody knows; it is told once, and a new epoch is whole again."""
    stage = Stage()
    stage.connect(message(0, stored(1)))

    stage.turn(message(1, event), message(2, event))

    assert stage.expected() == Expected(
        {GPU: frozenset({1})}, complete=False, reason=f"batch 1: {reason}", head=2
    )
    assert stage.whats() == [("incomplete", 1, 0)]
    counts = stage.follower.counts()
    assert counts["unknown_events"] + counts["unmatched_removals"] == 2

    stage.turn(message(0, stored(7), ts=9.0))
    assert stage.expected() == Expected({GPU: frozenset({7})}, complete=True, epoch=1, head=0)
    assert stage.follower.counts() == {**counts, "batches": 4, "blocks": 2}


@pytest.mark.parametrize("batches", [1, 3])
def test_an_engine_with_blocks_of_another_size_is_not_complete(batches: int) -> None:
    """What it is asked is not what it was to be: nothing that comes of it may blame a router."""
    stage = Stage(block_size=16)
    stage.connect()

    stage.turn(*(message(seq, stored(seq, block_size=64)) for seq in range(batches)))

    reason = "its blocks have 64 tokens, and block_size is 16: see KVCHAOS_BLOCK_SIZE"
    assert (stage.expected().complete, stage.expected().reason) == (False, reason)
    assert stage.follower.block_size == 64
    assert stage.whats() == [("first event", 0, None), ("incomplete", 0, 0)]


@pytest.mark.parametrize(("wanted", "size"), [(16, 16), (None, 64)])
def test_an_engine_with_blocks_of_the_size_that_is_wanted_is_complete(
    wanted: int | None, size: int
) -> None:
    """The twin; and with none wanted any size will do."""
    stage = Stage(block_size=wanted)
    stage.connect()

    stage.turn(message(0, stored(1, block_size=size)), message(1, stored(2, block_size=size)))

    assert (stage.expected().complete, stage.follower.block_size) == (True, size)


def test_an_engine_that_comes_back_with_blocks_of_another_size_is_not_complete() -> None:
    """Each epoch says its own."""
    stage = Stage(block_size=16)
    stage.connect(message(0, stored(1, block_size=16)))
    assert stage.expected().complete

    stage.turn(message(0, stored(7, block_size=32), ts=9.0))

    assert stage.expected().reason.startswith("its blocks have 32 tokens, and block_size is 16")


def test_each_copy_that_was_stored_may_be_removed() -> None:
    """vLLM tells of every physical copy of a block, coming and going."""
    stage = Stage()
    stage.connect(message(0, stored(1), stored(1), removed(1)))

    stage.turn(message(1, removed(1)))

    assert stage.expected() == Expected({}, complete=True, head=1)


def test_removals_of_what_was_stored_before_the_history_begins_are_counted_alone() -> None:
    """Such an engine is incomplete for a better reason."""
    stage = Stage()

    stage.connect(message(7, removed(1)))

    assert "batches 0 to 6" in stage.expected().reason
    assert stage.follower.counts()["unmatched_removals"] == 1


def test_a_follower_without_a_link_rests() -> None:
    """Its pod may have no address yet."""
    stage = Stage()
    stage.follower.close()

    stage.turn(message(0, stored(1)))

    assert stage.follower.batches == 0
