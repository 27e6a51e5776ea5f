"""What a tracker makes of live messages, replays, losses and restarts."""

from __future__ import annotations

import pytest

from kvchaos.kvevents.frames import Message
from kvchaos.kvevents.sequence import LAST, Tracker
from kvchaos.kvevents.steps import APPLY, DUPLICATE, HELD, Kind, Step


def message(seq: int, life: str = "a") -> Message:
    """The batch ``seq`` of one life of the publisher; other lives have other payloads."""
    return Message(b"", seq, f"{life}{seq}".encode())


def messages(*seqs: int, life: str = "a") -> tuple[Message, ...]:
    return tuple(message(seq, life) for seq in seqs)


def fed(*seqs: int, hold: int = 100, window: int = 100, tries: int = 2) -> Tracker:
    """A tracker that has seen the live messages ``seqs``."""
    tracker = Tracker(hold=hold, window=window, tries=tries)
    for seq in seqs:
        tracker.live(message(seq))
    return tracker


def counts(tracker: Tracker) -> dict[str, int]:
    names = ("epoch", "next", "gaps", "duplicates", "restarts", "lost")
    return {name: value for name in names if (value := getattr(tracker, name))}


def test_live_messages_in_order_are_applied_at_once() -> None:
    """The common case: nothing is missing, nothing is held."""
    tracker = Tracker()

    steps = [tracker.live(message(seq)) for seq in range(3)]

    assert steps == [APPLY] * 3
    assert (tracker.complete, counts(tracker)) == (True, {"next": 3})


def frames(*seqs: int) -> list[tuple[bytes, bytes]]:
    """The seq frame and the payload of each."""
    return [(seq.to_bytes(8, "big"), message(seq).payload) for seq in seqs]


def test_a_run_of_the_next_messages_is_taken_as_one() -> None:
    """As if each had come alone: they are remembered, and the next one is awaited."""
    tracker = fed(0, 1)

    assert tracker.run(frames(2, 3, 4))

    assert counts(tracker) == {"next": 5}
    assert tracker.live(message(3)) == DUPLICATE
    assert tracker.live(message(4, "b")).kind is Kind.RESTART


@pytest.mark.parametrize(
    "run",
    [
        frames(2, 4),
        frames(1, 2),
        frames(3, 2),
        [(b"\x02", b"a2")],
        [*frames(2), (b"", b"a3")],
    ],
)
def test_what_is_no_run_changes_nothing(run: list[tuple[bytes, bytes]]) -> None:
    """It is for ``live`` to say what each is."""
    tracker = fed(0, 1)

    assert not tracker.run(run)

    assert counts(tracker) == {"next": 2}


def test_nothing_is_taken_as_a_run_while_a_replay_is_under_way() -> None:
    """It may be of another life."""
    tracker = fed(0, 1)
    tracker.check()

    assert not tracker.run(frames(2))


def test_the_end_marker_is_in_no_run() -> None:
    """A history that begins right before it is none, but nothing that comes in may raise."""
    tracker = Tracker(tries=1)
    tracker.check()
    tracker.replayed(Message(b"", LAST - 2, b"x"))
    tracker.replay_ended()
    before, marker = ((LAST - 1).to_bytes(8, "big"), b"x"), (b"\xff" * 8, b"x")

    assert not tracker.run([before, marker])
    assert not tracker.run([before, marker, marker])
    assert tracker.run([before])
    assert not tracker.run([marker])


def test_start_asks_for_all_history() -> None:
    """What an engine published before we came counts as much as what comes now."""
    tracker = Tracker()

    assert tracker.check() == Step(Kind.ASK, ask=0)
    assert (tracker.asking, tracker.complete) == (True, False)
    assert tracker.live(message(2)) == HELD
    assert [tracker.replayed(one) for one in messages(0, 1, 2)] == [APPLY] * 3
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.live(message(3)) == APPLY
    assert (tracker.complete, counts(tracker)) == (True, {"next": 4})


def test_engine_without_history_is_complete() -> None:
    """A replay of nothing from 0 on says that nothing was published."""
    tracker = Tracker()
    tracker.check()

    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.complete


