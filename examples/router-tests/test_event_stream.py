"""An index of your own, fed with an engine's events: no cluster is needed."""

from __future__ import annotations

from kvchaos.kvevents.wire import BlockRemoved, BlockStored, decode, hashes
from kvchaos.pytest.events import EventGenerator


class Index:
    """A router's index of one engine, as small as can be: put yours in its place."""

    def __init__(self) -> None:
        self.blocks: set[int] = set()

    def apply(self, payload: bytes) -> None:
        """Take in one batch as it came over the wire."""
        for event in decode(payload).events:
            if isinstance(event, BlockStored):
                self.blocks.update(hashes(event))
            elif isinstance(event, BlockRemoved):
                self.blocks.difference_update(hashes(event))
            else:
                self.blocks.clear()


def test_an_index_holds_what_the_engine_caches(kv_events: EventGenerator) -> None:
    """After every batch, through stores, evictions and resets."""
    index = Index()

    for payload in kv_events.payloads(500):
        index.apply(payload)

        assert index.blocks == kv_events.held()
