"""Markdown says how the runs went, shows text as it is, and stays small."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvchaos.report.folder import RunData
from kvchaos.report.json import as_json
from kvchaos.report.markdown import fenced, inline, markdown
from kvchaos.verdict.verdict import judge
from tests import builders
from tests.builders import Json, altered

MIB = 2**20


def run(history: list[Json], *notes: str) -> RunData:
    record = as_json(history, judge(history))
    return RunData(Path("runs/x"), [*history], record, {}, {}, notes)


def test_one_run_is_told_with_its_course() -> None:
    """The verdict first; the course is there, folded."""
    text = markdown([run(builders.run_that_recovered())])

    assert text.splitlines()[:5] == [
        "## ✅ kvchaos: pass",
        "",
        "|  | Experiment | Status | Recovery | At its worst | Requests | Took |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        (
            "| ✅ | The router's index survives: network-partition | pass | 2.35 s (budget 30 s) "
            "| 84 missing, 0 phantom | 240, 2 failed, 68 % hits | 17.5 s |"
        ),
    ]
    assert "<details><summary>What happened</summary>\n\n```text\nFAULT  " in text
    assert "\n  index agrees  " in text
    assert "\n16 of 16 checks passed.\n" in text


def test_several_runs_are_counted_and_the_worst_is_told_first() -> None:
    """The sign in the title is that of the worst."""
    histories = [
        builders.run_that_recovered(),
        builders.run_that_left_residue(),
        builders.run_that_stayed_wrong(),
        builders.run_that_recovered(),
    ]

    lines = markdown([run(each) for each in histories]).splitlines()

    assert lines[0] == "## ⚠️ kvchaos: 4 runs: 2 pass, 1 fail, 1 residue"
    assert [line.split()[1] for line in lines if line.startswith("### ")] == ["⚠️", "❌", "✅", "✅"]
    assert "kvchaos reap --run 20260808-140300-7f3a9c --context kvchaos-lab" in lines
    spread = "2 recoveries after the heal: median 2.35 s, p95 2.35 s"
    assert f"**The router's index survives: network-partition**: {spread}" in lines


def test_a_run_that_did_not_start_tells_its_reasons_and_no_checks() -> None:
    """As the summary on a terminal does."""
    text = markdown([run(builders.run_that_preflight_refused())])

    assert "\n- a hold is on: database migration, by alice, since 2026-08-08T13:10:00Z\n" in text
    assert "checks passed" not in text


def test_what_lacks_is_told() -> None:
    """Notes on a run, and runs that could not be read at all."""
    text = markdown([run([], "history.jsonl: not there")], unread=[("runs/y", "broken")])

    assert "<sub>history.jsonl: not there</sub>" in text
    assert "❓ **runs/y could not be read**: broken" in text
    assert "| ❓ | a run without a name | unknown | unknown | unknown | none told |" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b\nc", r"a\|b c"),
        ("<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;"),
        ("*x* _y_ `z` [l](u) ~~s~~ #1 \\", r"\*x\* \_y\_ \`z\` \[l\](u) \~\~s\~\~ \#1 \\"),
        ("@all \x1b[0m", "@\u200ball  \\[0m"),
        ("x" * 500, "x" * 400 + "..."),
    ],
)
def test_text_shows_as_it_is(text: str, shown: str) -> None:
    """No markup, no mention of anybody, no second line, and not too much of it."""
    assert inline(text) == shown


def test_code_cannot_end_its_block() -> None:
    """The fence is longer than any within."""
    assert fenced("a\n````\nb\n") == "`````text\na\n````\nb\n`````"


def test_a_malformed_event_costs_its_course_alone() -> None:
    """The verdict and the checks stand in the record."""
    history = altered(builders.run_that_recovered(), "traffic", prompt_tokens="many")

    text = markdown([run(history)])

    assert "(malformed event, the course is left out: " in text
    assert "checks passed." in text


def test_many_runs_stay_below_what_github_shows() -> None:
    """The table is cut, then runs are told in the table alone."""
    bad = run(builders.run_that_stayed_wrong())

    text = markdown([bad] * 1000)

    assert len(text.encode()) < MIB / 2
    assert "\n... and 600 more.\n" in text
    assert "\n960 more runs are in the table alone.\n" in text
