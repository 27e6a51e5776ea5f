"""``kvchaos run``: mistakes in one line, always a journal, and a true exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from chaoslib.exceptions import InterruptExecution
from click.testing import CliRunner, Result

from kvchaos import cli
from kvchaos.assets import asset
from kvchaos.cli import main
from kvchaos.commands import playing
from kvchaos.commands import run as command
from kvchaos.run import current

Json = dict[str, Any]
PASSED = {"verdict": "pass", "status": "pass", "exit_code": 0}
ABORTED = {"verdict": "unknown", "status": "aborted", "exit_code": 3}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the experiment ``e.json``; nothing of a run before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "configure_logger", lambda **_: None)
    write(shipped())
    current.end()
    current._outcomes.clear()
    yield
    current._listeners.clear()
    current._outcomes.clear()


def shipped() -> Json:
    found: Json = json.loads(asset("experiments", "network-partition.json").read_text())
    return found


def write(experiment: Json, name: str = "e.json") -> None:
    Path(name).write_text(json.dumps(experiment))


def ran(*words: str) -> Result:
    return CliRunner().invoke(main, ["run", *(words or ("e.json",))])


def plays(monkeypatch: pytest.MonkeyPatch, outcome: Json | BaseException) -> list[Json]:
    """Have Chaos Toolkit come to ``outcome``, or raise it; the experiments that it played."""
    played: list[Json] = []

    def play(experiment: Json, strategy: str, journal: Json) -> None:
        played.append({**experiment, "strategy": strategy})
        journal["status"] = "completed"
        if isinstance(outcome, BaseException):
            raise outcome
        journal["kvchaos"] = outcome

    monkeypatch.setattr(playing, "play", play)
    return played


def journal(path: str = "journal.json") -> Json:
    found: Json = json.loads(Path(path).read_text())
    return found


@pytest.mark.parametrize("code", [0, 1, 2, 3, 5])
def test_the_exit_code_is_that_of_the_outcome(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """The journal holds the same."""
    plays(monkeypatch, {**PASSED, "exit_code": code})

    assert (ran().exit_code, journal()["kvchaos"]["exit_code"]) == (code, code)


def test_what_came_of_an_earlier_run_is_not_that_of_one_that_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two runs of one process: the second breaks before its control is asked."""
    current.ended(PASSED)
    plays(monkeypatch, RuntimeError("no such thing"))

    assert ran().exit_code == 2
    assert journal()["kvchaos"]["status"] == "unknown"


def test_the_journal_goes_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whole: no other file is left beside it."""
    plays(monkeypatch, PASSED)

    ran("--journal-path", "there.json", "e.json")

    assert journal("there.json")["status"] == "completed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.json", "there.json"]


def test_variables_stand_in_the_experiment_that_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the command line last, and typed."""
    played = plays(monkeypatch, PASSED)
    Path("v.yaml").write_text("configuration: {seed: 3, namespace: team-a}")

    ran("--var-file", "v.yaml", "--var", "seed:int=9", "e.json")

    assert played[0]["configuration"]["seed"] == 9
    assert played[0]["configuration"]["namespace"] == "team-a"