def test_gap_asks_from_the_last_applied_inclusive_and_holds_back() -> None:
    """That one's payload will tell whether the publisher is still the same."""
    tracker = fed(0, 1)

    assert tracker.live(message(4)) == Step(Kind.GAP, ask=1, missing=range(2, 4))
    assert tracker.live(message(5)) == HELD
    assert [tracker.replayed(one) for one in messages(1, 2, 3)] == [DUPLICATE, APPLY, APPLY]
    assert tracker.replay_ended() == Step(Kind.REPLAYED, messages(4, 5))
    assert (tracker.complete, counts(tracker)) == (True, {"next": 6, "gaps": 1})


def test_replay_that_is_faster_than_live_leaves_duplicates() -> None:
    """What was replayed and then read live is applied once."""
    tracker = fed(0, 3)
    for one in messages(0, 1, 2, 3, 4):
        tracker.replayed(one)
    tracker.replay_ended()

    assert tracker.live(message(4)) == DUPLICATE
    assert tracker.live(message(5)) == APPLY
    assert counts(tracker) == {"next": 6, "gaps": 1, "duplicates": 1}


def test_same_live_message_twice_is_a_duplicate() -> None:
    """Going back alone is no restart: the content decides."""
    tracker = fed(0, 1, 2)

    assert tracker.live(message(1)) == DUPLICATE
    assert counts(tracker) == {"next": 3, "duplicates": 1}


def test_held_message_twice_is_a_duplicate() -> None:
    """Also of messages that wait for a replay the content is known."""
    tracker = fed(0, 5)

    assert tracker.live(message(5)) == DUPLICATE


def test_duplicate_that_is_no_longer_remembered() -> None:
    """A live seq that grows but was replayed long ago is the link's backlog, not a restart."""
    tracker = Tracker(window=2)
    tracker.check()
    for one in messages(0, 1, 2, 3, 4):
        tracker.replayed(one)
    tracker.replay_ended()

    assert tracker.live(message(0)) == DUPLICATE
    assert tracker.live(message(4)) == DUPLICATE
    assert counts(tracker) == {"next": 5, "duplicates": 2}


def test_first_message_of_a_new_life_is_a_restart() -> None:
    """Seq 0 with another content: everything known so far is void."""
    tracker = fed(0, 1, 2)

    assert tracker.live(message(0, "b")) == Step(Kind.RESTART, messages(0, life="b"))
    assert tracker.live(message(1, "b")) == APPLY
    assert (tracker.complete, counts(tracker)) == (True, {"epoch": 1, "next": 2, "restarts": 1})


def test_first_message_of_a_new_life_does_not_end_a_check() -> None:
    """It may be of a life in between that has ended as well, so the replay is still needed."""
    tracker = fed(0)
    tracker.check()

    assert tracker.live(message(0, "b")) == Step(Kind.RESTART, messages(0, life="b"), ask=0)
    assert tracker.live(message(1, "c")) == HELD
    assert tracker.replayed(message(0, "c")) == Step(Kind.RESTART, ask=0)
    assert [tracker.replayed(message(seq, "c")) for seq in (0, 1)] == [APPLY] * 2
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, counts(tracker)) == (True, {"epoch": 2, "next": 2, "restarts": 2})


def test_later_message_of_a_new_life_asks_from_zero() -> None:
    """Its first batches were missed, but it may still have them."""
    tracker = fed(0, 1, 2)

    assert tracker.live(message(1, "b")) == Step(Kind.RESTART, ask=0, missing=range(1))
    assert tracker.replayed(message(0, "b")) == APPLY
    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    assert [tracker.replayed(message(seq, "b")) for seq in (0, 1)] == [DUPLICATE, APPLY]
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.complete


def test_live_seq_that_goes_back_beyond_memory_is_a_restart() -> None:
    """One connection brings growing seqs; what breaks that and is unknown is another life."""
    tracker = fed(*range(5), window=2)

    assert tracker.live(message(1)).kind is Kind.RESTART


