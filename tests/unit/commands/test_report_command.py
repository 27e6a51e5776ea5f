"""``kvchaos report``: runs in other forms, for those who did not see them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import Json, altered, run_that_recovered, run_that_stayed_wrong

SECOND = "20260808-150000-000002"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's, with two runs in it; the one that failed is the newer."""
    monkeypatch.chdir(tmp_path)
    kept(tmp_path / "kvchaos-runs" / "z-recovered", run_that_recovered())
    later = altered(run_that_stayed_wrong(), "run_started", run=SECOND)
    later = [each | {"wall": each["wall"].replace("T14:", "T15:")} for each in later]
    kept(tmp_path / "kvchaos-runs" / "a-wrong", later)
    return tmp_path


def kept(folder: Path, history: list[Json]) -> None:
    folder.mkdir(parents=True)
    text = "".join(f"{json.dumps(each)}\n" for each in history)
    (folder / "history.jsonl").write_text(text, encoding="utf-8")
    record = json.dumps(as_json(history, judge(history)))
    (folder / "record.json").write_text(record, encoding="utf-8")


def reported(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


def test_with_nothing_said_the_newest_run_gets_its_page(here: Path) -> None:
    """The newest by when it began; where the page is and how the run went is said."""
    result = reported()

    page = Path("kvchaos-runs/a-wrong/report.html")
    assert (result.exit_code, result.output.split()[:2]) == (0, ["fail", str(page)])
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (here / "kvchaos-runs" / "z-recovered" / "report.html").exists()


def test_of_game_days_every_run_is_told_and_where_the_days_reports_are(here: Path) -> None:
    """Those are in the days' own folders, and are not written anew."""
    days = Path("kvchaos-gamedays")
    for day in ("a", "b"):
        kept(days / day / "runs" / f"run-{day}", run_that_recovered())
        (days / day / "gameday.json").touch()
    (days / "a" / "report.html").write_text("as it was")

    over_days, over_one = reported(str(days)), reported(str(days / "a"))

    runs = [days / day / "runs" / f"run-{day}" / "report.html" for day in ("a", "b")]
    told = [line.rpartition("html")[0] + "html" for line in over_days.stdout.splitlines()]
    assert told == [*(f"pass     {page}" for page in runs), f"game day {days}/a/report.html"]
    assert over_one.stdout.splitlines()[1:] == [f"game day {days}/a/report.html"]
    assert (days / "a" / "report.html").read_text() == "as it was"
    assert not (days / "b" / "report.html").exists()


def test_who_has_game_days_alone_is_told_how_to_report_on_them(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder it is the newest single run."""
    (here / "elsewhere" / "kvchaos-gamedays").mkdir(parents=True)
    monkeypatch.chdir(here / "elsewhere")

    result = reported()

    assert result.exit_code == 4
    assert result.stderr.endswith("here, either; see: kvchaos report kvchaos-gamedays\n")


def test_all_forms_are_written_over_all_runs(here: Path) -> None:
    """Folders that lack are made; the oldest run stands first in each of them."""
    forms = {"junit": "out/j.xml", "markdown": "out/s.md", "json": "out/a.json", "metrics": "out/m"}
    asked = [part for form, to in forms.items() for part in (f"--{form}", to)]

    result = reported("kvchaos-runs", *asked)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [f"{to} written" for to in forms.values()]
    suites = ET.parse(here / "out" / "j.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "3"]
    markdown = (here / "out" / "s.md").read_text(encoding="utf-8")
    assert markdown.startswith("## ❌ kvchaos: 2 runs: 1 pass, 1 fail\n")
    told = json.loads((here / "out" / "a.json").read_text(encoding="utf-8"))
    assert [run["status"] for run in told.pop("runs")] == ["pass", "fail"]
    seconds = {"minimum": 2.35, "median": 2.35, "p95": 2.35, "maximum": 2.35, "values": [2.35]}
    assert told == {
        "statuses": {"pass": 1, "fail": 1},
        "experiments": {
            "The router's index survives: network-partition": {
                "runs": 2,
                "not_recovered": 1,
                "not_measured": 0,
                "recovery_seconds": {"count": 1, **seconds},
            }
        },
        "unread": [],
    }
    assert "kvchaos_last_passed{" in (here / "out" / "m").read_text(encoding="utf-8")


def test_a_dash_is_the_standard_output_and_nothing_else_is_on_it() -> None:
    """It can be piped on, in UTF-8."""
    result = reported("--markdown", "-", "--junit", "j.xml", "kvchaos-runs/z-recovered")

    assert result.exit_code == 0
    assert result.stdout.startswith("## ✅ kvchaos: pass\n")
    assert "written" not in result.stdout


def test_a_page_is_of_one_run_or_over_all(here: Path) -> None:
    """Over several it leads to the pages that are there, from wherever it is."""
    reported()
    one = reported("--html", "one.html")

    all_of_them = reported("kvchaos-runs", "--html", "out/all.html")

    assert (one.stdout, all_of_them.stdout) == ("one.html written\n", "out/all.html written\n")
    assert "<h1>The router&#39;s index did not become right" in Path("one.html").read_text("utf-8")
    page = Path("out/all.html").read_text(encoding="utf-8")
    assert "<h1>2 runs: 1 pass, 1 fail</h1>" in page
    leads_to = [part.partition('"')[0] for part in page.split('<a href="')[1:]]
    assert [each for each in leads_to if "#" not in each] == ["../kvchaos-runs/a-wrong/report.html"]


def test_a_run_that_cannot_be_read_costs_the_others_nothing(here: Path) -> None:
    """It is told, in the exit code and in the forms, too: it must not vanish."""
    broken = here / "kvchaos-runs" / "broken"
    broken.mkdir()
    (broken / "history.jsonl").write_text("{\n{}\n", encoding="utf-8")

    result = reported("kvchaos-runs", "--junit", "-")

    assert result.exit_code == 2
    assert "kvchaos: kvchaos-runs/broken could not be read: history" in result.stderr
    root = ET.fromstring(result.stdout)
    assert [suite.get("name") for suite in root][2:] == ["kvchaos-runs/broken"]
    assert root.get("errors") == "1"


def test_what_a_folder_lacks_is_told(here: Path) -> None:
    """A run without a record was killed: its verdict is that of its history."""
    (here / "kvchaos-runs" / "a-wrong" / "record.json").unlink()

    result = reported()

    note = "record.json: not there; the verdict is from the history"
    assert (result.exit_code, result.stderr) == (0, f"kvchaos: kvchaos-runs/a-wrong: {note}\n")


def test_metrics_are_pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said of how many experiments; beside a report on the standard output, not there."""
    got: list[int] = []

    def put(records: list[Json], url: str) -> int:
        got.append(len(records))
        return len({record["run"]["experiment"] for record in records})

    monkeypatch.setattr("kvchaos.commands.report.push", put)

    result = reported("kvchaos-runs", "--push", "http://gateway:9091")
    beside = reported("kvchaos-runs", "--push", "http://gateway:9091", "--metrics", "-")

    assert (result.stdout, got) == ("metrics of 1 experiment pushed\n", [2, 2])
    assert beside.stderr == "metrics of 1 experiment pushed\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--junit", "-", "--json", "-"], "the standard output: wanted one report at most"),
        (["no-such"], "no-such: wanted a run's folder, or one with runs in it, saw no folder"),
        (["."], ". is no run's folder: wanted history.jsonl or record.json in it"),
        (["--push", "gateway"], "--push: wanted http://HOST:PORT or https://"),
        (["--junit", "kvchaos-runs"], "'--junit': File 'kvchaos-runs' is a directory."),
    ],
)
def test_mistakes_are_said(arguments: list[str], said: str) -> None:
    """As usage errors, with what was wanted."""
    result = reported(*arguments)

    assert result.exit_code == 4
    assert said in " ".join(result.stderr.split())


def test_without_any_run_here_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user in another folder sees what was looked for."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    result = reported()

    said = "kvchaos: no FOLDER: wanted a run's folder, saw no kvchaos-runs here, either\n"
    assert (result.exit_code, result.stderr) == (4, said)