def test_a_variable_has_the_type_that_its_key_has_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same number, said in two ways."""
    played = plays(monkeypatch, PASSED)

    ran("--var", "fault_seconds=2", "--var", "seed=9", "--var", "namespace=7", "e.json")

    configuration = played[0]["configuration"]
    told = [configuration[key] for key in ("fault_seconds", "seed", "namespace")]
    assert told == [2.0, 9, "7"]
    assert list(map(type, told)) == [float, int, str]


def test_an_experiment_is_played_from_anywhere_with_the_templates_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of two in one call each has its own; whoever asks while it is played learns the folder."""
    asked: list[Path | None] = []

    def play(experiment: Json, strategy: str, journal: Json) -> None:
        asked.append(current.beside())
        journal |= {"status": "completed", "kvchaos": PASSED}

    monkeypatch.setattr(playing, "play", play)
    experiment = shipped()
    text = json.dumps(experiment).replace('"network-partition"', '"templates/own.yaml.j2"')
    cut = asset("templates", "network-partition.yaml.j2").read_text()
    for name in ("one", "two"):
        for folder in ("experiments", "templates"):
            (tmp_path / name / folder).mkdir(parents=True)
        (tmp_path / name / "experiments" / "e.json").write_text(text)
        (tmp_path / name / "templates" / "own.yaml.j2").write_text(cut)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    result = ran("../one/experiments/e.json", str(tmp_path / "two" / "experiments" / "e.json"))

    folders = [tmp_path / each / "experiments" for each in ("one", "two")]
    assert (result.exit_code, asked) == (0, folders)
    (tmp_path / "one" / "templates" / "own.yaml.j2").unlink()
    result = ran("../one/experiments/e.json")
    assert result.exit_code == 4
    places = (
        tmp_path / "one" / each / "own.yaml.j2" for each in ("experiments/templates", "templates")
    )
    assert f"none at {', '.join(map(str, places))}, " in result.output


def test_a_variable_makes_up_for_an_environment_that_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chaos Toolkit validates without variables, and refuses it."""
    plays(monkeypatch, PASSED)
    experiment = shipped()
    experiment["configuration"]["namespace"] = {"type": "env", "key": "NOBODY_HAS_THIS"}
    write(experiment)

    assert (ran().exit_code, ran("--var", "namespace=kvchaos", "e.json").exit_code) == (4, 0)


def test_the_hypothesis_is_asked_when_the_experiment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default before and after the method."""
    played = plays(monkeypatch, PASSED)
    ran()
    runtime = {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "continuously"}}
    write(shipped() | {"runtime": runtime})
    ran()

    assert [each["strategy"] for each in played] == ["default", "continuously"]