def test_new_life_that_is_ahead_of_the_old_one() -> None:
    """It has more batches than we knew of the old one, so only the content can tell."""
    tracker = fed(0, 1)

    assert tracker.live(message(7, "b")).kind is Kind.GAP
    assert tracker.replayed(message(1, "b")) == Step(Kind.RESTART, ask=0)
    assert [tracker.replayed(one) for one in messages(0, 1, life="b")] == [APPLY] * 2
    assert counts(tracker) == {"epoch": 1, "next": 2, "gaps": 1, "restarts": 1}


def test_new_life_that_goes_on_at_the_same_seq() -> None:
    """After a reconnect nothing live looks wrong; the replay that is asked for then tells."""
    tracker = fed(0, 1)

    assert tracker.check() == Step(Kind.ASK, ask=1)
    assert tracker.live(message(2, "b")) == HELD
    assert tracker.replayed(message(1, "b")) == Step(Kind.RESTART, ask=0)


def test_new_life_that_is_behind_the_old_one() -> None:
    """Its history ends before the batch that was applied last, so that is not its batch."""
    tracker = fed(0, 1, 2)
    tracker.check()
    tracker.replayed(message(2))
    tracker.check()

    assert tracker.replay_ended() == Step(Kind.RESTART, ask=0)
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, counts(tracker)) == (True, {"epoch": 1, "restarts": 1})


def test_history_that_was_always_empty_does_not_say_that_nothing_was_published() -> None:
    """Another life without batches, or the same one that keeps none: the next batch tells."""
    tracker = fed(0)
    tracker.check()

    assert tracker.replay_ended() == Step(Kind.RESTART, ask=0)
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.reason == "the publisher's history does not hold what came from it"
    assert tracker.live(message(0, "b")) == APPLY
    assert tracker.complete


def test_a_publisher_is_unheard_until_a_replay_brings_something_or_nothing() -> None:
    """What it sends live does not say if it keeps a history."""
    silent, keeping = fed(0), fed(0)
    before = (silent.unheard, keeping.unheard)
    for tracker in (silent, keeping):
        tracker.check()
    asked = (silent.unheard, keeping.unheard)

    keeping.replayed(message(0))
    silent.replay_ended()

    assert (before, asked) == ((True, True), (True, True))
    assert (silent.unheard, keeping.unheard) == (False, False)


def test_what_was_held_of_an_old_life_goes_with_it() -> None:
    """A replay shows another batch at the seq that was applied last: so what came live before it
    is of the life before.
    """
    tracker = fed(0)
    tracker.check()
    tracker.live(message(2))

    assert tracker.replayed(message(0, "b")) == Step(Kind.RESTART, ask=0)
    assert [tracker.replayed(message(seq, "b")) for seq in (0, 1)] == [APPLY] * 2
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, tracker.next) == (True, 2)


def test_restart_known_from_elsewhere() -> None:
    """A container's restart count says it before any batch does."""
    tracker = fed(0, 1, 2)

    assert tracker.restart() == Step(Kind.RESTART, ask=0)
    assert counts(tracker) == {"epoch": 1, "restarts": 1}


def test_held_and_replayed_contents_that_differ_are_a_restart() -> None:
    """They are of two lives; the replay from 0 that follows tells which one is now."""
    tracker = fed(0, 3)
    tracker.replayed(message(0))

    assert tracker.replayed(message(3, "b")) == Step(Kind.RESTART, ask=0)


def test_history_that_begins_too_late_is_lost() -> None:
    """Joining an engine whose buffer no longer reaches back to its first batch."""
    tracker = Tracker()
    tracker.check()

    assert tracker.replayed(message(4)) == Step(Kind.LOST, messages(4), missing=range(4))
    assert tracker.replayed(message(5)) == APPLY
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, counts(tracker)) == (False, {"next": 6, "lost": 4})
    assert tracker.reason == "batches 0 to 3: the publisher has them no more"


def test_history_that_begins_just_behind_the_last_applied_proves_nothing() -> None:
    """Nothing is missing by number, but it may be another life; so the epoch is incomplete."""
    tracker = fed(0, 1)
    tracker.check()

    assert tracker.replayed(message(2)) == Step(Kind.LOST, messages(2), missing=range(2, 2))
    assert not tracker.complete
    assert tracker.reason.startswith("the publisher's history begins too late")


