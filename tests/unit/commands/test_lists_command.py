"""What there is, told without the source: the lists, completion, experiments by name."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kvchaos import actions, probes
from kvchaos.assets import asset
from kvchaos.cli import SECTIONS, VERBS, main
from kvchaos.commands.shipped import find_experiment
from kvchaos.errors import ExperimentInvalid
from tests.chaosrun import BIN, EXPERIMENTS


def said(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is no checkout, and one is in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def with_own(elsewhere: Path) -> Path:
    """One with a ``pod-kill`` of its own, and a file beside it that is no experiment."""
    (elsewhere / "experiments").mkdir()
    (elsewhere / "experiments" / "pod-kill.json").write_text(json.dumps({"title": "Mine?"}))
    (elsewhere / "experiments" / "broken.json").write_text("{")
    return elsewhere


def first_words(result: Result) -> list[str]:
    return [line.split()[0] for line in result.output.splitlines()]


def test_every_shipped_experiment_and_template_has_its_line(elsewhere: Path) -> None:
    """By the name that the other verbs take, with what it does."""
    files = sorted(path.name for path in asset("templates").iterdir())

    assert first_words(said("experiments")) == sorted(EXPERIMENTS)
    assert [f"{name}.yaml.j2" for name in first_words(said("templates"))] == files
    assert "Does the router's index recover when the link to an engine is cut?" in (
        said("experiments").output
    )


def test_every_probe_and_action_has_its_line() -> None:
    """As the modules name them; markup of the documentation is left out."""
    assert first_words(said("probes")) == sorted(probes.__all__)
    assert first_words(said("actions")) == sorted(actions.__all__)
    assert "`" not in said("probes").output + said("actions").output


def test_a_name_prints_that_one_in_full(elsewhere: Path) -> None:
    """The file as it is shipped, or how the function is called and what it returns."""
    shipped = asset("templates", "pod-kill.yaml.j2").read_text()

    assert said("templates", "pod-kill").output == shipped
    assert said("probes", "no_residue").output.splitlines()[:3] == [
        "kvchaos.probes.no_residue() -> dict[str, Any]",
        "",
        "Whether anything of this run's faults is left: Chaos Mesh objects, entries in its pods.",
    ]


@pytest.mark.parametrize("verb", ["experiments", "templates", "probes", "actions"])
def test_an_unknown_name_tells_those_that_are_known(verb: str) -> None:
    """As a usage error, with no traceback."""
    result = said(verb, "nope")

    assert result.exit_code == 4
    assert f"no 'nope' among the {verb}: wanted one of " in result.output


def test_a_folders_own_experiments_are_listed_by_path_and_hide_shipped_ones(with_own: Path) -> None:
    """The name means the folder's own, so the shipped one is not offered; a broken one is told."""
    assert said("experiments").output.splitlines()[:2] == [
        "experiments/broken.json    (cannot be read)",
        "experiments/pod-kill.json  Mine?",
    ]
    assert first_words(said("experiments")).count("pod-kill") == 0


def test_a_name_means_a_file_then_the_folders_own_then_the_shipped_one(with_own: Path) -> None:
    """In this order, in every verb; what has a suffix or a folder in it is a path."""
    (with_own / "plain").write_text("{}")

    assert find_experiment(Path("plain")) == Path("plain")
    assert find_experiment(Path("pod-kill")) == Path("experiments/pod-kill.json")
    assert find_experiment(Path("router-restart")) == asset("experiments", "router-restart.json")
    assert find_experiment(Path("nowhere.json")) == Path("nowhere.json")
    assert find_experiment(Path("no/where")) == Path("no/where")


def test_an_unknown_name_is_told_with_those_that_there_are(elsewhere: Path) -> None:
    """A misspelt name is the likeliest mistake."""
    with pytest.raises(ExperimentInvalid) as caught:
        find_experiment(Path("pod-kil"))

    assert str(caught.value) == (
        "no experiment at pod-kil: wanted a file, or one of " + ", ".join(sorted(EXPERIMENTS))
    )


def test_verbs_take_an_experiment_by_name(elsewhere: Path) -> None:
    """And say which file was meant."""
    path = asset("experiments", "pod-kill.json")

    assert said("validate", "pod-kill").output == f"{path}: valid\n"


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_each_shell_gets_its_script(shell: str) -> None:
    """It calls the command back with the variable that click answers to."""
    result = said("completion", shell)

    assert (result.exit_code, f"_KVCHAOS_COMPLETE={shell}_complete" in result.output) == (0, True)


def completed(words: str, folder: Path) -> list[str]:
    """What bash is offered for the last word."""
    done = subprocess.run(
        [BIN / "kvchaos"],
        env=os.environ
        | {
            "_KVCHAOS_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_verbs_and_names_are_completed(elsewhere: Path) -> None:
    """The verbs by their table alone; experiments by name."""
    assert completed("kvchaos re", elsewhere) == [
        verb for verb in sorted(VERBS) if verb.startswith("re")
    ]
    assert completed("kvchaos validate p", elsewhere) == ["pod-kill"]


def test_the_help_tells_every_verb_once() -> None:
    """In a section, so that twenty of them can be read; a new one may stand in none yet."""
    lines = [line.split() for line in said("--help").output.splitlines()]

    assert {verb for verbs in SECTIONS.values() for verb in verbs} <= set(VERBS)
    assert sorted(words[0] for words in lines if words and words[0] in VERBS) == sorted(VERBS)


@pytest.mark.parametrize("verb", ["experiments", "templates", "probes", "completion", "init"])
def test_every_list_explains_itself(verb: str) -> None:
    """As all verbs do."""
    assert said(verb, "--help").output.startswith(f"Usage: main {verb} ")