WORD = "configuration key 'seed' (environment KVCHAOS_WORD): wanted int, saw 'nine'"
LONG = "j" * 255  # as long as a name may be: none is left for the characters of a temporary one
MISTAKES: dict[str, tuple[list[str], str]] = {
    "no file": (["nowhere.json"], "no experiment at nowhere.json"),
    "no JSON": (["bad.json"], "bad.json is not JSON"),
    "unknown variable": (["--var", "sed=9", "e.json"], "configuration has no sed: wanted one of"),
    "no variable": (["--var", "seed", "e.json"], "--var: wanted KEY[:TYPE]=VALUE"),
    "no number": (["--var", "seed:int=x", "e.json"], "--var: wanted KEY[:TYPE]=VALUE"),
    "a word for a number": (["--var", "seed=x", "e.json"], "--var seed: wanted int, saw 'x'"),
    "no folder for runs": (
        ["--runs", "e.json/x", "e.json"],
        "--runs e.json/x: wanted a folder",
    ),
    "a key twice": (["two.json"], "two.json: wanted each key once in its object, saw 'seed'"),
    "no number in the environment": (["word.json"], WORD),
    "no variable file": (["--var-file", "nowhere.yaml", "e.json"], "--var-file nowhere.yaml"),
    "odd variable file": (["--var-file", "odd.yaml", "e.json"], '{"configuration": {...}'),
    "variable file with a key twice": (["--var-file", "twice.yaml", "e.json"], "saw line 3: the"),
    "broken variable file": (["--var-file", "bad.json", "e.json"], "--var-file bad.json"),
    "no folder": (["--journal-path", "no/j.json", "e.json"], "--journal-path: wanted a folder"),
    "no file to write": (["--journal-path", LONG, "e.json"], "wanted a file that can be written"),
    "a folder": (["."], ".: wanted a JSON file, saw a folder"),
    "YAML": (["e.yaml"], "e.yaml is not JSON: wanted JSON; YAML is not read, saw"),
    "no control": (["bare.json"], """kvchaos.control, saw []; see: add "controls": [{"name":"""),
    "unknown strategy": (["strategy.json"], "runtime.hypothesis.strategy: wanted one of default"),
    "unknown option": (["--bogus", "e.json"], "No such option"),
    "nothing": (["--verbose"], "Missing argument 'EXPERIMENT...'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_of_the_user_is_told_and_nothing_is_played(
    monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    """Exit code 4, no traceback, no journal."""
    played = plays(monkeypatch, PASSED)
    monkeypatch.setenv("KVCHAOS_WORD", "nine")
    experiment = shipped()
    experiment["configuration"]["seed"]["key"] = "KVCHAOS_WORD"
    write(experiment, "word.json")
    runtime = {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "often"}}
    write(shipped() | {"runtime": runtime}, "strategy.json")
    Path("bad.json").write_text('{"title":')
    Path("e.yaml").write_text("title: x\nmethod: []")
    Path("two.json").write_text('{"title": "x", "configuration": {"seed": 1, "seed": 2}}')
    write(shipped() | {"controls": []}, "bare.json")
    Path("twice.yaml").write_text("configuration:\n  seed: 1\n  seed: 2\n")
    Path("odd.yaml").write_text("configuration: [1]")
    words, told = MISTAKES[mistake]

    said = ran(*words)

    assert said.exit_code == 4
    assert told in said.output
    assert "Traceback" not in said.output
    assert (played, Path("journal.json").exists()) == ([], False)


def test_an_error_that_rises_through_chaos_toolkit_has_a_journal_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With what the control made of the run."""

    def broken(*_: object) -> None:
        current.ended(ABORTED)
        raise TypeError("not supported")

    monkeypatch.setattr(playing, "play", broken)

    code = ran().exit_code

    assert (code, journal()["status"], journal()["kvchaos"]) == (3, "aborted", ABORTED)


@pytest.mark.parametrize(
    ("error", "code"), [(InterruptExecution("SIGTERM signal received"), 3), (OSError("no"), 2)]
)
def test_what_ends_chaos_toolkit_before_the_control_is_asked_is_no_pass(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    """Nothing was touched yet."""
    plays(monkeypatch, error)

    assert (ran().exit_code, journal()["kvchaos"]["exit_code"]) == (code, code)


def test_ctrl_c_before_the_run_begins_aborts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line."""
    plays(monkeypatch, KeyboardInterrupt())

    said = ran()

    assert (said.exit_code, said.output.splitlines()[-1]) == (
        3,
        "kvchaos: stopped before the run began",
    )


@pytest.mark.parametrize("pressed", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_while_a_verb_is_loaded_aborts_it(
    monkeypatch: pytest.MonkeyPatch, pressed: type[BaseException]
) -> None:
    """A run's imports take a second; what is no run only says that it was interrupted."""

    def imported(_: str) -> None:
        raise pressed

    monkeypatch.setattr(cli, "import_module", imported)

    ends = [CliRunner().invoke(main, [verb]) for verb in ("run", "validate")]

    assert [(each.exit_code, each.output) for each in ends] == [
        (3, "kvchaos: interrupted before the run began\n"),
        (3, "kvchaos: interrupted\n"),
    ]


def test_a_number_that_is_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not what it should be, and may be what it is in earnest."""
    monkeypatch.setenv("KVCHAOS_WORD", "hunter2-hunter2")
    experiment = shipped()
    said = {"type": "env", "key": "KVCHAOS_WORD", "env_var_type": "int"}
    experiment["configuration"]["api_token"] = said
    write(experiment)

    assert ran().output == (
        "kvchaos: configuration key 'api_token' (environment KVCHAOS_WORD): "
        "wanted int, saw another value\n"
    )


def test_a_run_that_is_given_up_has_its_journal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by the thread that ends the process."""

    def play(_: Json, __: str, ___: Json) -> None:
        current.tell(ABORTED)
        raise SystemExit(3)

    monkeypatch.setattr(playing, "play", play)

    code = ran().exit_code

    assert (code, journal()["kvchaos"]) == (3, ABORTED)