def test_what_is_held_does_not_hide_that_nothing_is_proven() -> None:
    """It leaves no hole, but it may be of another life than what was applied, like the reply."""
    tracker = fed(0)
    tracker.check()
    for one in messages(1, 2, life="b"):
        tracker.live(one)

    lost = Step(Kind.LOST, messages(1, 2, life="b"), missing=range(1, 2))

    assert tracker.replayed(message(2, "b")) == lost
    assert tracker.reason.startswith("the publisher's history begins too late")
    assert (tracker.whole, counts(tracker)) == (False, {"next": 3})


def joining(*held: int, asked_first: bool = True) -> Tracker:
    """A tracker at its start, to which these live messages came after, or before, its request."""
    tracker = Tracker(tries=1)
    tracker.check()
    for seq in held:
        tracker.live(message(seq))
    if not asked_first:
        tracker.check()
    return tracker


def test_what_is_held_at_the_start_waits_until_a_replay_brings_it() -> None:
    """Then it is of the life that is replayed, and so is what came after it."""
    tracker = joining(1, 2)
    tracker.replayed(message(0))

    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    assert [tracker.replayed(one) for one in messages(0, 1)] == [DUPLICATE, APPLY]
    assert tracker.replay_ended() == Step(Kind.REPLAYED, messages(2))
    assert tracker.complete


def test_what_is_held_of_a_dead_life_is_not_put_behind_the_new_one() -> None:
    """Its seq would fit; but what was there before the request and is not replayed is not of it."""
    tracker = joining(1, asked_first=False)
    tracker.replayed(message(0, "b"))

    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    assert tracker.replayed(message(0, "b")) == DUPLICATE
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.live(message(1, "b")) == APPLY
    assert (tracker.complete, counts(tracker)) == (True, {"next": 2})


def test_first_batch_that_comes_while_an_empty_history_is_replayed() -> None:
    """It was published after the request was served, so it takes another one."""
    tracker = joining(0)

    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    assert tracker.replayed(message(0)) == APPLY
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.complete


def test_gap_is_seen_as_one_after_what_was_held_of_a_dead_life_is_dropped() -> None:
    """The seqs of the dead life no longer count: a smaller one does not go back."""
    tracker = joining(5, asked_first=False)
    tracker.replayed(message(0, "b"))
    tracker.replay_ended()
    tracker.replayed(message(0, "b"))
    tracker.replay_ended()

    assert tracker.live(message(3, "b")) == Step(Kind.GAP, ask=0, missing=range(1, 3))


def test_what_is_held_of_two_lives_is_told_apart() -> None:
    """What came after the request may be of the present life: one more replay will tell."""
    tracker = joining(1)
    tracker.replayed(message(0, "b"))
    tracker.replay_ended()
    tracker.live(message(2, "b"))
    tracker.replayed(message(0, "b"))

    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    assert [tracker.replayed(message(seq, "b")) for seq in (0, 1, 2)] == [DUPLICATE, APPLY, APPLY]
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, counts(tracker)) == (True, {"next": 3})


def test_what_is_held_of_a_dead_life_fills_no_hole_in_a_replay() -> None:
    """It is asked for instead; what the present life cannot give is lost."""
    tracker = joining(1, 2)
    tracker.replayed(message(0, "b"))

    assert tracker.replayed(message(3, "b")) == Step(Kind.ASK, ask=0, missing=range(1, 3))
    tracker.replayed(message(0, "b"))
    assert tracker.replayed(message(3, "b")).kind is Kind.LOST
    assert tracker.reason == "the publisher has them no more"


def test_publisher_that_never_shows_anything_is_not_complete() -> None:
    """It published, and replays nothing from 0 on: a buffer of 0. So its silence says nothing."""
    tracker = joining(4, asked_first=False)
    absent = "the publisher's history does not hold what came from it"

    assert tracker.replay_ended() == Step(Kind.LOST, messages(4), missing=range(4))
    assert tracker.reason == absent
    tracker.check()
    assert tracker.replay_ended() == Step(Kind.RESTART, ask=0)
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, tracker.reason) == (False, absent)
    tracker.live(message(0, "b"))
    assert (tracker.complete, tracker.reason) == (True, "")


