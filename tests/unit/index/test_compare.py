"""Comparing: what is missing, phantom, a ghost, or not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kvchaos.index.compare import Difference, compare
from kvchaos.index.names import Block, BlockKey, EngineId
from kvchaos.index.observed import EngineView, Observed
from kvchaos.index.oracle import Expected
from tests.streams import CPU, ENGINE, GPU, OTHER

ALIVE = {ENGINE.pod, OTHER.pod}


def holds(*hashes: int) -> Expected:
    return Expected({GPU: frozenset(hashes)} if hashes else {}, complete=True)


def index(**pods: set[int]) -> Observed:
    """An index of rank 0 of pods, whose names have an underscore here."""
    return Observed(
        {
            (pod.replace("_", "-"), 0): EngineView({GPU: frozenset(hashes)})
            for pod, hashes in pods.items()
        }
    )


def block(number: int) -> Block:
    return Block("GPU", None, number)


def test_equal_sets_agree() -> None:
    """The only way to agreement: everything compared, nothing different, nothing unknown."""
    found = compare({ENGINE: holds(1, 2)}, index(engine_a={1, 2}), alive=ALIVE)

    assert found == Difference(compared=("engine-a/0",))
    assert found.agrees is True


def test_missing_and_phantom_blocks_are_told_by_engine() -> None:
    """Missing is what the index lacks, phantom what it should not have."""
    found = compare(
        {ENGINE: holds(1, 2), OTHER: holds(3)}, index(engine_a={2, 9}, engine_b={3}), alive=ALIVE
    )

    assert found == Difference(
        compared=("engine-a/0", "engine-b/0"),
        missing={"engine-a/0": frozenset({block(1)})},
        phantom={"engine-a/0": frozenset({block(9)})},
    )
    assert found.agrees is False


def test_a_block_in_another_medium_is_missing_here_and_phantom_there() -> None:
    """A router that takes a block on the CPU for one on the GPU is wrong twice."""
    observed = Observed({(ENGINE.pod, 0): EngineView({CPU: frozenset({1})})})

    found = compare({ENGINE: holds(1)}, observed, alive=ALIVE)

    assert found.missing == {"engine-a/0": frozenset({block(1)})}
    assert found.phantom == {"engine-a/0": frozenset({Block("CPU", None, 1)})}


def test_an_engine_that_the_index_does_not_know_misses_all() -> None:
    """No entry is an empty entry."""
    found = compare({ENGINE: holds(1)}, Observed({}), alive=ALIVE)

    assert found.missing == {"engine-a/0": frozenset({block(1)})}


def test_an_engine_that_holds_nothing_needs_no_entry() -> None:
    """An idle engine agrees with a router that has not heard of it."""
    assert compare({ENGINE: holds()}, Observed({}), alive=ALIVE).agrees is True


def test_a_pod_that_is_not_alive_is_a_ghost_and_nothing_else() -> None:
    """Its blocks are not phantom as well, and it is told once, whatever its ranks."""
    observed = Observed({("gone", rank): EngineView({GPU: frozenset({1})}) for rank in (0, 1)})
    dead = EngineId("gone", "uid-g", 0)

    found = compare({dead: holds(1), ENGINE: holds()}, observed, alive=ALIVE)

    assert found == Difference(compared=("engine-a/0",), ghosts=("gone",))
    assert found.agrees is False


def test_an_engine_that_is_not_completely_known_is_unknown() -> None:
    """Its blocks are not compared, so that nothing is claimed of them."""
    known = Expected({GPU: frozenset({1})}, complete=False, reason="batch 3 is lost")

    found = compare({ENGINE: known, OTHER: holds(2)}, index(engine_b={2}), alive=ALIVE)

    assert found == Difference(compared=("engine-b/0",), unknown={"engine-a/0": "batch 3 is lost"})
    assert found.agrees is None


def test_an_engine_without_a_reason_is_unknown_in_plain_words() -> None:
    """There is always something to read."""
    found = compare({ENGINE: Expected({}, complete=False)}, Observed({}), alive=ALIVE)

    assert found.unknown == {"engine-a/0": "its blocks are not completely known"}


def test_a_living_engine_in_the_index_that_is_not_followed_is_unknown() -> None:
    """A rank beyond those that are followed, say: nothing is known of it."""
    observed = Observed({(ENGINE.pod, rank): EngineView({}) for rank in (0, 1)})

    found = compare({ENGINE: holds()}, observed, alive=ALIVE)

    assert found.unknown == {"engine-a/1": "in the index, but its events are not followed here"}


def test_nothing_compared_is_not_agreement() -> None:
    """No engines prove nothing."""
    assert compare({}, Observed({}), alive=set()).agrees is None


def test_a_difference_is_certain_even_beside_an_unknown_engine() -> None:
    """What is wrong stays wrong, whatever else is not known."""
    expected = {ENGINE: holds(1), OTHER: Expected({}, complete=False, reason="cut")}

    assert compare(expected, Observed({}), alive=ALIVE).agrees is False


MISSES_1 = Difference(missing={"a/0": frozenset({block(1)})})


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (Difference(), False),
        (Difference(missing={"a/0": frozenset({block(2)})}), False),
        (Difference(missing={"b/0": frozenset({block(1)})}), False),
        (Difference(phantom={"a/0": frozenset({block(1)})}), False),
        (Difference(missing={"a/0": frozenset({block(2), block(1)})}), True),
    ],
)
def test_two_differences_meet_where_the_same_is_wrong(other: Difference, *, meets: bool) -> None:
    """The same block of the same engine, missing in both."""
    assert MISSES_1.meets(other) is meets
    assert other.meets(MISSES_1) is meets


def test_differences_meet_in_a_phantom_or_a_ghost() -> None:
    """Whatever the kind."""
    phantom = Difference(phantom={"a/0": frozenset({block(1)})})

    assert phantom.meets(phantom)
    assert Difference(ghosts=("x",)).meets(Difference(ghosts=("y", "x")))
    assert not Difference(ghosts=("x",)).meets(Difference(ghosts=("y",)))


def test_counts_are_the_fields_of_a_sample() -> None:
    """Every engine that was compared is listed, also those without a difference."""
    found = compare(
        {ENGINE: holds(1, 2), OTHER: holds(3)}, index(engine_a={9}, engine_b={3}), alive=ALIVE
    )

    assert found.counts() == {
        "agrees": False,
        "missing": 2,
        "phantom": 1,
        "ghosts": [],
        "engines": {
            "engine-a/0": {"missing": 2, "phantom": 1},
            "engine-b/0": {"missing": 0, "phantom": 0},
        },
        "unknown": {},
    }


def by_medium(key: BlockKey) -> BlockKey | None:
    """A router that tells no groups apart, and nothing of blocks in storage."""
    return None if key.medium == "STORAGE" else BlockKey(key.medium, None)


def test_a_router_is_asked_in_its_own_places() -> None:
    """What it does not tell apart is no difference; what it lacks in all of them is one."""
    held = {BlockKey("GPU", 0): frozenset({1, 2}), BlockKey("GPU", 1): frozenset({2, 3})}
    observed = replace(index(engine_a={1, 2, 9}), place=by_medium)

    found = compare({ENGINE: Expected(held, complete=True)}, observed, alive=ALIVE)

    assert found == Difference(
        compared=("engine-a/0",),
        missing={"engine-a/0": frozenset({block(3)})},
        phantom={"engine-a/0": frozenset({block(9)})},
    )


def test_all_that_is_missing_is_told_in_the_routers_places() -> None:
    """An engine that the index does not know misses the same blocks as one that it knows."""
    held = {BlockKey("GPU", 0): frozenset({1})}

    found = compare(
        {ENGINE: Expected(held, complete=True)}, Observed({}, place=by_medium), alive=ALIVE
    )

    assert found.missing == {"engine-a/0": frozenset({block(1)})}


def test_blocks_where_the_router_tells_of_none_are_unknown() -> None:
    """Neither agreement nor a difference can be seen there; an older reason stays."""
    storage = {BlockKey("GPU", 0): frozenset({1}), BlockKey("STORAGE", 1): frozenset({2})}
    expected = {
        ENGINE: Expected(storage, complete=True),
        OTHER: Expected(storage, complete=False, reason="its history began at 7"),
    }
    observed = replace(index(engine_a={1}, engine_b={1}), place=by_medium)

    found = compare(expected, observed, alive=ALIVE)

    assert found == Difference(
        unknown={
            "engine-a/0": "the router tells nothing of blocks in STORAGE, group 1",
            "engine-b/0": "its history began at 7",
        }
    )
    assert found.agrees is None
