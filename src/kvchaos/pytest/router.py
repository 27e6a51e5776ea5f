"""The router under test: its index beside the oracle, and where it sends a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvchaos.pytest.answer import Answer
from kvchaos.run import agreement, recovery, requests
from kvchaos.run.session import Run


@dataclass(frozen=True, slots=True)
class Router:
    """Asked over a path that no fault cuts."""

    run: Run

    def agrees(self, within: float = 10.0) -> Answer:
        """Whether its index is what the engines published, in at most ``within`` seconds."""
        seen = agreement.difference(self.run, settle=within)
        return Answer(seen["agrees"], agreement.describe(seen), seen)

    def recovers(self, within: float = 60.0, samples: int = 3) -> Answer:
        """Whether its index agrees ``samples`` times in a row within so many s of the last heal.

        ``details["after_heal"]["agreed"]`` is the recovery time in seconds.
        """
        seen = recovery.recovered(self.run, budget=within, needed=samples)
        took = seen["after_heal"]["agreed"]
        text = agreement.describe(seen["left"]) if took is None else f"{took:.2f} s after the heal"
        return Answer(seen["recovered"], text, seen)

    def learns(self, within: float = 10.0) -> Answer:
        """Whether a new block of every engine appears in its index within so many seconds."""
        seen = requests.canary(self.run, within=within)
        text = f"not visible: {seen['missing']}" if seen["missing"] else "visible from every engine"
        return Answer(seen["visible"], text, seen)

    def follows_the_index(self, within: float = 10.0, blocks: int = 8) -> Answer:
        """Whether it sends a prompt to the one engine that holds its prefix, for every engine."""
        seen = requests.prefix_routing(self.run, within=within, blocks=blocks)
        return Answer(seen["followed"], f"{seen['engines']}", seen)

    def match(self, prompt: Sequence[int]) -> dict[str, int]:
        """Tokens of the prompt by pod, of those that hold any, as its index has it.

        Nothing is changed by it. Raises ``RouterUnreachable`` without an answer.
        """
        return {pod: tokens for pod, tokens in self.run.router.match(prompt).items() if tokens}

    def route(self, prompt: Sequence[int]) -> str | None:
        """Send the prompt through it; the pod that it picked, None when it does not say.

        Raises ``RouterUnreachable`` without an answer.
        """
        return requests.completions(self.run).router(self.run.router.address(), prompt).pod
