"""The oracle: what an engine holds after its batches, and whether that is known."""

from __future__ import annotations

import weakref

import pytest

from kvchaos.index.names import BlockKey
from kvchaos.index.oracle import Expected, Holdings, Oracle
from kvchaos.kvevents.wire import AllBlocksCleared, Event, UnknownEvent
from tests.streams import CPU, ENGINE, GPU, OTHER, batch, removed, stored


def holdings_after(*events: Event) -> Holdings:
    holdings = Holdings(epoch=0, complete=True, reason="")
    holdings.apply(batch(*events), seq=0)
    return holdings


def test_stored_blocks_are_held_until_they_are_removed() -> None:
    """The order of events within a batch counts."""
    assert holdings_after(stored(1, 2), removed(1), stored(3)).expected() == Expected(
        {GPU: frozenset({2, 3})}, complete=True, head=0
    )


def test_a_block_stored_twice_stays_after_one_removal() -> None:
    """Engines tell of each physical copy; the block is gone with the last one."""
    copies = holdings_after(stored(1), stored(1), removed(1))

    assert copies.expected().blocks == {GPU: frozenset({1})}
    copies.apply(batch(removed(1)), seq=1)
    assert copies.expected() == Expected({}, complete=True, head=1)


def test_a_block_named_twice_in_one_event_has_two_copies() -> None:
    """Each name counts, wherever it stands; the copies go one by one."""
    copies = holdings_after(stored(1, 1, 2), stored(2, 1))

    held = []
    for seq in range(1, 5):
        copies.apply(batch(removed(1, 2)), seq=seq)
        held.append(copies.expected().blocks.get(GPU, frozenset()))

    assert held == [{1, 2}, {1}, set(), set()]
    assert (copies.stored, copies.unmatched) == (5, 3)


def test_blocks_that_are_partly_held_are_one_copy_more_of_each() -> None:
    """What is new is held, what was held stays after one removal."""
    copies = holdings_after(stored(1), stored(1, 2), removed(1, 2))

    assert copies.expected().blocks == {GPU: frozenset({1})}
    assert (copies.stored, copies.unmatched) == (3, 0)


def test_media_and_groups_hold_a_hash_each_for_itself() -> None:
    """A removal takes effect only in the medium and group that it names."""
    found = holdings_after(stored(1), stored(1, medium="CPU"), stored(1, group=2), removed(1))

    assert found.expected().blocks == {CPU: frozenset({1}), BlockKey("GPU", 2): frozenset({1})}


@pytest.mark.parametrize(
    ("event", "size"),
    [
        (stored(1, block_size=64), 64),
        (stored(1, medium=None, group=0, block_size=64), 64),
        (stored(1, medium="CPU", block_size=64), None),
        (stored(1, group=1, block_size=64), None),
        (removed(1), None),
    ],
)
def test_the_size_of_blocks_is_that_of_the_first_stored_in_the_engines_own_cache(
    event: Event, size: int | None
) -> None:
    """Other media and further groups have sizes of their own, which prompts need not fill."""
    found = holdings_after(event)

    assert found.block_size == size
    found.apply(batch(stored(2, block_size=32)), seq=1)
    assert found.block_size == (size or 32)


def test_an_event_without_a_medium_means_the_gpu() -> None:
    """Engines before media existed have blocks nowhere else."""
    assert holdings_after(stored(1, medium=None)).expected().blocks == {GPU: frozenset({1})}


def test_hashes_are_compared_as_unsigned_64_bit_numbers() -> None:
    """Signed and bytes hashes of one block are the same block."""
    found = holdings_after(stored(-1), stored(b"\x00" * 24 + b"\xff" * 8))

    assert found.expected().blocks == {GPU: frozenset({2**64 - 1})}


def test_clearing_takes_all_media() -> None:
    """After AllBlocksCleared the engine holds nothing."""
    cleared = holdings_after(stored(1), stored(2, medium="CPU"), AllBlocksCleared())

    assert cleared.expected() == Expected({}, complete=True, head=0)


def test_what_cannot_be_taken_in_is_counted() -> None:
    """A removal without a block and an event of a later version change nothing."""
    found = holdings_after(stored(1, 2), removed(7), UnknownEvent("BlockMoved"))

    assert (found.stored, found.unmatched, found.unknown) == (2, 1, 1)
    assert found.expected().blocks == {GPU: frozenset({1, 2})}


