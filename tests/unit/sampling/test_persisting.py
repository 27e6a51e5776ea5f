"""Two comparisons around one look at the router."""

from __future__ import annotations

from kvchaos.index.compare import Difference
from kvchaos.index.names import Block, EngineId
from kvchaos.sampling.persisting import not_followed, persisting

ONE, TWO = Block("GPU", None, 1), Block("GPU", None, 2)


def test_only_what_both_comparisons_say_differs() -> None:
    """A block that came or went while the router answered is on its way, not wrong."""
    first = Difference(("a/0",), missing={"a/0": frozenset({ONE})}, ghosts=("g", "h"))
    second = Difference(("a/0",), missing={"a/0": frozenset({ONE, TWO})}, ghosts=("h",))

    found = persisting(first, second, unknown={})

    assert found == Difference(("a/0",), missing={"a/0": frozenset({ONE})}, ghosts=("h",))


def test_blocks_that_only_one_comparison_misses_are_agreement() -> None:
    """A live engine's newest event is not held against the router."""
    first = Difference(("a/0",))
    second = Difference(("a/0",), missing={"a/0": frozenset({TWO})})

    assert persisting(first, second, unknown={}).agrees is True


def test_an_engine_that_only_one_comparison_has_is_unknown() -> None:
    """An engine whose epoch began meanwhile was not compared, so nothing agrees yet."""
    found = persisting(Difference(("a/0",)), Difference(("a/0", "b/0")), unknown={})

    assert found.unknown == {"b/0": "its epoch began or ended just now"}
    assert found.agrees is None


def test_a_living_pod_that_nobody_follows_is_unknown() -> None:
    """A replacement pod must be followed before the index can be called right."""
    followed = [EngineId(pod="a", uid="1", rank=0)]

    assert not_followed(followed, {"a", "b"}) == {"b": "its events are not followed yet"}
