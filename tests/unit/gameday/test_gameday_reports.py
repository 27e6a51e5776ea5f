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
from kvchaos.gameday.words import since_lines
from kvchaos.report.ranks import apart
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


TOO_FEW = " (too few runs to tell)"
CHANCE = " (this may be chance)"


@pytest.mark.parametrize(("rounds", "doubt"), [(1, TOO_FEW), (3, TOO_FEW), (4, TOO_FEW), (5, "")])
def test_a_slower_recovery_is_sure_once_there_are_runs_to_tell(rounds: int, doubt: str) -> None:
    """By the rule of ``kvchaos compare``: three against three are never sure, however far apart."""
    fast, slow = (day(*(run(at + n / 10) for n in range(rounds))) for at in (0.5, 1.5))
    middle = (rounds - 1) / 20
    was, now = f"{0.5 + middle:.2f} s", f"{1.5 + middle:.2f} s"

    assert changes(slow, fast) == ([f"cut: median recovery {now}, {was} last time{doubt}"], [])
    assert changes(fast, slow) == ([], [f"cut: median recovery {was}, {now} last time{doubt}"])


def test_a_game_day_is_as_sure_as_a_comparison_of_its_runs() -> None:
    """One rule for both: with more that is asked, more runs are needed."""
    fast = day(*(run(0.5 + n / 10, missing=n) for n in range(6)))
    slow = day(*(run(1.5 + n / 10, missing=n % 4) for n in range(6)))
    more = day(*(run(1.5 + n / 10, missing=n + 90) for n in range(6)))
    told = [compared(summary(each), summary(fast), folder="f") for each in (slow, more)]

    assert [[(each["what"], each["sure"]) for each in day["worse"]] for day in told] == [
        [("median recovery", True)],
        [("median recovery", True), ("most blocks missing", True)],
    ]
    assert apart([([1.0] * 6, [2.0] * 6)] * 4) == [True] * 4
    assert apart([([1.0] * 6, [2.0] * 6)] * 5) == [None] * 5


def test_how_many_runs_would_tell_is_told_with_those_that_are_too_few() -> None:
    """And not where there were enough."""
    few = compared(summary(day(run(1.5))), summary(day(run(0.5))), folder="f")
    many = compared(
        summary(day(*[run(1.5)] * 7)), summary(day(*(run(n / 2) for n in range(7)))), folder="f"
    )

    assert (few["enough"], few["worse"][0]["sure"]) == (7, None)
    assert "7 runs of an experiment on each day are enough to tell" in [*since_lines(few)]
    assert many["enough"] is None
    assert not [line for line in since_lines(many) if "enough" in line]


def test_figures_and_statuses_that_overlap_may_be_chance() -> None:
    """However many runs there are: one run that is worse is one run."""
    now = day(*[run(0.5, missing=16)] * 9, run(0.5, missing=25))
    worse, _ = changes(now, day(*[run(0.5)] * 10))
    one = changes(day(*[run(0.5)] * 9, run(0.5, status=Status.FAIL)), day(*[run(0.5)] * 10))

    assert worse == [f"cut: most blocks missing 25, 16 last time{CHANCE}"]
    assert one == ([f"cut: status fail, pass last time{CHANCE}"], [])


def test_a_single_run_of_another_status_tells_nothing() -> None:
    """Also when it is all that was played."""
    worse, better = changes(day(run(0.5, status=Status.UNKNOWN)), day(run(0.5)))

    assert (worse, better) == ([f"cut: status unknown, pass last time{TOO_FEW}"], [])


def test_runs_that_did_not_recover_are_slower_than_all_that_did() -> None:
    """So a day that has some is not faster for sure."""
    fast = day(*[run(0.5)] * 4, *[run(None, status=Status.FAIL)] * 3)
    slow = day(*[run(1.5)] * 7)

    assert f"cut: median recovery 1.50 s, 0.50 s last time{CHANCE}" in changes(slow, fast)[0]
    assert f"cut: recovered in 7 of 7 runs, in 4 of 7 runs last time{CHANCE}" in [
        *changes(slow, fast)[1]
    ]


def test_a_difference_below_what_is_measured_is_none() -> None:
    """A tenth of a second more is noise."""
    assert changes(day(run(0.2)), day(run(0.1))) == ([], [])


def test_a_worse_status_and_runs_that_do_not_recover_are_told() -> None:
    """And more blocks that were missing."""
    bad = day(*[run(None, status=Status.FAIL, missing=90)] * 7)
    worse, better = changes(bad, day(*[run(0.5)] * 7))

    assert (worse, better) == (
        [
            "cut: status fail, pass last time",
            "cut: recovered in 0 of 7 runs, in 7 of 7 runs last time",
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
