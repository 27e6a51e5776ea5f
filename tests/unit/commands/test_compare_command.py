"""``kvchaos compare``: what got worse between two sets of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos.cli import main
from tests.builders import Json, altered, run_that_recovered


def kept(folder: Path, recoveries: list[float], **fields: str) -> Path:
    """A folder of runs that took so long to recover."""
    for number, seconds in enumerate(recoveries):
        run = folder / f"run-{number}"
        run.mkdir(parents=True)
        history = altered(recovered_after(seconds), "run_started", **fields)
        text = "".join(f"{json.dumps(each)}\n" for each in history)
        (run / "history.jsonl").write_text(text, encoding="utf-8")
    return folder


def recovered_after(seconds: float) -> list[Json]:
    history = run_that_recovered()
    (told,) = [each for each in history if each["event"] == "recovery"]
    return altered(history, "recovery", after_heal={**told["after_heal"], "agreed": seconds})


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    kept(folder / "old", [0.5, 0.6, 0.7, 0.8, 0.9])
    kept(folder / "new", [1.5, 1.6, 1.7, 1.8, 1.9])
    return folder


def compared(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def test_what_got_worse_is_printed(sets: Path) -> None:
    """The exit code is 0 all the same, unless it is asked for."""
    result = compared(sets / "old", sets / "new")
    strict = compared(sets / "old", sets / "new", "--fail-if-worse")
    reverse = compared(sets / "new", sets / "old", "--fail-if-worse")

    assert result.stdout.splitlines()[:2] == [
        f"A  {sets}/old (5 runs)",
        f"B  {sets}/new (5 runs)",
    ]
    assert result.stdout.splitlines()[-1].startswith("WORSE: recovery from 0.70 s to 1.70 s: ")
    assert [each.exit_code for each in (result, strict, reverse)] == [0, 1, 0]


def test_two_runs_are_compared_and_too_few(sets: Path) -> None:
    """It is said how many it would take."""
    result = compared(sets / "old" / "run-0", sets / "new" / "run-0", "--fail-if-worse")

    usual = compared(sets / "old" / "run-0", sets / "new" / "run-0")
    assert (result.exit_code, usual.exit_code) == (2, 0)
    last = "Too few runs to say whether the recovery got worse, 7 of each are enough\n"
    assert result.stdout.endswith(last)


def test_an_experiment_that_was_not_played_again_is_no_success(sets: Path, tmp_path: Path) -> None:
    """With --fail-if-worse, as nobody can tell what became of it."""
    both = kept(tmp_path / "both", [0.5, 0.6, 0.7, 0.8, 0.9])
    other = kept(tmp_path / "other", [0.5], experiment="other")
    (other / "run-0").rename(both / "run-9")

    codes = [
        compared(*pair, "--fail-if-worse").exit_code
        for pair in ((both, sets / "old"), (both, sets / "new"))
    ]

    assert codes == [2, 1]


def test_other_forms_are_written(sets: Path, tmp_path: Path) -> None:
    """Beside the text, or alone on the standard output."""
    targets = [tmp_path / name for name in ("c.md", "c.json", "c.html")]
    forms = zip(("--markdown", "--json", "--html"), targets, strict=True)

    result = compared(sets / "old", sets / "new", *(part for form in forms for part in form))
    alone = compared(sets / "old", sets / "new", "--json", "-")

    assert result.stdout.splitlines()[-3:] == [f"{target} written" for target in targets]
    markdown, told, page = (target.read_text(encoding="utf-8") for target in targets)
    assert markdown.startswith("## kvchaos: ")
    assert json.loads(told) == json.loads(alone.stdout)
    assert page.startswith("<!doctype html>")


def test_nothing_in_common_is_a_usage_error(sets: Path, tmp_path: Path) -> None:
    """Else a mistaken folder would look like no regression."""
    for name in ("x", "y"):
        run = tmp_path / "other" / name
        run.mkdir(parents=True)
        history = altered(run_that_recovered(), "run_started", experiment=name)
        text = "".join(f"{json.dumps(each)}\n" for each in history)
        (run / "history.jsonl").write_text(text, encoding="utf-8")

    result = compared(sets / "old", tmp_path / "other")

    assert result.exit_code == 4
    assert "nothing was compared: wanted an experiment that is in both" in result.stderr


def test_a_folder_without_runs_is_a_usage_error(sets: Path, tmp_path: Path) -> None:
    """With what was wanted."""
    result = compared(sets / "old", tmp_path)

    assert (result.exit_code, result.stdout) == (4, "")
    assert "is no run's folder: wanted history.jsonl or record.json in it" in result.stderr
