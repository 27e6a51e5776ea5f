"""How long a batch took to be visible: when each was first seen, and what is made of that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kvchaos.bench.routing import Rank, Seen, is_ready
from kvchaos.bench.suites.latency import BATCHES, LIMIT, figures, visible
from kvchaos.errors import KVChaosError
from tests.scripted import FakeClock


def test_a_batch_is_seen_at_the_first_look_that_finds_it() -> None:
    """Several at once if they came between two looks; nothing before the first."""
    clock = FakeClock()
    seen = Seen(clock)

    for head in (None, 0, 0, 3):
        seen.look(head)
        clock.sleep(1)

    assert seen.at == [101.0, 103.0, 103.0, 103.0]


def test_an_index_that_was_built_anew_is_no_news() -> None:
    """What was visible once has its moment."""
    clock = FakeClock()
    seen = Seen(clock)

    for head in (1, None, 0, 2):
        seen.look(head)
        clock.sleep(1)

    assert seen.at == [100.0, 100.0, 103.0]


def test_an_index_is_looked_at_until_all_batches_are_visible() -> None:
    """Here ten more at each look."""
    heads: Iterator[int] = iter(range(9, 10_000, 10))

    seen = visible(lambda: next(heads), 0.5, FakeClock())

    assert len(seen) == BATCHES
    assert seen[0] == 100.0
    assert seen[-1] == pytest.approx(100.0 + (BATCHES / 10 - 1) * 0.5)


def test_batches_that_never_come_are_waited_for_so_long_and_told() -> None:
    """A percentile of those that came would be a lie."""
    clock = FakeClock()

    def head() -> int:
        clock.sleep(1)
        return 4

    seen = visible(head, 0.5, clock)

    assert clock.now() <= 100.0 + LIMIT + 2
    with pytest.raises(KVChaosError, match=rf"wanted {BATCHES} seen.*5"):
        figures([0.0] * 5, seen)


def test_figures_are_of_each_batch_s_own_sending_and_of_the_first_ones_alone() -> None:
    """In milliseconds; more were sent and seen meanwhile."""
    sent = [float(number) for number in range(BATCHES + 9)]
    took = [0.001 * (1 + number % 100) for number in range(BATCHES)] + [5.0]
    seen = [left + more for left, more in zip(sent, took, strict=False)]

    assert figures(sent, seen) == pytest.approx({"p50": 50, "p95": 95, "p99": 99})


@pytest.mark.parametrize(
    ("rank", "ready"),
    [
        (None, False),
        (Rank(connected=False, seq=None, replays=1), False),
        (Rank(connected=True, seq=None, replays=0), False),
        (Rank(connected=True, seq=None, replays=1), True),
    ],
)
def test_a_router_is_ready_when_its_first_replay_is_over(rank: Rank | None, *, ready: bool) -> None:
    """Until then it keeps live batches back, which would be counted as latency."""
    assert is_ready(rank) is ready
