"""The engines of a test's run, asked for completions one at a time, off the faulted links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kvchaos.index.names import EngineId
from kvchaos.pytest.answer import Answer
from kvchaos.run import requests, streams
from kvchaos.run.session import Run

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Engine:
    """One rank of an engine's pod."""

    name: str
    uid: str
    rank: int
    run: Run

    def prompt(self, blocks: int = 8) -> list[int]:
        """Send it a new prompt of so many blocks; returns its token ids.

        Raises ``EngineUnreachable`` without an answer.
        """
        return requests.ask_engine(self.run, EngineId(self.name, self.uid, self.rank), blocks)


@dataclass(frozen=True, slots=True)
class Engines:
    """Those that the observer follows now; iterating gives each rank of each."""

    run: Run

    def __iter__(self) -> Iterator[Engine]:
        followed = sorted(self.run.observer.engines())
        return iter([Engine(each.pod, each.uid, each.rank, self.run) for each in followed])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, number: int) -> Engine:
        return list(self)[number]

    def warm(
        self, prefixes: int = 4, blocks: int = 8, *, visible_within: float | None = None
    ) -> Json:
        """Give each so many new prompts of so many blocks; returns the seq that each published.

        Raises when one publishes nothing within 20 s, or, with ``visible_within`` seconds, when
        the router's index does not agree in that time.
        """
        return requests.warm(
            self.run, prefixes=prefixes, blocks=blocks, visible_within=visible_within
        )

    def flush(self, within: float = 20.0) -> Json:
        """Send each one unique request, so that a lost tail of events shows; the seqs then."""
        return requests.flush(self.run, within=within)

    def complete(self) -> Answer:
        """Whether the oracle knows the blocks of each: every batch since its first was seen."""
        seen = streams.event_stream(self.run)
        return Answer(seen["complete"], f"{len(seen['engines'])} streams followed", seen)
