"""The figures of a run are those that its record tells, and None where it tells none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kvchaos.report.figures import Figures, figures, findings, left_behind
from kvchaos.report.json import as_json
from kvchaos.verdict.result import Status
from kvchaos.verdict.verdict import judge
from tests.builders import (
    Json,
    run_that_left_residue,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_stayed_wrong,
    run_whose_api_went_away,
)


def record(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def test_figures_of_a_run_that_recovered() -> None:
    """All of them are known."""
    assert figures(record(run_that_recovered())) == Figures(
        run="20260808-140300-7f3a9c",
        experiment="The router's index survives: network-partition",
        context="kvchaos-lab",
        namespace="kvchaos",
        version="0.1.0",
        status=Status.PASS,
        headline="The router's index became right again 2.35 s after the fault healed.",
        began=datetime(2026, 8, 8, 14, 3, tzinfo=UTC),
        seconds=17.5,
        recovered=True,
        recovery=2.35,
        budget=30.0,
        resolution=0.2,
        missing=84.0,
        phantom=0.0,
        ghosts=0.0,
        requests=240.0,
        failed=2.0,
        hit_ratio=0.675,
        p50=0.012,
        p95=0.031,
        p99=0.094,
    )


@pytest.mark.parametrize(
    ("history", "recovered"),
    [
        (run_that_recovered(), True),
        (run_that_stayed_wrong(), False),
        (run_that_preflight_refused(), None),
        ([], None),
    ],
    ids=["recovered", "stayed wrong", "refused", "nothing"],
)
def test_whether_it_recovered_is_known_or_not(history: list[Json], recovered: bool | None) -> None:
    """A run that did not start has not failed to recover."""
    assert figures(record(history)).recovered is recovered


STRANGE: list[Json] = [
    {"run": None, "recovery": [], "worst": 1, "traffic": None, "preflight": {"findings": 3}},
    {"run": {"ended": 5, "seconds": "x"}, "worst": {"ghosts": 2, "missing": True}, "traffic": [1]},
    {"run": {"ended": "2026-99-99", "seconds": 1e30}, "recovery": {"budget": "much"}},
    {"residue": 4, "unconfirmed": "x", "traffic": [{"prompt_tokens": 0, "hit_tokens": 0}]},
]


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_what_a_strange_record_does_not_tell_is_none(number: int) -> None:
    """It may be of another version, or of another's making."""
    told = record([]) | STRANGE[number]

    seen = figures(told)

    of_requests = (seen.hit_ratio, seen.p50, seen.failed_ratio)
    of_blocks = (seen.missing, seen.phantom, seen.ghosts)
    assert {seen.began, seen.seconds, seen.budget, seen.recovery, *of_requests, *of_blocks} <= {
        None,
        0.0 if number == 3 else None,
        1e30 if number == 2 else None,
    }
    assert (findings(told), left_behind(told)) == ([], [])


def test_what_is_left_is_told_with_what_is_not_known_to_be_gone() -> None:
    """Both have to be seen to."""
    unsure = "networkchaos/partition-7f3a9c in kvchaos, which its own duration ends 60 s after"

    assert left_behind(record(run_that_recovered())) == []
    assert len(left_behind(record(run_that_left_residue()))) == 2
    assert left_behind(record(run_whose_api_went_away()))[0].startswith(
        f"its end could not be confirmed: {unsure}"
    )
