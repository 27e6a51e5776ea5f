"""Plans: what is taken, and that everything wrong with one is told at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kvchaos.commands.gameday_files import find
from kvchaos.errors import UsageError
from kvchaos.gameday.plan import Budget, Plan, Play, StopWhen, Webhook
from kvchaos.gameday.reading import PlanInvalid, plan_of, read_plan
from kvchaos.gameday.windows import Blackout, Window, Windows

HEAD = "name: weekly\npurpose: to know\nowner: us\n"
WHOLE = """\
name: weekly
purpose: to know
owner: us
context: staging
environment: {KVCHAOS_FAULT_SECONDS: 3, DEBUG: true}
order: random
seed: 5
experiments:
  - a.json
  - {file: a.json, name: again, repeat: 3, var: {recovery_budget: 30}, var_files: [v.yaml]}
windows:
  zone: Europe/Berlin
  open: [{days: [mon, fri], from: "09:00", to: "24:00"}]
  blackouts: [2026-12-24, {from: 2026-12-30, to: 2027-01-02, why: holidays}]
  outside: wait
  wait: 1h30m
  closing: stop
approval: first
pause: 30s
hold: wait
hold_wait: 2m
budget: {faults: 9, fault_time: 5m, failures: 0, failed_requests: 100, time: 45m}
stop_when: {status: [fail], recovery_over: 10s, missing_over: 100}
notify: [{url_env: HOOK, token_env: TOKEN, events: [ended]}]
schedule: "0 10 * * 2"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "v.yaml").write_text("{}")
    return tmp_path.resolve()


def plan(folder: Path, text: str) -> Plan:
    return plan_of(text, path=folder / "plan.yaml", find=find)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(PlanInvalid) as caught:
        plan(folder, text)
    return list(caught.value.findings)


def test_all_that_a_plan_can_say_is_understood(folder: Path) -> None:
    """Times are seconds, files are found, variables are text as a shell has it."""
    berlin = ZoneInfo("Europe/Berlin")
    dark = (
        Blackout(date(2026, 12, 24), date(2026, 12, 24)),
        Blackout(date(2026, 12, 30), date(2027, 1, 2), "holidays"),
    )

    assert plan(folder, WHOLE) == Plan(
        "weekly",
        "to know",
        "us",
        (
            Play("a", folder / "a.json"),
            Play(
                "again",
                folder / "a.json",
                repeat=3,
                var={"recovery_budget": 30},
                var_files=(folder / "v.yaml",),
            ),
        ),
        text=WHOLE,
        context="staging",
        environment={"KVCHAOS_FAULT_SECONDS": "3", "DEBUG": "true"},
        order="random",
        seed=5,
        windows=Windows(berlin, (Window(540, 1440, frozenset({0, 4})),), dark),
        outside="wait",
        wait=5400.0,
        closing="stop",
        approval="first",
        pause=30.0,
        hold="wait",
        hold_wait=120.0,
        budget=Budget(faults=9, fault_time=300.0, failures=0, failed_requests=100, time=2700.0),
        stop_when=StopWhen(frozenset({"fail"}), recovery_over=10.0, missing_over=100),
        notify=(Webhook("HOOK", "TOKEN", frozenset({"ended"})),),
        schedule="0 10 * * 2",
    )


def test_everything_that_the_form_forbids_is_told_at_once(folder: Path) -> None:
    """Each with its place and line; a person mends a plan in one go."""
    text = (
        "name: Weekly Day\npurpose: ''\nexperiments: [{called: x}, 7]\norder: sorted\n"
        "budget: {time: 10}\nwindows: {zone: UTC, open: [{from: 10:00, to: '25:00'}]}\n"
    )

    assert [finding.split(": ")[0] for finding in wrong(folder, text)] == [
        *("the plan", "line 5, budget.time"),
        *("line 3, experiments[1]", "line 3, experiments[1]", "line 3, experiments[2]"),
        *("line 1, name", "line 4, order", "line 2, purpose"),
        *("line 6, windows.open[1].from", "line 6, windows.open[1].to"),
    ]


def test_an_unquoted_time_is_told_as_such(folder: Path) -> None:
    """YAML makes 600 of 10:00."""
    windows = "windows: {zone: UTC, open: [{from: 10:00, to: '11:00'}]}"
    text = f"{HEAD}experiments: [a.json]\n{windows}"

    assert wrong(folder, text) == [
        "line 5, windows.open[1].from: 600 is not of type 'string': put it in quotes"
    ]


def test_what_the_form_cannot_know_is_told_at_once_as_well(folder: Path) -> None:
    """Files, zones, dates, names."""
    text = f"""{HEAD}
experiments: [a.json, a.json, b.json, {{file: a.json, name: c, var_files: [w.yaml]}}]
windows:
  zone: Mars/Olympus
  open: [{{from: "24:00", to: "01:00"}}, {{from: "10:00", to: "10:00"}}]
  blackouts: ["2026-02-30", {{from: 2026-03-02, to: 2026-03-01}}]
"""

    assert wrong(folder, text) == [
        "line 7, windows.zone: no time zone is called 'Mars/Olympus' (such as Europe/Berlin)",
        "line 8, windows.open[1].from: 24:00 begins no window; it is 00:00",
        "line 8, windows.open[2]: it is empty; the whole day is from 00:00 to 24:00",
        "line 9, windows.blackouts[1]: day is out of range for month",
        "line 9, windows.blackouts[2]: it ends on 2026-03-01, before it begins on 2026-03-02",
        f"line 5, experiments[3].file: no experiment at {folder / 'b.json'}",
        f"line 5, experiments[4].var_files: no file at {folder / 'w.yaml'}",
        "line 5, experiments: 2 are called 'a': give each a name, or repeat one",
    ]


def test_a_budget_of_no_time_is_refused_with_its_line(folder: Path) -> None:
    """It would end every game day before its first experiment; nobody means that."""
    text = f"{HEAD}experiments: [a.json]\nbudget:\n  fault_time: 0m0.0s\n  time: 0s\n"

    assert wrong(folder, text) == [
        "line 6, budget.fault_time: wanted longer than 0, such as 10m, saw '0m0.0s'",
        "line 7, budget.time: wanted longer than 0, such as 10m, saw '0s'",
    ]


@pytest.mark.parametrize(
    ("added", "why"),
    [
        ("order: random\norder: listed\n", "line 6: the key 'order' is there already, in line 5"),
        (
            "budget: {time: 1m, time: 2h}\n",
            "line 5: the key 'time' is there already, in line 5",
        ),
    ],
    ids=["at the top", "below"],
)
def test_a_key_that_is_said_twice_is_refused_with_its_line(
    folder: Path, added: str, why: str
) -> None:
    """One of the two would be passed over: perhaps the one that was meant to bound it."""
    assert wrong(folder, f"{HEAD}experiments: [a.json]\n{added}") == [why]


def test_shipped_experiments_are_known_by_name(folder: Path) -> None:
    """``network-partition`` needs no path."""
    found = plan(folder, f"{HEAD}experiments: [network-partition]").plays[0]

    assert (found.name, found.file.name) == ("network-partition", "network-partition.json")


@pytest.mark.parametrize("text", ["", "[]", "{", "a: &x 1\nb: *x", "\x00"], ids=range(5))
def test_what_is_no_plan_at_all_is_told(folder: Path, text: str) -> None:
    """Never a traceback."""
    assert wrong(folder, text)


def test_a_plan_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its path, and why."""
    with pytest.raises(UsageError, match="No such file"):
        read_plan(tmp_path / "plan.yaml", find)
