"""A run's page: what it says for each way in which a run can end."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kvchaos.report.folder import RunData, read_run
from kvchaos.report.html import run_page
from kvchaos.report.html.run import UNREADABLE
from kvchaos.report.html.surroundings import ALL_LOGS, LOG_END
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import (
    altered,
    event,
    injected,
    run_that_left_residue,
    run_that_recovered,
    run_that_stayed_wrong,
    run_that_was_aborted,
    run_whose_fault_never_landed,
    run_with_a_pod_killed,
    run_with_observer_incomplete,
    run_with_router_unreachable,
    sample,
    started,
)

Json = dict[str, Any]

RUNS = Path(__file__).parents[3] / "data" / "runs"
ALL = (
    run_that_recovered,
    run_that_stayed_wrong,
    run_that_was_aborted,
    run_that_left_residue,
    run_whose_fault_never_landed,
    run_with_a_pod_killed,
    run_with_observer_incomplete,
    run_with_router_unreachable,
)


def data(events: list[Json], **more: Any) -> RunData:
    """A run's folder, as it is read."""
    texts = {"objects": {}, "logs": {}, **more}
    return RunData(Path("run"), [*events], as_json(events, judge(events)), **texts)


def words(page: str) -> str:
    """What is to be read on it."""
    body = re.sub(r"(?s)<(script|style)>.*?</\1>", "", page)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("history", ALL, ids=lambda history: history.__name__)
def test_every_page_opens_with_what_came_of_it(history: Callable[[], list[Json]]) -> None:
    """The status and the sentence of the summary; and every check's answer."""
    told = data(history())

    page = run_page(told)

    assert f'<html lang="en" class="{told.record["status"]}">' in page
    assert told.record["headline"].rstrip(".") in words(page)
    assert all(each["why"] in words(page) for each in told.record["checks"])
    assert UNREADABLE not in page


def test_a_page_has_a_section_for_each_question() -> None:
    """In the order in which they are asked; the contents lead to them."""
    page = run_page(read_run(RUNS / "fail"))

    sections = re.findall(r'<section id="([^"]+)">', page)

    assert sections == [
        "course",
        "recovery",
        "traffic",
        "engines",
        "faults",
        "checks",
        "environment",
        "files",
    ]
    assert re.findall(r'href="#([^"]+)"', page)[1:] == sections


def test_each_worst_figure_is_the_most_of_its_own_kind() -> None:
    """Most phantom blocks may have been seen at another moment than most missing ones."""
    told = [
        injected(),
        sample(5.0, 16, 2, ghosts=["gone"]),
        sample(6.0, 1, 9),
    ]

    page = words(run_page(data([started(), *told])))

    assert "Missing at worst 16 blocks first at 5.00 s" in page
    assert "Phantom at worst 9 blocks first at 6.00 s" in page
    assert "Ghosts at worst 1 pod first at 5.00 s" in page


def test_an_effect_that_was_seen_before_the_injection_is_told_as_that() -> None:
    """No time is below 0: a pod is gone before Chaos Mesh says that it killed it."""
    early = [
        each | {"timeline": each["timeline"] | {"effect": 3.22}} if "timeline" in each else each
        for each in run_with_a_pod_killed()
    ]

    page, usual = (words(run_page(data(each))) for each in (early, run_with_a_pod_killed()))

    assert "Effect seen before Chaos Mesh said that it was injected: 0.30 s" in page
    assert "Injected until effect was seen: 1.19 s" in usual


def test_what_is_left_comes_with_the_command_that_ends_it() -> None:
    """To be copied as it is."""
    page = words(run_page(data(run_that_left_residue())))

    assert "What to do now" in page
    assert "kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab" in page


def test_a_stopped_run_tells_what_became_of_its_fault() -> None:
    """Who stopped it, and that nothing is left."""
    page = words(run_page(read_run(RUNS / "aborted")))

    assert "signal: SIGINT, 4.21 s into the run" in page
    assert "was over 0.21 s later" in page
    assert "nothing is left in the cluster" in page


