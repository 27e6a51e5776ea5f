"""The reference router's sequence logic: what is applied, held back, asked for."""

from __future__ import annotations

from collections.abc import Iterable

from kvchaos.sim.router.stream import HOLD, PATIENCE, Counts, Replaying
from kvchaos.sim.router.trusting import Trusting


class Sink:
    """Keeps the payloads since the last clear."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def apply(self, payload: bytes) -> None:
        self.held.append(payload)

    def clear(self) -> None:
        self.held.clear()


def batch(seq: int, epoch: str = "a") -> tuple[int, bytes]:
    return seq, f"{epoch}{seq}".encode()


def batches(seqs: Iterable[int], epoch: str = "a") -> list[bytes]:
    return [batch(seq, epoch)[1] for seq in seqs]


def replay(stream: Replaying, seqs: Iterable[int], epoch: str = "a") -> int:
    """Answer the replay that ``stream`` wants with ``seqs`` and an end marker; where it began."""
    assert stream.wanted
    start = stream.next_replay()
    for seq in seqs:
        stream.replayed(*batch(seq, epoch))
    stream.replay_ended()
    return start


def joined(seqs: range) -> tuple[Replaying, Sink]:
    """A stream that joined and was replayed ``seqs``."""
    sink = Sink()
    stream = Replaying(sink)
    stream.connected()
    replay(stream, seqs)
    return stream, sink


def test_joining_asks_for_all_there_is() -> None:
    """A late joiner starts from seq 0."""
    stream, sink = joined(range(3))

    assert (sink.held, stream.applied, stream.counts) == (batches(range(3)), 2, Counts(replays=1))


def test_an_engine_that_published_nothing_is_followed_from_its_first_batch() -> None:
    """An empty replay proves that seq 0 is next."""
    stream, sink = joined(range(0))

    stream.live(*batch(0))

    assert (sink.held, stream.wanted) == (batches([0]), False)


def test_batches_in_order_are_applied_at_once() -> None:
    """On an unbroken link the seq is proof enough."""
    stream, sink = joined(range(2))

    stream.live(*batch(2))
    stream.live(*batch(3))

    assert (sink.held, stream.wanted) == (batches(range(4)), False)


def test_a_gap_is_replayed_before_what_came_after_it() -> None:
    """Live batches behind a gap are held, and applied once."""
    stream, sink = joined(range(2))

    stream.live(*batch(4))
    held_back = list(sink.held)
    start = replay(stream, range(1, 5))
    stream.live(*batch(5))

    assert (held_back, start) == (batches(range(2)), 1)
    assert (sink.held, stream.counts) == (batches(range(6)), Counts(gaps=1, replays=2))


def test_live_batches_during_a_replay_wait_for_its_end() -> None:
    """Those the replay brought too are applied once, the rest after it, in order."""
    sink = Sink()
    stream = Replaying(sink)
    stream.connected()
    stream.next_replay()

    stream.live(*batch(1))
    stream.live(*batch(2))
    for seq in range(2):
        stream.replayed(*batch(seq))
    stream.replay_ended()

    assert (sink.held, stream.wanted) == (batches(range(3)), False)


def test_a_lost_tail_is_found_at_reconnect() -> None:
    """Nothing live would tell of it; the replay from the last applied batch does."""
    stream, sink = joined(range(2))

    stream.connected()
    start = replay(stream, range(1, 4))

    assert (start, sink.held) == (1, batches(range(4)))
    assert stream.counts == Counts(replays=2)


def test_a_restart_is_recognised_by_content() -> None:
    """The same seq with another payload is another epoch: all is built anew."""
    stream, sink = joined(range(2))

    stream.connected()
    replay(stream, range(1, 5), epoch="b")
    start = replay(stream, range(5), epoch="b")

    assert (start, sink.held) == (0, batches(range(5), "b"))
    assert stream.counts == Counts(replays=2, restarts=1)


def test_a_restarted_engine_that_has_not_come_as_far_is_recognised() -> None:
    """No batch at the last applied seq means that it was another epoch's."""
    stream, sink = joined(range(5))

    stream.connected()
    replay(stream, [])
    replay(stream, range(2), epoch="b")

    assert (sink.held, stream.counts) == (batches(range(2), "b"), Counts(replays=2, restarts=1))


def test_a_seq_that_goes_back_is_checked() -> None:
    """Without a link event or the watch, a lower seq alone leads to the replay that tells."""
    stream, sink = joined(range(5))

    stream.live(*batch(0, "b"))
    replay(stream, [])
    replay(stream, range(1), epoch="b")

    assert (sink.held, stream.counts.restarts, stream.counts.gaps) == (batches([0], "b"), 1, 0)


def test_a_restart_that_the_watch_tells_first_is_counted_once() -> None:
    """The index is empty from then on, and is built anew."""
    stream, sink = joined(range(3))

    stream.told_restarts(1)
    emptied = list(sink.held)
    stream.connected()
    replay(stream, range(2), epoch="b")
    stream.told_restarts(1)

    assert (emptied, sink.held) == ([], batches(range(2), "b"))
    assert stream.counts == Counts(replays=2, restarts=1)


