"""Trees and stored figures as the base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kvchaos.bench import against
from kvchaos.bench.against import against_figures, gated
from kvchaos.bench.detect import Judgement
from kvchaos.bench.measure import measure
from kvchaos.bench.results import Result, Results
from kvchaos.bench.trees import PACKAGE, Tree, copied, resolve
from kvchaos.clock import SystemClock
from kvchaos.errors import UsageError
from tests.unit.bench.steady import known, planted

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return planted(tmp_path_factory.mktemp("tree"))


def told(*_: object) -> None:
    """What a terminal would show."""


def measured(tree: Tree, *names: str) -> Results:
    benchmarks = [known(name) for name in names]
    return measure(benchmarks, tree, commit="abc", seed=7, clock=CLOCK, told=told)


def test_each_benchmark_is_measured_and_a_failure_hides_no_other(tree: Tree) -> None:
    """The figures of those that work, the traceback of the one that does not."""
    found = measured(tree, "raises", "time")

    assert found.figures["steady.time"].median == pytest.approx(1.01, abs=0.01)
    assert found.figures["steady.time"].n == 3
    assert [*found.errors] == ["steady.raises"]
    assert "ValueError: no such thing" in found.errors["steady.raises"]


@pytest.mark.parametrize(
    ("base", "judgement"), [(1e-6, Judgement.WORSE), (1e6, Judgement.BETTER), (None, "unknown")]
)
def test_stored_figures_are_the_base_where_there_is_no_commit(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, base: float | None, judgement: Judgement
) -> None:
    """By their calibrated value; one without it is unknown."""
    monkeypatch.setattr(against, "SAMPLES", 8)
    figure = Result("s", "lower", True, None, None, 3, 1.0, 1.0, 1.0, base)
    stored = Results("abc", 7, 0.0, "0.1.0", {}, {"steady.time": figure}, {})

    (found,) = against_figures([known("time")], stored, tree, seed=7, clock=CLOCK, told=told)

    assert found.judgement == judgement


def test_what_fails_beside_stored_figures_is_unknown(tree: Tree) -> None:
    """With the reason."""
    stored = Results("abc", 7, 0.0, "0.1.0", {}, {}, {})

    (found,) = against_figures([known("raises")], stored, tree, seed=7, clock=CLOCK, told=told)

    assert "no such thing" in found.reason


def test_only_gates_are_compared() -> None:
    """What cannot raise the alarm is not measured for it."""
    figure = replace(known("time").figures[""], gate=False)
    quiet = replace(known("time"), figures={"": figure})

    assert gated([quiet, known("wild")]) == [known("wild")]


def test_a_copy_is_the_same_code_elsewhere(tmp_path: Path) -> None:
    """With the assets beside it, so that a lab can be started from it."""
    tree = copied(tmp_path)

    assert (tree.source / "kvchaos" / "cli.py").read_bytes() == (PACKAGE / "cli.py").read_bytes()
    assert (tmp_path / "deploy" / "overlays" / "lab").is_dir()


def test_a_revision_that_is_not_here_is_a_mistake_of_the_users() -> None:
    """Told with what a shallow clone lacks."""
    with pytest.raises(UsageError, match=r"wanted an answer for 0{40}.*a shallow clone"):
        resolve("0" * 40)