def test_a_run_is_taken_as_each_of_its_batches() -> None:
    """In order; blocks of the same hash in another place, or after a clearing, are others."""
    events = [
        (stored(1, 2), stored(3, medium="CPU")),
        (stored(4, group=1), removed(2), stored(5, medium="CPU")),
        (AllBlocksCleared(), stored(6, medium="CPU"), stored(7, 1)),
        (stored(7, medium=None), stored(8, 8)),
    ]
    run, each = holdings_after(), holdings_after()

    assert run.run([batch(*one) for one in events], seq=1) == 4
    for seq, one in enumerate(events, 1):
        each.apply(batch(*one), seq=seq)

    assert run == each
    assert run.expected() == Expected(
        {GPU: frozenset({1, 7, 8}), CPU: frozenset({6})}, complete=True, head=4
    )


@pytest.mark.parametrize("odd", [removed(9), UnknownEvent("BlockMoved")])
def test_a_run_ends_with_what_makes_a_complete_engine_doubtful(odd: Event) -> None:
    """Whoever feeds it says so first; then all the rest is taken."""
    found = holdings_after()
    batches = [batch(stored(1)), batch(odd), batch(odd), batch(stored(2))]

    assert found.run(batches, seq=1) == 2
    assert found.head == 2
    found.complete = False
    assert found.run(batches[2:], seq=3) == 2
    assert found.head == 4


def test_engines_are_kept_apart() -> None:
    """Each engine has its own blocks, epoch and head."""
    oracle = Oracle()
    oracle.begin(ENGINE, epoch=0, complete=True)
    oracle.begin(OTHER, epoch=3, complete=False, reason="began at seq 9")

    oracle.apply(ENGINE, batch(stored(1)), seq=4)
    oracle.apply(OTHER, batch(stored(1), removed(1)), seq=9)

    assert oracle.expected() == {
        ENGINE: Expected({GPU: frozenset({1})}, complete=True, epoch=0, head=4),
        OTHER: Expected({}, complete=False, reason="began at seq 9", epoch=3, head=9),
    }


def test_an_epoch_begins_with_nothing() -> None:
    """What the engine held in its life before is gone."""
    oracle = Oracle()
    oracle.begin(ENGINE, epoch=0, complete=True)
    oracle.apply(ENGINE, batch(stored(1)), seq=0)

    oracle.begin(ENGINE, epoch=1, complete=True)

    assert oracle.expected() == {ENGINE: Expected({}, complete=True, epoch=1)}


def test_the_first_reason_for_being_incomplete_stays() -> None:
    """The cause is told, not what followed from it; only a new epoch is complete again."""
    oracle = Oracle()
    oracle.begin(ENGINE, epoch=0, complete=True)

    oracle.incomplete(ENGINE, "batch 3 is lost")
    oracle.incomplete(ENGINE, "batch 9 is lost")

    assert oracle.expected() == {ENGINE: Expected({}, complete=False, reason="batch 3 is lost")}


def test_a_pod_that_is_forgotten_takes_all_its_ranks_along() -> None:
    """Other pods stay, and the pod may come again with another uid."""
    oracle = Oracle()
    for engine in (ENGINE, ENGINE._replace(rank=1), OTHER):
        oracle.begin(engine, epoch=0, complete=True)

    oracle.forget(ENGINE.uid)

    assert list(oracle.expected()) == [OTHER]
    assert oracle.holdings(ENGINE) is None


def test_what_was_asked_for_does_not_change_later() -> None:
    """An answer is a copy: comparing takes its time while batches come in."""
    oracle = Oracle()
    oracle.begin(ENGINE, epoch=0, complete=True)
    oracle.apply(ENGINE, batch(stored(1)), seq=0)
    before = oracle.expected()

    oracle.apply(ENGINE, batch(stored(2)), seq=1)

    assert before[ENGINE].blocks == {GPU: frozenset({1})}


def test_the_same_answer_is_given_again_while_nothing_changes() -> None:
    """A quiet engine costs neither a copy nor a second comparison."""
    holdings = holdings_after(stored(1))
    first = holdings.expected()

    assert holdings.expected() is first
    holdings.complete, holdings.reason = False, "cut"
    second = holdings.expected()
    assert second == Expected({GPU: frozenset({1})}, False, "cut", head=0)
    holdings.apply(batch(stored(2)), seq=0)
    assert holdings.expected().blocks == {GPU: frozenset({1, 2})}


def test_an_answer_that_nobody_has_any_more_is_not_kept() -> None:
    """The oracle alone keeps what it knows only once."""
    holdings = holdings_after(stored(1))
    first = weakref.ref(holdings.expected())

    assert first() is None
    assert holdings.expected().blocks == {GPU: frozenset({1})}
