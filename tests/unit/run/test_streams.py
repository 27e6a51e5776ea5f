"""What a probe tells of the engines' event streams."""

from __future__ import annotations

import pytest

from kvchaos.index.names import BlockKey
from kvchaos.index.oracle import Expected
from kvchaos.run.streams import event_stream
from tests.run_world import A, Made

BLOCKS = {BlockKey("GPU", None): frozenset({1, 2}), BlockKey("CPU", None): frozenset({3})}


@pytest.mark.parametrize(("complete", "reason"), [(True, ""), (False, "a gap was not replayed")])
def test_each_engines_stream_is_told_with_its_blocks(
    made: Made, complete: bool, reason: str
) -> None:
    """All are complete, or it says who is not, and why."""
    world = made()
    world.observer.known = [{A: Expected(BLOCKS, complete, reason, epoch=2, head=7)}]

    answer = event_stream(world.run)

    told = {"epoch": 2, "head": 7, "complete": complete, "reason": reason, "blocks": 3}
    assert answer == {
        "complete": complete,
        "engines": {"a/0": told},
        "observer": world.observer.status(),
    }


def test_without_an_engine_nothing_is_known_to_be_complete(made: Made) -> None:
    """No stream is no complete stream."""
    world = made()
    world.observer.known = [{}]

    assert event_stream(world.run)["complete"] is None
