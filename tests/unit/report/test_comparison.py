"""Sets of runs are compared experiment by experiment, and nothing is worse that chance explains."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from kvchaos.report.answers import Answer
from kvchaos.report.compared import SETTLED, as_json, as_markdown, as_text, conclusion
from kvchaos.report.comparison import Comparison, compare
from kvchaos.report.figures import Figures, figures
from kvchaos.report.html.comparing import comparison_page
from kvchaos.report.json import as_json as record_of
from kvchaos.verdict.result import Status
from kvchaos.verdict.verdict import judge
from tests.builders import run_that_recovered

TITLE = "The router's index survives: network-partition"
RECOVERED = figures(record_of(run_that_recovered(), judge(run_that_recovered())))


def run(recovery: float | None = 1.0, **fields: Any) -> Figures:
    """A run that took so long to recover; None: it did not, and failed."""
    if recovery is None:
        fields = {"recovered": False, "status": Status.FAIL, **fields}
    return replace(RECOVERED, recovery=recovery, **fields)


def runs(*recoveries: float | None, **fields: Any) -> list[Figures]:
    return [run(each, **fields) for each in recoveries]


FAST = runs(0.5, 0.6, 0.7, 0.8, 0.9)
SLOW = runs(1.5, 1.6, 1.7, 1.8, 1.9)


def compared(first: list[Figures], second: list[Figures]) -> Comparison:
    return compare(first, second, names=("old", "new"))


def answers(told: Comparison) -> dict[str, Answer]:
    (experiment,) = told.experiments
    return {row.metric.key: row.answer for row in experiment.rows}


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        (FAST, SLOW, Answer.WORSE),
        (SLOW, FAST, Answer.BETTER),
        (FAST, FAST, Answer.SAME),
        (FAST, runs(*[None] * 5, status=Status.PASS), Answer.WORSE),
        (FAST, runs(*[None] * 5), Answer.TOO_FEW),
        (FAST, SLOW[:4], Answer.TOO_FEW),
        (FAST[:4], SLOW[:4], Answer.TOO_FEW),
        (FAST[:1], SLOW[:1], Answer.TOO_FEW),
        (FAST, runs(0.95, 0.96, 0.97, 0.98, 0.99), Answer.WORSE),
        (runs(0.81, 0.82, 0.83, 0.84, 0.85), runs(0.9, 0.91, 0.92, 0.93, 0.94), Answer.SAME),
        (FAST, [run(None, recovered=None)], Answer.UNKNOWN),
    ],
    ids=[
        "slower",
        "faster",
        "the same",
        "never any more",
        "never, and failed: two questions",
        "four against five",
        "four each",
        "one each",
        "a little slower",
        "less than can be measured",
        "not measured",
    ],
)
def test_answer_about_recoveries(
    first: list[Figures], second: list[Figures], answer: Answer
) -> None:
    """Worse only if chance hardly explains it, and it is more than a run can tell."""
    assert answers(compared(first, second))["recovery_seconds"] is answer


def test_each_metric_has_its_better_side() -> None:
    """More cache hits are better, more of all else is worse."""
    first = runs(*[0.7] * 7)
    second = runs(
        *[0.7] * 7, missing=200.0, phantom=9.0, hit_ratio=0.9, failed=100.0, p95=0.5, budget=30.0
    )

    assert answers(compared(first, second)) == {
        "recovery_seconds": Answer.SAME,
        "passed": Answer.SAME,
        "worst_missing": Answer.WORSE,
        "worst_phantom": Answer.WORSE,
        "hit_ratio": Answer.BETTER,
        "failed_ratio": Answer.WORSE,
        "latency_p95": Answer.WORSE,
    }


def test_runs_that_tell_nothing_of_the_router_are_no_failures() -> None:
    """Aborted and unknown runs are counted, and are no evidence."""
    second = [*FAST, run(0.7, status=Status.ABORTED), run(0.7, status=Status.UNKNOWN)]

    (experiment,) = compared(FAST, second).experiments

    assert experiment.statuses == ({"pass": 5}, {"pass": 5, "unknown": 1, "aborted": 1})
    assert (experiment.rows[1].b.count, experiment.rows[1].b.unknown) == (5, 2)
    assert experiment.notes == ()


def test_experiments_are_compared_one_by_one() -> None:
    """Those that only one set has are told."""
    first = [*FAST, run(experiment="old one"), *runs(1.0, experiment="both")]
    second = [*SLOW, run(experiment="new one"), *runs(1.0, experiment="both")]

    told = compared(first, second)

    assert [each.title for each in told.experiments] == [TITLE, "both"]
    assert (told.only_a, told.only_b) == (("old one",), ("new one",))
    assert conclusion(told) == [
        f"WORSE: recovery from 0.70 s to 1.70 s: {TITLE}",
        "Too few runs to say whether the recovery got worse, 7 of each are enough: both",
        "Not in B, so there is no telling: old one",
    ]


def test_what_was_not_the_same_is_told() -> None:
    """Or the comparison would be taken for one of the router."""
    second = runs(1.0, None, experiment="other", context="prod", budget=60.0, version="")

    (experiment,) = compared(FAST, second).experiments

    assert experiment.notes == (
        f"not the same experiment: A {TITLE}, B other",
        "not the same context: A kvchaos-lab, B prod",
        "not the same version of kvchaos: A 0.1.0, B none told",
        "not the same budget: A 30 s, B 60 s",
        "B failed in 1 of 2 runs, A in none of 5",
    )


def test_nothing_in_common_is_said() -> None:
    """Two sets without a common experiment are no good news."""
    told = compared([*FAST, run(experiment="a")], [run(experiment="b"), run(experiment="c")])

    assert conclusion(told) == ["Nothing can be compared: no experiment is in both."]
    assert "only in A: a\n" in as_text(told)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (FAST, ["Nothing got worse that these runs can show."]),
        (FAST[:2], ["Too few runs to say whether the recovery got worse, 7 of each are enough"]),
        (
            runs(*[None] * 5, recovered=None, status=Status.PASS),
            ["No recovery was measured in A, or none in B, so there is no telling"],
        ),
        (
            [*runs(0.5, 0.6, 0.7, 0.8, hit_ratio=None), run(0.9)],
            [f"Too few runs to say: cache hits: {TITLE}"],
        ),
        (
            runs(0.5, 0.6, 0.7, 0.8, 0.9, hit_ratio=None, p95=None),
            [f"Not measured in A, or not in B: cache hits, latency p95: {TITLE}"],
        ),
    ],
    ids=["the same", "too few", "no recovery", "too few hit ratios", "no latencies"],
)
def test_conclusion_claims_no_more_than_there_is(second: list[Figures], said: list[str]) -> None:
    """Too few runs never read as if all were well, nor does what was not measured."""
    told = compared(FAST, second)

    assert conclusion(told) == said
    assert told.is_sure is (second is FAST)


def test_what_no_run_measured_is_not_missed() -> None:
    """An experiment without traffic has no cache hits, and no telling what became of them."""
    first = runs(0.5, 0.6, 0.7, 0.8, 0.9, hit_ratio=None, requests=None, failed=None, p95=None)

    told = compared(first, first)

    assert answers(told)["hit_ratio"] is Answer.UNKNOWN
    assert (told.is_sure, conclusion(told)) == (True, [SETTLED])


def test_an_experiment_that_only_a_has_is_no_good_news() -> None:
    """It may not have been played because the one before it ruined all."""
    second = runs(0.5, 0.6, 0.7, 0.8, 0.9)
    first = [*second, *runs(0.5, experiment="gone")]

    assert compared(first, second).is_sure is False
    assert compared(second, first).is_sure is True


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ({"pass": 4}, {"fail": 4}, True),
        ({"pass": 8}, {"unknown": 8}, True),
        ({"pass": 1}, {"fail": 1}, True),
        ({"pass": 2}, {"aborted": 1, "residue": 1}, True),
        ({"pass": 4}, {"pass": 1, "fail": 3}, False),
        ({"pass": 1, "unknown": 1}, {"fail": 4}, False),
        ({"fail": 4}, {"unknown": 4}, False),
    ],
    ids=str,
)
def test_all_passed_and_none_does_any_more_is_worse(
    before: dict[str, int], after: dict[str, int], worse: bool
) -> None:
    """Whatever chance says: a failure is a failure, and who waits for a pass has none."""
    first, second = (
        [run(1.0, status=Status(each)) for each, count in went.items() for _ in range(count)]
        for went in (before, after)
    )

    told = compared(first, second)

    assert (answers(told)["passed"] is Answer.WORSE) is worse
    if worse:
        assert [row.metric.key for _, row in told.worse] == ["passed"]
        first_went, second_went = (
            ", ".join(f"{count} {each}" for each, count in went.items()) for went in (before, after)
        )
        said = f"WORSE: verdicts from {first_went} to {second_went}: {TITLE}"
        assert conclusion(told)[0] == said


def by_chance(rng: Random, experiment: str) -> Figures:
    """A run of a router that is always the same."""
    return run(
        rng.lognormvariate(0, 0.4),
        experiment=experiment,
        missing=90 * rng.random(),
        phantom=90 * rng.random(),
        hit_ratio=rng.random(),
        failed=200 * rng.random(),
        p95=rng.random(),
    )


def test_a_comparison_of_the_same_seldom_says_worse() -> None:
    """In at most 1 of 100 comparisons, however much each of them asks; seeded."""
    rng = Random(5)
    alarms = 0
    for _ in range(50):
        first, second = ([by_chance(rng, each) for each in "abcd" for _ in range(8)] for _ in "ab")
        alarms += bool(compared(first, second).worse)

    assert alarms <= 1


def test_what_is_told_to_be_enough_is_enough() -> None:
    """Of each experiment so many runs, however many are compared."""
    for experiments, size in (("a", 7), ("abcd", 8)):
        rng = Random(5)
        first = [by_chance(rng, each) for each in experiments for _ in range(size)]
        second = [replace(each, recovery=(each.recovery or 0) + 60) for each in first]

        told = compared(first, second)

        assert told.enough == size
        assert {each.recovery.answer for each in told.experiments} == {Answer.WORSE}
        fewer = compared(first[1:], second[1:])
        assert fewer.experiments[0].recovery.answer in (Answer.TOO_FEW, Answer.WORSE)


TEXT = """\
A  old
B  new

