"""``kvchaos bench``: what it lists, writes, and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos.bench import suites
from kvchaos.cli import main


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, ["bench", *words])


def test_the_list_says_what_is_measured_and_what_raises_the_alarm() -> None:
    """Of those that a pattern names."""
    ran = bench("list", "oracle.fold", "lab")

    assert ran.exit_code == 0
    assert ran.output.splitlines()[:3] == [
        (
            "lab.start  `kvchaos lab up`, the memory of daemon, node and pods together, "
            "`kvchaos lab down`.  [slow]  [lab]"
        ),
        "    up: s, lower, target 4",
        "    down: s, lower",
    ]
    assert "  * one figure: us of CPU, lower" in ran.output


def test_a_run_writes_json_markdown_and_a_flame_graph(tmp_path: Path) -> None:
    """Each figure with its benchmark's name, the machine, the commit, the seed."""
    figures, page, flames = tmp_path / "f.json", tmp_path / "f.md", tmp_path / "flames"
    words = ("--samples", "1", "--seed", "3", "--profile", str(flames))

    ran = bench("run", "wire.encode_map", *words, "--json", str(figures), "--markdown", str(page))

    assert ran.exit_code == 0, ran.output
    found = json.loads(figures.read_text())
    assert [*found["figures"]] == ["wire.encode_map"]
    assert (found["seed"], found["errors"]) == (3, {})
    assert found["machine"]["cores"] >= 1
    assert "| wire.encode_map |" in page.read_text()
    assert {each.name for each in flames.iterdir()} == {
        "wire.encode_map.folded",
        "wire.encode_map.svg",
    }


@pytest.mark.parametrize("verb", ["list", "run", "compare", "prove"])
def test_a_pattern_that_names_nothing_is_a_mistake(verb: str) -> None:
    """Exit code 4, with the names there are."""
    ran = bench(verb, "nothing")

    assert ran.exit_code == 4
    assert "no benchmark nothing: wanted one or more of" in ran.output


def test_a_baseline_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    """Exit code 4, before anything is measured."""
    ran = bench("compare", "wire.encode_map", "--baseline", str(tmp_path / "none.json"))

    assert ran.exit_code == 4
    assert "holds no figures" in ran.output


def test_a_revision_that_is_not_here_is_a_mistake() -> None:
    """Who names a commit does not want another base."""
    ran = bench("compare", "wire.encode_map", "--against", "no-such-revision")

    assert ran.exit_code == 4
    assert "git rev-parse: wanted an answer for no-such-revision" in ran.output


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A suite that cannot be imported, and what is said of it."""
    (tmp_path / "lacking.py").write_text("from kvchaos.clock import no_such_thing\n")
    monkeypatch.setattr(suites, "__path__", [*suites.__path__, str(tmp_path)])
    return "ImportError: cannot import name 'no_such_thing'"


def test_a_suite_that_cannot_be_loaded_is_no_success(broken: str, tmp_path: Path) -> None:
    """Its figures may be any, also of what a pattern names: they are unknown, and told so."""
    figures, compared = tmp_path / "f.json", tmp_path / "c.json"

    listed = bench("list", "wire")
    ran = bench("run", "wire.ratio_map", "--samples", "1", "--json", str(figures))
    beside = bench(
        *("compare", "wire.ratio_map", "--stored", "--baseline", str(figures)),
        *("--json", str(compared)),
    )
    proven = bench("prove", "wire.ratio_map")

    assert [each.exit_code for each in (listed, ran, beside, proven)] == [2, 2, 2, 2]
    assert {f"suite lacking cannot be loaded: {broken}" in each.stderr for each in (listed, ran)}
    assert json.loads(figures.read_text())["errors"]["suite lacking"].startswith(broken)
    assert "suite lacking" in beside.stdout
    (told,) = json.loads(compared.read_text())["figures"]
    assert (told["label"], told["gate"], told["judgement"]) == ("suite lacking", True, "unknown")
    assert told["reason"].startswith(f"not loaded: {broken}")
    assert "nothing is proven: saw lacking cannot be loaded" in proven.stderr