def test_publisher_that_showed_something_once_has_nothing_when_it_shows_nothing() -> None:
    """Then what is held is of the life before."""
    tracker = fed(0)
    tracker.check()
    tracker.replayed(message(0))
    tracker.live(message(1))

    assert tracker.check() == Step(Kind.ASK, ask=0)
    assert tracker.replay_ended() == Step(Kind.RESTART, ask=0)
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.live(message(0, "b")) == APPLY
    assert (tracker.complete, counts(tracker)) == (True, {"epoch": 1, "next": 1, "restarts": 1})


def test_what_is_held_when_the_history_turns_out_to_be_shorter_is_kept() -> None:
    """It may be of the new life; its replay tells."""
    tracker = fed(0, 1)
    tracker.check()
    tracker.live(message(2, "b"))

    assert tracker.replay_ended() == Step(Kind.RESTART, ask=0)
    assert tracker.live(message(2, "b")) == DUPLICATE
    assert [tracker.replayed(message(seq, "b")) for seq in (0, 1, 2)] == [APPLY] * 3
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert tracker.complete


def test_replies_left_out_are_asked_for_once_more() -> None:
    """A ROUTER drops replies at its high-water mark; they are still to be had."""
    tracker = Tracker()
    tracker.check()
    tracker.replayed(message(0))

    assert tracker.replayed(message(3)) == Step(Kind.ASK, ask=0, missing=range(1, 3))
    assert [tracker.replayed(one) for one in messages(0, 1)] == [DUPLICATE, APPLY]


def test_replies_left_out_again_are_lost() -> None:
    """A batch that vLLM failed to send is in no buffer: a hole for ever."""
    tracker = fed(0)
    tracker.check()
    tracker.replayed(message(0))

    assert tracker.replayed(message(2)) == Step(Kind.LOST, messages(2), missing=range(1, 2))
    assert counts(tracker) == {"next": 3, "lost": 1}


def test_replies_left_out_may_be_held() -> None:
    """What came live fills the hole in a replay."""
    tracker = fed(0)
    tracker.check()
    for one in messages(1, 2):
        tracker.live(one)
    tracker.replayed(message(0))

    assert tracker.replayed(message(2)) == Step(Kind.DUPLICATE, messages(1, 2))
    assert tracker.replay_ended() == Step(Kind.REPLAYED)


def test_hole_before_held_messages_is_lost() -> None:
    """Held messages before the late beginning of the history are not lost with the rest."""
    tracker = fed(0, 3)

    lost = Step(Kind.LOST, messages(3, 5), missing=range(1, 5))

    assert tracker.replayed(message(5)) == lost
    assert counts(tracker) == {"next": 6, "gaps": 1, "lost": 3}


def test_reply_that_is_held_itself() -> None:
    """The history begins at a message that came live: it is applied once."""
    tracker = fed(0, 3)
    tracker.live(message(4))

    assert tracker.replayed(message(4)) == Step(Kind.LOST, messages(3, 4), missing=range(1, 4))
    assert counts(tracker) == {"next": 5, "gaps": 1, "lost": 2}


def test_what_came_before_the_request_and_is_not_in_its_replay_is_lost() -> None:
    """A replay has all that was published before it, or it is had no more."""
    tracker = fed(0, 2)
    tracker.replayed(message(0))

    assert tracker.replay_ended() == Step(Kind.LOST, messages(2), missing=range(1, 2))
    assert counts(tracker) == {"next": 3, "gaps": 1, "lost": 1}


def test_what_came_after_the_request_may_need_another_one() -> None:
    """The replay may have been served before the batches that are missing were published."""
    tracker = fed(0)
    tracker.check()
    tracker.live(message(4))
    tracker.live(message(6))
    tracker.replayed(message(0))

    assert tracker.replay_ended() == Step(Kind.ASK, ask=0)
    for one in messages(0, 1, 2, 3):
        tracker.replayed(one)
    assert tracker.replay_ended() == Step(Kind.LOST, messages(4, 6), missing=range(5, 6))