The router's index survives: network-partition
  A  5 pass
  B  4 pass, 1 fail

  recovery, a digit for so many runs
     0 s                                         1.80 s
  A  .............1..1..1..1.1.........................  median 0.70 s, p95 0.90 s
  B  .........................................1..1..1.1  median 1.65 s, p95 1.80 s; 1 never

                    A        B       B against A (by 99 %)
  recovery          0.70 s   1.70 s  +1.00 (+0.60 to never any more) s  WORSE
  passed            100.0 %  80.0 %  -20.0 points                       no difference seen
  missing at worst  84       84      0                                  no difference seen
  phantom at worst  0        0       0                                  no difference seen
  cache hits        67.5 %   67.5 %  0                                  no difference seen
  failed requests   0.8 %    0.8 %   0                                  no difference seen
  latency p95       31 ms    31 ms   0                                  no difference seen
  note: B failed in 1 of 5 runs, A in none of 5

WORSE: recovery from 0.70 s to 1.70 s: The router's index survives: network-partition
"""


def test_text_reads_as_the_sample_does() -> None:
    """It is kept to be read by people: change it only after reading it."""
    assert as_text(compared(FAST, runs(1.5, 1.6, 1.7, 1.8, None))) == TEXT


def test_text_of_runs_without_recoveries() -> None:
    """There is no scale to draw them on."""
    text = as_text(compared(runs(None), runs(None, None)))

    assert "\n  A  1 never\n  B  2 never\n" in text
    assert "  recovery          never   never   " in text


def test_text_has_no_control_characters() -> None:
    """Names of experiments come from elsewhere."""
    told = compared(runs(1.0, experiment="x\x1b[31m"), runs(1.0, experiment="x\x1b[31m"))

    assert "\x1b" not in as_text(told) + as_markdown(told)


def test_markdown_has_a_table_for_each_experiment() -> None:
    """And escapes what it quotes."""
    text = as_markdown(compared(FAST, runs(1.5, 1.6, 1.7, 1.8, 1.9, experiment="a|b <c>")))

    assert text.startswith("## kvchaos: new against old\n\nWORSE: recovery from 0.70 s to 1.70 s")
    assert "\n### a\\|b &lt;c&gt;\n" in text
    assert "\n| recovery | 0.70 s | 1.70 s | +1.00 (+0.60 to +1.40) s | ❌ worse |\n" in text


def test_json_has_what_the_answers_rest_on() -> None:
    """Shares as ratios, times in seconds; what is endless is no number."""
    told = as_json(compared(FAST, runs(1.5, 1.6, 1.7, 1.8, None)))

    (experiment,) = told["experiments"]
    assert told["worse"] == [f"recovery: {TITLE}"]
    assert experiment["metrics"]["recovery_seconds"] == {
        "unit": "s",
        "a": {
            "middle": 0.7,
            "never": 0,
            "unknown": 0,
            "count": 5,
            "minimum": 0.5,
            "median": 0.7,
            "p95": 0.9,
            "maximum": 0.9,
            "values": [0.5, 0.6, 0.7, 0.8, 0.9],
        },
        "b": {
            "middle": 1.7,
            "never": 1,
            "unknown": 0,
            "count": 4,
            "minimum": 1.5,
            "median": pytest.approx(1.65),
            "p95": 1.8,
            "maximum": 1.8,
            "values": [1.5, 1.6, 1.7, 1.8],
        },
        "shift": {"middle": pytest.approx(1.0), "low": pytest.approx(0.6), "high": None},
        "answer": "worse",
    }


@pytest.mark.parametrize(
    ("second", "outcome", "look"),
    [
        (SLOW, "worse", "fail"),
        (FAST, "no worse", "pass"),
        (runs(0.1, 0.1, 0.1, 0.1, 0.1), "better", "pass"),
        (SLOW[:1], "unsure", "unknown"),
        (runs(0.1, 0.1, 0.1, 0.1, 0.1, hit_ratio=None), "unsure", "unknown"),
    ],
    ids=["worse", "the same", "better", "too few", "not measured"],
)
def test_page_shows_what_came_of_it(second: list[Figures], outcome: str, look: str) -> None:
    """In the colours of the status that it resembles; texts are escaped."""
    second = [replace(each, experiment="<b>") for each in second]

    text = comparison_page(compared(FAST, second))

    assert f'<html lang="en" class="{look}">' in text
    assert f'<header class="hero {outcome}">' in text
    assert "<b>" not in text.replace("<b>A</b>", "").replace("<b>B</b>", "").replace(
        "<b>Recovery time</b>", ""
    )