def test_a_restart_that_the_watch_tells_late_changes_nothing() -> None:
    """It was found by content before."""
    stream, sink = joined(range(3))
    stream.connected()
    replay(stream, [])
    replay(stream, range(2), epoch="b")

    stream.told_restarts(1)

    assert (sink.held, stream.wanted) == (batches(range(2), "b"), False)


def test_what_came_over_an_old_link_is_not_applied_to_a_new_epoch() -> None:
    """A reconnect drops what is held; the replay brings what still counts."""
    stream, sink = joined(range(3))
    stream.live(*batch(7))

    stream.connected()
    replay(stream, [])
    replay(stream, range(2), epoch="b")

    assert (sink.held, stream.wanted) == (batches(range(2), "b"), False)


def test_history_that_begins_later_is_taken_as_lost() -> None:
    """A joiner too late for the buffer indexes what there is, and says what it lacks."""
    stream, sink = joined(range(5, 8))

    stream.live(*batch(8))

    assert (sink.held, stream.counts) == (batches(range(5, 9)), Counts(replays=1, lost=5))


def test_history_that_no_longer_reaches_back_is_built_anew() -> None:
    """Nothing proves that it is still the same epoch, so nothing old is kept."""
    stream, sink = joined(range(3))

    stream.connected()
    replay(stream, range(6, 9))
    start = replay(stream, range(6, 9))

    assert (start, sink.held) == (0, batches(range(6, 9)))
    assert stream.counts == Counts(replays=2, lost=6)


def test_a_hole_in_a_replay_is_asked_for_once_more() -> None:
    """Replies are dropped at a high-water mark, without a word."""
    stream, sink = joined(range(2))
    stream.connected()

    replay(stream, [1, 2, 5, 6])
    start = replay(stream, range(2, 7))

    assert (start, sink.held) == (2, batches(range(7)))
    assert stream.counts.lost == 0


def test_a_hole_that_stays_is_taken_as_lost() -> None:
    """A batch that was numbered and never sent is in no buffer."""
    stream, sink = joined(range(2))
    stream.live(*batch(3))

    replay(stream, [1, 3])
    replay(stream, [1, 3])

    assert (sink.held, stream.wanted) == (batches([0, 1, 3]), False)
    assert stream.counts == Counts(gaps=1, replays=2, lost=1)


def test_a_failed_replay_is_wanted_again_from_where_it_came() -> None:
    """What was applied before the answers ceased stays applied."""
    stream, sink = joined(range(1))
    stream.connected()
    stream.next_replay()
    for seq in range(3):
        stream.replayed(*batch(seq))

    stream.replay_failed()
    start = replay(stream, range(2, 5))

    assert (start, sink.held) == (2, batches(range(5)))


def test_live_batches_are_applied_when_nobody_answers_replays() -> None:
    """After some failures a doubtful index is better than a stale one; it says what it lacks."""
    stream, sink = joined(range(1))
    stream.connected()
    for attempt in range(PATIENCE):
        stream.next_replay()
        stream.live(*batch(3 + attempt))
        stream.replay_failed()
    stream.live(*batch(3 + PATIENCE))

    doubtful = list(sink.held)
    lost = stream.counts.lost
    start = replay(stream, range(4 + PATIENCE))

    assert (doubtful, lost) == (batches([0, *range(3, 4 + PATIENCE)]), 2)
    assert (start, sink.held, stream.counts.lost) == (0, batches(range(4 + PATIENCE)), 0)


def test_what_is_held_back_is_bounded() -> None:
    """A replay that never ends cannot eat the memory."""
    stream, sink = joined(range(1))
    stream.connected()

    for seq in range(1, HOLD + 2):
        stream.live(*batch(seq))

    assert len(sink.held) == HOLD + 2
    assert stream.wanted


def test_a_link_that_comes_up_during_a_replay_starts_another() -> None:
    """The rest of the old one is not looked at."""
    stream, sink = joined(range(2))
    stream.connected()
    stream.next_replay()

    stream.connected()
    stream.replayed(*batch(9, "x"))
    stream.replay_ended()
    replay(stream, range(1, 3))

    assert (sink.held, stream.wanted) == (batches(range(3)), False)


def test_without_recovery_everything_is_applied_as_it_comes() -> None:
    """No replay, no held batch, no epoch: old blocks stay beside new ones."""
    sink = Sink()
    stream = Trusting(sink)

    stream.connected()
    for seq in (4, 5, 8):
        stream.live(*batch(seq))
    stream.told_restarts(1)
    stream.connected()
    stream.live(*batch(0, "b"))

    assert sink.held == [*batches([4, 5, 8]), *batches([0], "b")]
    assert (stream.wanted, stream.counts, stream.applied) == (False, Counts(gaps=1, lost=2), 0)
