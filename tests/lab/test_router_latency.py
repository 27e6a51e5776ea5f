"""The reference router beside a benchmark's engine: what it notes and what a client is told."""

from __future__ import annotations

import pytest

from kvchaos.bench.feeding import CLOCK
from kvchaos.bench.publishing import engines
from kvchaos.bench.routing import routed
from kvchaos.clock import poll

pytestmark = pytest.mark.lab

BATCHES = 10


def test_a_router_notes_each_batch_after_it_was_sent_and_before_a_client_is_told() -> None:
    """All of them on one clock, the router and the engine being processes of their own."""
    with engines(seed=7, pace=0.005) as found, routed(found) as router:
        before = router.seen()
        found.go()
        head, _ = poll(
            router.head,
            lambda seq: seq is not None and seq >= BATCHES,
            timeout=20,
            every=0.001,
            clock=CLOCK,
        )
        told = CLOCK.now()
        seen, sent = router.seen(), found.sent()

    assert before == []
    assert head is not None
    assert len(seen) > head >= BATCHES
    assert seen == sorted(seen)
    assert [at for at in seen[: head + 1] if at > told] == []
    assert [n for n, (at, left) in enumerate(zip(seen, sent, strict=False)) if at < left] == []
