"""Reports of a game day: figures, what got worse, Markdown and a page that nothing can break."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvchaos.gameday.day import Attempt, Day, Facts, Note, Step, Stop, Stopped, keep
from kvchaos.gameday.markdown import markdown
from kvchaos.gameday.page import day_page
from kvchaos.gameday.reports import previous, write_reports
from kvchaos.gameday.since import compared
from kvchaos.gameday.summary import summary
from kvchaos.verdict.result import Status

EVIL = "<script>alert(1)</script> | `rm` [x](javascript:y)"


def run(seconds: float | None, *, status: Status = Status.PASS, missing: int = 16) -> Attempt:
    facts = Facts(
        headline="it recovered",
        faults=1,
        fault_time=3.0,
        requests=40,
        failed_requests=2,
        hit_ratio=0.5,
        recovery=seconds,
        missing=missing,
    )
    return Attempt(100.0, run="r1", ended=110.0, exit_code=0, status=status, facts=facts)


def day(*attempts: Attempt | None, began: float = 1000.0, play: str = "cut", **more: object) -> Day:
    """A day with one experiment, played so often; None: not played."""
    steps = [Step(n, play, n, attempts=[a] if a else []) for n, a in enumerate(attempts, 1)]
    made = Day("weekly", "to know", "us", "plan.yaml", "", began, steps, ended=began + 60)
    for key, value in more.items():
        setattr(made, key, value)
    return made


def test_runs_of_one_experiment_are_a_distribution() -> None:
    """What was not played, or did not recover, has no time."""
    told = summary(day(run(0.5), run(1.5), run(None, status=Status.FAIL), None))

    assert told["experiments"] == [
        {
            "name": "cut",
            "planned": 4,
            "played": 3,
            "status": "fail",
            "statuses": {"fail": 1, "pass": 2},
            "recovery": {
                "count": 2,
                "minimum": 0.5,
                "median": 1.0,
                "p95": 1.5,
                "maximum": 1.5,
                "values": [0.5, 1.5],
            },
            "missing": 16,
            "hit_ratio": 0.5,
            "failed_share": 0.05,
            "values": {
                "missing": [16, 16, 16],
                "hit_ratio": [0.5, 0.5, 0.5],
                "failed_share": [0.05, 0.05, 0.05],
            },
        }
    ]
    assert [step["status"] for step in told["steps"]] == ["pass", "pass", "fail", "not played"]
    assert (told["status"], told["exit_code"], told["played"]) == ("fail", 1, 3)


def changes(now: Day, before: Day) -> tuple[list[str], list[str]]:
    since = compared(summary(now), summary(before), folder="f")
    return [each["text"] for each in since["worse"]], [each["text"] for each in since["better"]]


def test_a_slower_recovery_is_worse_and_sure_when_all_runs_are_apart() -> None:
    """Three against three, none of which overlap."""
    fast, slow = day(run(0.5), run(0.6), run(0.7)), day(run(1.5), run(1.6), run(1.7))
    text = "cut: median recovery 1.60 s, 0.60 s last time"

    assert changes(slow, fast) == ([text], [])
    assert changes(fast, slow) == ([], ["cut: median recovery 0.60 s, 1.60 s last time"])


def test_a_difference_of_few_runs_may_be_chance() -> None:
    """One run each proves nothing."""
    worse, _ = changes(day(run(1.5)), day(run(0.5)))

    assert worse == [
        "cut: median recovery 1.50 s, 0.50 s last time (so few runs: this may be chance)"
    ]


CHANCE = " (so few runs: this may be chance)"


def test_figures_and_statuses_that_overlap_may_be_chance() -> None:
    """However many runs there are: one run of three that is worse is one run."""
    now = day(run(0.5, missing=16), run(0.5, missing=16), run(0.5, missing=25))
    worse, _ = changes(now, day(*[run(0.5)] * 3))
    one = changes(day(run(0.5), run(0.5), run(0.5, status=Status.FAIL)), day(*[run(0.5)] * 3))

    assert worse == [f"cut: most blocks missing 25, 16 last time{CHANCE}"]
    assert one == ([f"cut: status fail, pass last time{CHANCE}"], [])


def test_a_single_run_of_another_status_may_be_chance() -> None:
    """Also when it is all that was played."""
    worse, better = changes(day(run(0.5, status=Status.UNKNOWN)), day(run(0.5)))

    assert (worse, better) == ([f"cut: status unknown, pass last time{CHANCE}"], [])


def test_runs_that_did_not_recover_are_slower_than_all_that_did() -> None:
    """So a day that has one is not faster for sure."""
    fast = day(*[run(0.5)] * 3, run(None, status=Status.FAIL))
    slow = day(*[run(1.5)] * 4)

    assert f"cut: median recovery 1.50 s, 0.50 s last time{CHANCE}" in changes(slow, fast)[0]
    assert f"cut: recovered in 4 of 4 runs, in 3 of 4 runs last time{CHANCE}" in [
        *changes(slow, fast)[1]
    ]


def test_a_difference_below_what_is_measured_is_none() -> None:
    """A tenth of a second more is noise."""
    assert changes(day(run(0.2)), day(run(0.1))) == ([], [])


def test_a_worse_status_and_runs_that_do_not_recover_are_told() -> None:
    """And more blocks that were missing."""
    bad = day(*[run(None, status=Status.FAIL, missing=90)] * 3)
    worse, better = changes(bad, day(*[run(0.5)] * 3))

    assert (worse, better) == (
        [
            "cut: status fail, pass last time",
            "cut: recovered in 0 of 3 runs, in 3 of 3 runs last time",
            "cut: most blocks missing 90, 16 last time",
        ],
        [],
    )


def test_days_are_compared_with_the_last_of_the_same_plan(tmp_path: Path) -> None:
    """Not with one that is later, of another plan, under way, or not readable."""
    days = {
        "old": day(run(1.0), began=10.0),
        "last": day(run(1.0), began=200.0),
        "later": day(run(1.0), began=5000.0),
        "other": day(run(1.0), began=300.0, plan="daily"),
        "under way": day(run(1.0), began=400.0, ended=None),
        "nothing": day(None, began=500.0),
        "now": day(run(1.0)),
    }
    for name, each in days.items():
        (tmp_path / name).mkdir()
        keep(each, tmp_path / name)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "gameday.json").write_text("{")

    assert previous(days["now"], tmp_path / "now") == (days["last"], tmp_path / "last")


def test_the_three_reports_are_written_and_tell_the_same(tmp_path: Path) -> None:
    """For a program, a chat, a person."""
    (tmp_path / "now").mkdir()
    complaints: list[str] = []

    told = write_reports(day(run(0.5)), tmp_path / "now", tell=complaints.append)

    assert (complaints, told["status"]) == ([], "pass")
    assert json.loads((tmp_path / "now" / "report.json").read_text()) == told
    assert (tmp_path / "now" / "report.md").read_text().startswith("# Game day weekly: pass\n")
    assert "<title>Game day weekly" in (tmp_path / "now" / "report.html").read_text()


def test_a_report_that_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """The day went as it went."""
    (tmp_path / "now" / "report.json").mkdir(parents=True)
    complaints: list[str] = []

    told = write_reports(day(run(0.5)), tmp_path / "now", tell=complaints.append)

    assert told["status"] == "pass"
    assert [each.split(":")[0] for each in complaints] == ["report.json could not be made"]
    assert (tmp_path / "now" / "report.html").exists()


@pytest.mark.parametrize("form", [markdown, day_page], ids=["markdown", "html"])
def test_no_text_of_a_plan_or_a_run_becomes_markup(form: object) -> None:
    """Names, reasons and headlines are somebody else's."""
    broken = run(0.5)
    broken.why, broken.run = EVIL, EVIL
    told = summary(
        day(
            broken,
            play=EVIL,
            purpose=EVIL,
            owner=EVIL,
            stopped=Stopped(Stop.RUN, EVIL),
            log=[Note(1.0, "ended", EVIL)],
        )
    )
    assert callable(form)

    made = form(told)

    assert "<script>alert" not in made
    if form is markdown:
        assert "[x](javascript" not in made.replace("\\[x\\](", "")
    else:
        assert 'href="javascript' not in made


def test_the_page_of_a_day_that_did_nothing_says_so() -> None:
    """No figure is made up."""
    made = day_page(summary(day(None, stopped=Stopped(Stop.WINDOW, "no window is open"))))

    assert "Ended early by window: no window is open" in made
    assert "not played" in made


def test_a_run_that_was_broken_off_and_played_again_is_in_the_reports() -> None:
    """The day passed, and its reader learns that one run of it was aborted, and which."""
    made = day(run(0.5))
    broken = Attempt(90.0, run="r0", ended=95.0, exit_code=3, status=Status.ABORTED, why="SIGINT")
    made.steps[0].attempts.insert(0, broken)
    told = summary(made)

    assert "| 1 | cut | aborted |  | r0 | played again: SIGINT |" in markdown(told)
    assert 'href="runs/r0/report.html"' in day_page(told)
    assert "played again: SIGINT" in day_page(told)
