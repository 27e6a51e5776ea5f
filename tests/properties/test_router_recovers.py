"""Whatever happens to links, engine and replays: in the end the router has what the engine told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kvchaos.sim.router.stream import Replaying

ACTS = st.lists(
    st.sampled_from(
        ["publish", "publish", "lose", "cut", "heal", "restart", "watch", "replay", "break"]
    ),
    max_size=60,
)


class Sink:
    """Keeps the payloads since the last clear."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def apply(self, payload: bytes) -> None:
        self.held.append(payload)

    def clear(self) -> None:
        self.held.clear()


class World:
    """One engine, its link to the router, and a replay under way; time passes by acts alone."""

    def __init__(self) -> None:
        self.sink = Sink()
        self.stream = Replaying(self.sink)
        self.history: list[bytes] = []
        self._epoch = 0
        self._up = True
        self._answers: list[tuple[int, bytes]] | None = None
        self.stream.connected()

    def publish(self) -> None:
        """A batch, that arrives while the link is up."""
        seq = self._new_batch()
        if self._up:
            self.stream.live(seq, self.history[seq])

    def lose(self) -> None:
        """A batch that is dropped on its way although the link is up."""
        self._new_batch()

    def cut(self) -> None:
        self._up = False

    def heal(self) -> None:
        """The link comes up again, if it was down."""
        if not self._up:
            self._up = True
            self.stream.connected()

    def restart(self) -> None:
        """Another life of the engine: seq 0, nothing in its buffer; the link breaks with it."""
        self._epoch += 1
        self.history = []
        self._answers = None
        self._up = False

    def watch(self) -> None:
        """Kubernetes tells how often the container restarted."""
        self.stream.told_restarts(self._epoch)

    def replay(self) -> None:
        """Ask if a replay is wanted; else one answer more of the one under way."""
        if self._answers is None or self.stream.wanted:
            self._ask()
        elif self._answers:
            self.stream.replayed(*self._answers.pop(0))
        else:
            self._answers = None
            self.stream.replay_ended()

    def abort(self) -> None:
        """No more answers come."""
        if self._answers is not None:
            self._answers = None
            self.stream.replay_failed()

    def settle(self) -> None:
        """No more faults; one batch more, as after a flush."""
        self.heal()
        self.publish()
        for _ in range(20 * (len(self.history) + 2)):
            if self._answers is not None or self.stream.wanted:
                self.replay()

    def _ask(self) -> None:
        self._answers = None
        if self._up and self.stream.wanted:
            start = self.stream.next_replay()
            self._answers = list(enumerate(self.history))[start:]

    def _new_batch(self) -> int:
        self.history.append(f"{self._epoch}/{len(self.history)}".encode())
        return len(self.history) - 1


@settings(max_examples=3 * settings().max_examples)
@given(acts=ACTS)
def test_the_index_is_built_from_the_present_epoch_and_nothing_else(acts: list[str]) -> None:
    """Each batch of the engine's present life once, in order, none of an earlier life."""
    world = World()
    for act in acts:
        getattr(world, "abort" if act == "break" else act)()

    world.settle()

    assert world.sink.held == world.history
    assert (world.stream.wanted, world.stream.counts.lost) == (False, 0)