def test_too_many_held_messages_are_replayed_instead() -> None:
    """Memory is bounded; what it cannot hold, the publisher still has."""
    tracker = fed(0, 2, 3, 4, hold=2)
    for one in messages(0, 1, 2):
        tracker.replayed(one)

    assert tracker.replay_ended() == Step(Kind.ASK, ask=2)
    for one in messages(2, 3, 4):
        tracker.replayed(one)
    assert tracker.replay_ended() == Step(Kind.REPLAYED)
    assert (tracker.complete, tracker.next) == (True, 5)


def test_silence_is_asked_again_and_then_given_up() -> None:
    """Unproven is not complete: going on without an answer is said."""
    tracker = fed(0, tries=2)
    tracker.check()

    assert tracker.replay_failed() == Step(Kind.ASK, ask=0, missing=range(1, 1))
    assert tracker.replay_failed() == Step(Kind.LOST, missing=range(1, 1))
    assert tracker.live(message(1)) == APPLY
    assert tracker.reason == "the publisher did not answer a replay"


def test_silence_after_progress_is_not_held_against_the_publisher() -> None:
    """Tries count only while nothing comes."""
    tracker = Tracker(tries=2)
    tracker.check()
    steps = []
    for seq in range(3):
        tracker.replayed(message(seq))
        steps.append(tracker.replay_failed())

    assert [step.ask for step in steps] == [0, 1, 2]
    assert tracker.replay_failed().kind is Kind.LOST


def test_gap_that_nobody_fills_is_lost() -> None:
    """An engine without a replay port: what was missed stays missing."""
    tracker = fed(0, 3, tries=1)

    assert tracker.replay_failed() == Step(Kind.LOST, messages(3), missing=range(1, 3))
    tracker.check()
    assert tracker.replayed(message(2)) == DUPLICATE
    assert counts(tracker) == {"next": 4, "gaps": 1, "lost": 2}
    assert tracker.reason == "batches 1 to 2: the publisher did not answer a replay"


def test_answer_that_comes_later_makes_silence_good() -> None:
    """If in the end nothing is missing, the epoch is complete again."""
    tracker = fed(0, tries=1)
    tracker.check()
    tracker.replay_failed()
    tracker.check()
    tracker.replayed(message(0))
    tracker.replay_ended()

    assert tracker.complete


def test_what_was_taken_on_trust_is_begun_anew_once_there_is_an_answer() -> None:
    """Without a replay nobody can tell that it was all of one life, whatever its seqs."""
    trusting = [joining(0, 1), joining(0, 1)]
    for tracker in trusting:
        assert tracker.replay_failed() == Step(Kind.LOST, messages(0, 1), missing=range(2, 2))
        assert tracker.live(message(2)) == APPLY
        assert tracker.reason == "the publisher did not answer a replay"
        tracker.check()

    assert trusting[0].replayed(message(2)) == Step(Kind.RESTART, ask=0)
    assert trusting[1].replay_ended() == Step(Kind.RESTART, ask=0)


def test_first_loss_of_an_epoch_is_its_reason_until_the_next_epoch() -> None:
    """Nothing but a new life makes up for what is gone."""
    tracker = fed(0, 2, tries=1)
    tracker.replay_failed()
    tracker.live(message(5))
    tracker.replay_failed()
    reason = tracker.reason
    tracker.check()
    tracker.replayed(message(5))
    tracker.replay_ended()

    assert reason == tracker.reason == "batches 1 to 1: the publisher did not answer a replay"
    tracker.live(message(0, "b"))
    assert tracker.complete


def test_replies_that_nobody_asked_for_are_dropped() -> None:
    """Nothing is under way, so they say nothing."""
    tracker = fed(0)

    assert tracker.replayed(message(1)) == DUPLICATE
    assert tracker.replay_ended() == DUPLICATE
    assert tracker.replay_failed() == DUPLICATE
    assert tracker.next == 1
