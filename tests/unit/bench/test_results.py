"""Figures written and read back, and what a comparison and a proof say as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kvchaos.bench.detect import Interval, Judgement
from kvchaos.bench.flames import flame_graph
from kvchaos.bench.pairs import Compared, Plan
from kvchaos.bench.prove import Trial
from kvchaos.bench.render import compared_rows, figure_rows, markdown, short
from kvchaos.bench.results import Results, read_results, result
from kvchaos.bench.suite import Better, Figure
from kvchaos.bench.summary import Comparison, Proof, Written, figures_page
from kvchaos.errors import UsageError

MACHINE = {"cpu": "a processor", "cores": 2, "python": "CPython 3.11", "load": 1.0}


def results() -> Results:
    figure = Figure("us of CPU", Better.LOWER, 4.0, gate=True)
    found = {"wire.encode": result(figure, [3.0, 5.0, 4.0], [0.5, 0.5, 0.5])}
    errors = {"lab.start": "no namespaces"}
    return Results("abc", 7, 1.5, "0.1.0", MACHINE, found, errors)


def compared(judgement: Judgement, *, gate: bool = True, reason: str = "") -> Compared:
    return Compared("a|b", "s", gate, judgement, 1.0, 1.2, Interval(1.1, 1.2, 1.3, 12), reason)


def test_figures_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    """A baseline is what a run writes."""
    path = tmp_path / "deep" / "figures.json"
    Written(str(path), None).write(results().as_json(), "")

    assert read_results(path) == results()


def test_a_figure_has_the_median_of_its_samples_and_of_what_they_are_to_the_loop() -> None:
    """The target is met by the median."""
    (found,) = results().figures.values()

    assert (found.n, found.median, found.min, found.max) == (3, 4.0, 3.0, 5.0)
    assert (found.calibrated, found.meets) == (8.0, True)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2, "kind": "figures"}', '{"format": 1, "kind": "figures"}']
)
def test_a_file_without_figures_is_a_mistake_of_the_users(tmp_path: Path, text: str) -> None:
    """Told with what writes such a file."""
    path = tmp_path / "baseline.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=r"baseline\.json holds no figures: wanted what `kvchaos"):
        read_results(path)


def test_a_baseline_that_is_not_there_is_a_mistake_of_the_users(tmp_path: Path) -> None:
    """As above."""
    with pytest.raises(UsageError, match="No such file"):
        read_results(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("judgements", "code", "told"),
    [
        ([Judgement.SAME, Judgement.BETTER], 0, "1 better, 1 same"),
        ([Judgement.SAME, Judgement.UNKNOWN], 2, "1 same, 1 unknown"),
        ([Judgement.WORSE, Judgement.UNKNOWN], 1, "1 worse, 1 unknown"),
        ([], 2, "nothing that can raise the alarm"),
    ],
)
def test_the_exit_code_of_a_comparison(judgements: list[Judgement], code: int, told: str) -> None:
    """1 worse, else 2 when anything is unknown or nothing was compared, else 0."""
    comparison = Comparison("0123456789abcdef", True, [compared(each) for each in judgements])

    assert comparison.exit_code == code
    assert comparison.last_line() == f"against 0123456789ab (measured in turn): {told}"


def test_a_figure_that_is_no_gate_raises_no_alarm() -> None:
    """It is shown, with nothing said about it."""
    found = [compared(Judgement.WORSE, gate=False), compared(Judgement.SAME)]

    assert Comparison("abc", True, found).exit_code == 0
    assert [row[-1] for row in compared_rows(found)] == ["told only", "same"]


@pytest.mark.parametrize(
    ("slowed", "clean", "code"),
    [
        (Judgement.WORSE, Judgement.SAME, 0),
        (Judgement.WORSE, Judgement.UNKNOWN, 0),
        (Judgement.UNKNOWN, Judgement.SAME, 1),
        (Judgement.SAME, Judgement.SAME, 1),
        (Judgement.WORSE, Judgement.WORSE, 1),
    ],
)
def test_a_proof_holds_if_the_slowdown_is_caught_and_nothing_else(
    slowed: Judgement, clean: Judgement, code: int
) -> None:
    """What is not decided is no alarm, and caught is only what is told to be worse."""
    proof = Proof([Trial(0.2, 0, [compared(slowed)]), Trial(0.0, 1, [compared(clean)])])

    assert proof.exit_code == code
    assert proof.last_line().endswith("NOT PROVEN" if code else ": proven")


def test_a_proof_without_a_gate_proves_nothing() -> None:
    """Neither of its halves."""
    assert Proof([]).exit_code == 1
    assert not Trial(0.0, 1, []).holds


def test_pages_are_tables_whatever_a_cell_holds() -> None:
    """A bar and a line's end would break the table."""
    rows = compared_rows([compared(Judgement.UNKNOWN, reason="one\ntwo")])

    page = markdown(("",) * 7, rows)

    assert page.splitlines()[2] == (
        "| a\\|b | 1 | 1.2 | s | 1.20 (1.10 to 1.30) | 12 | unknown: one two |"
    )


def test_a_run_has_its_errors_and_targets_on_its_page() -> None:
    """With the machine, the commit and the seed."""
    page = figures_page(results())

    assert "## Performance of abc" in page
    assert "a processor, 2 cores, CPython 3.11, load 1.0, seed 7" in page
    assert "| wire.encode | 4 | 3 | 5 | us of CPU | <= 4: met |" in page
    assert "- lab.start: no namespaces" in page


def test_all_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Also what is written to stdout."""
    comparison = Comparison("abc", False, [compared(Judgement.SAME)])

    Written("-", None).write(comparison.as_json(Plan()), "")

    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["threshold"], found["confidence"]) == ("comparison", 0.1, 0.99)
    assert found["figures"][0]["ratio"] == {"low": 1.1, "middle": 1.2, "high": 1.3, "pairs": 12}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (1234.5, "1,234"), (0.01234, "0.0123"), (0.00001, "1.00e-05")],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    """As many as a benchmark is good for."""
    assert short(value) == text


def test_a_row_of_a_figure_without_target_has_none() -> None:
    """Nor one of a figure that missed it says met."""
    found = {
        "a": result(Figure("s"), [1.0], []),
        "b": result(Figure("s", Better.HIGHER, 2.0), [1.0], []),
    }

    assert [row[-1] for row in figure_rows(found)] == ["", ">= 2: MISSED"]


def test_a_flame_graph_has_a_box_for_each_function_as_wide_as_its_share() -> None:
    """Valid XML, names escaped, children above their callers."""
    svg = flame_graph("wire", {("m:main", "m:<listcomp>"): 3, ("m:main",): 1})

    titles = [each.text for each in ET.fromstring(svg).iter() if each.tag[-5:] == "title"]
    assert titles == ["all: 100.0 %", "m:main: 100.0 %", "m:<listcomp>: 75.0 %"]


def test_nothing_seen_is_an_empty_flame_graph() -> None:
    """A profile that was over at once."""
    assert "0 looks" in flame_graph("wire", {})