def test_a_refused_run_shows_all_reasons() -> None:
    """And none of the sections that have nothing to say."""
    findings = [{"text": "no engine matches", "look": "kubectl get pods"}]
    refused = [started(), event(0.1, "preflight", targets=[], findings=findings, notes=[])]

    page = run_page(data(refused))

    assert "no engine matches; see: kubectl get pods" in words(page)
    assert re.findall(r'<section id="([^"]+)">', page) == ["what-now"]


@pytest.mark.parametrize(
    ("name", "wrong", "section"),
    [
        ("fault_injected", {"targets": 7}, "faults"),
        ("recovery", {"after_heal": "soon", "timeline": 3}, "recovery"),
        ("sample", {"engines": [1], "missing": "many", "unknown": 0}, "course"),
        ("traffic", {"by_pod": [], "sent": None}, "traffic"),
    ],
    ids=["fault_injected", "recovery", "sample", "traffic"],
)
def test_what_cannot_be_read_takes_away_its_own_section_at_most(
    name: str, wrong: Json, section: str
) -> None:
    """The page is written, and the checks are on it."""
    page = run_page(data(altered(run_that_recovered(), name, **wrong)))

    assert '<section id="checks">' in page
    assert page.count(UNREADABLE) <= 3


def test_an_empty_history_has_a_page() -> None:
    """It says that nothing is known."""
    page = words(run_page(data([])))

    assert "Nothing is known: the history is empty: nothing was recorded." in page


def test_the_adapter_that_asked_the_router_is_told() -> None:
    """Two of them may tell of the same router otherwise."""
    page = run_page(data(altered(run_that_recovered(), "run_started", adapter="dynamo")))

    assert " router reference (replay) adapter dynamo seed 7 " in words(page)


def test_markup_from_a_run_is_text() -> None:
    """Wherever it comes from: names, errors, objects, logs."""
    evil = "</pre></script><img src=x onerror=alert(1)>\"'"
    events = altered(run_that_recovered(), "run_started", experiment=evil, adapter=evil)
    events = altered(events, "fault_injected", evidence=[{"source": evil, "text": evil}])

    page = run_page(data(events, objects={evil: evil}, logs={evil: evil}))

    assert "<img" not in page
    assert page.count("<script>") == page.count("</script>") == 1


def test_logs_are_bounded() -> None:
    """Of each the end, and of all so much that a phone can open it."""
    long = "x" * 2 * LOG_END + "the end"

    page = run_page(data(run_that_recovered(), logs={f"pod-{at}": long for at in range(100)}))

    assert page.count("the end</pre>") == -(-ALL_LOGS // LOG_END)
    assert len(page) < ALL_LOGS + 200_000


def test_many_engines_are_drawn_in_part() -> None:
    """The ones that were hit first; the page says how many it leaves out."""
    names = [f"engine-{at:03}/0" for at in range(200)]
    counts = {name: {"batches": 1, "blocks": 2, "gaps": 0} for name in names}
    told = [event(at, "rates", engines=counts) for at in (1.0, 2.0)]

    page = words(run_page(data([*run_that_recovered(), *told])))

    assert "201 streams, " in page
    assert "32 of them are shown" in page


def test_a_long_run_has_a_page_of_a_size_that_opens() -> None:
    """An hour, a sample twice a second."""
    samples = [
        event(
            at / 2,
            "sample",
            agrees=at % 3 == 0,
            missing=at % 3,
            phantom=0,
            ghosts=[],
            engines={"e/0": {"missing": at % 3, "phantom": 0}},
            unknown={},
        )
        for at in range(7200)
    ]

    page = run_page(data([started(), *samples]))

    assert len(page) < 300_000


def test_a_router_that_was_judged_without_traffic_is_told_as_that() -> None:
    """Below the steps of its recovery."""
    page = words(run_page(data(altered(run_that_recovered(), "recovery", quiet=14.4))))

    assert "traffic was stopped 1.20 s after the heal, and it was judged without" in page
