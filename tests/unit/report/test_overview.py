"""The page over several runs says how each went, and hides none that could not be read."""

from __future__ import annotations

from kvchaos.report.figures import Figures, figures
from kvchaos.report.html.overview import overview_page
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import (
    Json,
    altered,
    run_that_preflight_refused,
    run_that_recovered,
    run_that_stayed_wrong,
)


def told(history: list[Json]) -> Figures:
    return figures(as_json(history, judge(history)))


def test_page_has_the_colours_of_the_worst_run() -> None:
    """And counts them all."""
    runs = [told(run_that_recovered()), told(run_that_stayed_wrong()), told(run_that_recovered())]

    page = overview_page(runs, links=["a/report.html", None, None])

    assert '<html lang="en" class="fail">' in page
    assert "<h1>3 runs: 2 pass, 1 fail</h1>" in page
    assert page.count('<a href="a/report.html">') == 1
    assert "n 2, median 2.35 s, 2.35 s to 2.35 s; 1 never" in page


def test_runs_without_a_recovery_have_no_chart() -> None:
    """What is not known is said to be unknown."""
    page = overview_page([told(run_that_preflight_refused())], links=[None])

    assert 'id="recovery"' not in page
    assert page.count(">unknown</td>") == 2


def test_runs_that_could_not_be_read_are_told() -> None:
    """Also when there are no others."""
    page = overview_page([], links=[], unread=[("runs/x", "history is broken")])

    assert '<html lang="en" class="unknown">' in page
    assert "<li>runs/x: history is broken</li>" in page


def test_texts_are_escaped() -> None:
    """Names and links come from elsewhere."""
    run = told(altered(run_that_recovered(), "run_started", experiment="<script>x"))

    page = overview_page([run], links=['"><script>'])

    assert "<script>x" not in page
    assert '<a href="&#34;&gt;&lt;script&gt;">&lt;script&gt;x</a>' in page
