"""Two trees compared, each in processes of its own, by a suite whose figures are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kvchaos.bench.detect import Judgement
from kvchaos.bench.pairs import Compared, Plan, compare_trees
from kvchaos.bench.suite import Benchmark
from kvchaos.bench.trees import Tree
from kvchaos.clock import SystemClock
from tests.unit.bench.steady import known, planted

PLAN = Plan(turn=0.0, most=4)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return planted(tmp_path_factory.mktemp("tree"))


def compared(benchmark: Benchmark, tree: Tree, extra: float = 0.0) -> Compared:
    slowed = replace(tree, extra=extra)
    (found,) = compare_trees(benchmark, tree, slowed, plan=PLAN, clock=SystemClock())
    return found


def test_a_fifth_more_is_worse_after_the_fewest_launches(tree: Tree) -> None:
    """Three launches of four rounds; the ratio is what was put in."""
    found = compared(known("time"), tree, 0.2)

    assert (found.judgement, found.label, found.gate) == (Judgement.WORSE, "steady.time", True)
    assert found.ratio is not None
    assert found.ratio.pairs == 12
    assert found.ratio.middle == pytest.approx(1.2, rel=0.02)


def test_the_same_is_the_same(tree: Tree) -> None:
    """Noise within the threshold is no alarm."""
    assert compared(known("time"), tree).judgement is Judgement.SAME


def test_what_cannot_be_told_is_unknown_after_the_bound(tree: Tree) -> None:
    """More rounds are asked for until there are no more launches."""
    found = compared(known("wild"), tree, 0.1)

    assert (found.judgement, found.reason) == (Judgement.UNKNOWN, "not decided after 16 rounds")


def test_what_raises_is_unknown_with_its_reason(tree: Tree) -> None:
    """The last line of its traceback; what it printed does not disturb the answers."""
    found = compared(known("raises"), tree)

    assert found.judgement is Judgement.UNKNOWN
    assert "benchmark steady.raises" in found.reason
    assert found.reason.endswith("see: ValueError: no such thing")


def test_a_figure_that_was_not_declared_is_told(tree: Tree) -> None:
    """Both sides have to mean the same."""
    assert "yields ['other']" in compared(known("other"), tree).reason


def test_what_hangs_is_ended(tree: Tree) -> None:
    """By its time-out, and its process is gone."""
    found = compared(known("hangs", timeout=0.3), tree)

    assert "no answer within 0.3 s" in found.reason


def test_what_the_base_does_not_have_is_unknown(tree: Tree) -> None:
    """A benchmark of something newer than the baseline."""
    found = compared(known("unheard"), tree)

    assert found.judgement is Judgement.UNKNOWN
    assert "no benchmark steady.unheard" in found.reason


def test_a_process_that_has_other_code_is_refused(tmp_path: Path) -> None:
    """A tree without the package would measure the one that is installed."""
    found = compared(known("time"), Tree("empty", tmp_path))

    assert "measures other code" in found.reason
