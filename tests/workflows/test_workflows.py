"""The workflows are valid, and every script in them runs, with stand-ins for what is not here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflows.steps import ACTION, GITLAB, TOP, WORKFLOWS, Runner, shell_steps

BIN = Path(sys.executable).parent
ALL = [step for path in (ACTION, *WORKFLOWS) for step in shell_steps(path)]
JOBS = sorted({(path, step.job) for path in WORKFLOWS for step in shell_steps(path)})
CONTEXT = {
    "github.token": "none",
    "inputs.pattern": "wire.encode_map",
    "inputs.seconds": "2",
    "matrix.kubernetes": "v1.34.0",
    "matrix.python": "3.11",
    "steps.chaos.outputs.verdict": "pass",
}


def needed(tool: str) -> str:
    """The path of a tool that is no Python package."""
    return shutil.which(tool) or pytest.skip(f"{tool} is not here; CI installs it")


def checked(*words: str | Path) -> str:
    """What a tool finds fault with: nothing."""
    done = subprocess.run(words, capture_output=True, text=True, cwd=TOP, timeout=50, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_actionlint_finds_nothing() -> None:
    """Expressions, triggers, permissions, inputs of actions."""
    assert checked(needed("actionlint"), "-no-color", *WORKFLOWS) == ""


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("github-actions", [ACTION]), ("gitlab-ci", [GITLAB])],
    ids=["workflows", "action", "gitlab"],
)
def test_files_keep_to_their_schema(schema: str, files: list[Path]) -> None:
    """The schemas are those that check-jsonschema carries."""
    tool, option = str(BIN / "check-jsonschema"), "--builtin-schema"

    assert checked(tool, option, f"vendor.{schema}", *files) == ""


def test_shellcheck_finds_nothing_in_any_script(tmp_path: Path) -> None:
    """Unquoted words and forgotten exit codes."""
    scripts = [tmp_path / f"{number}.sh" for number in range(len(ALL))]
    for script, step in zip(scripts, ALL, strict=True):
        script.write_text(f"# {step.label}\n{step.script}")

    assert checked(needed("shellcheck"), "--shell=bash", *scripts) == ""


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_a_command_that_fails_in_a_pipe_fails_its_step(path: Path) -> None:
    """Only a shell that is named has pipefail: without it, ``make ... | tee`` cannot fail."""
    assert [step.label for step in shell_steps(path) if step.shell != "bash"] == []


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_no_script_holds_an_expression(path: Path) -> None:
    """What an expression brings is a variable: text of others never becomes a script."""
    assert [step.label for step in shell_steps(path) if "${{" in step.script] == []


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_every_action_of_others_is_pinned(path: Path) -> None:
    """``uses`` names a version."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs: dict[str, Any] = told.get("jobs") or {"action": told["runs"]}
    used = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]

    assert [each for each in used if "@" not in each and each != "./"] == []


@pytest.mark.parametrize(("path", "job"), JOBS, ids=[f"{path.stem}-{job}" for path, job in JOBS])
def test_every_script_of_a_job_runs(path: Path, job: str, tmp_path: Path) -> None:
    """In order, in one folder with the repository's files; none fails."""
    runner = Runner(
        folder=checkout(tmp_path),
        home=tmp_path / "home",
        context=dict(CONTEXT),
        environment={"GITHUB_SHA": "0" * 40, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    )

    done = [(step, runner.run(step)) for step in shell_steps(path) if step.job == job]

    assert [(step.name, each.stdout) for step, each in done if each.returncode] == []
    assert runner.calls() or runner.summary()


def checkout(folder: Path) -> Path:
    """The repository's own files, without what was made from them; committed, with an origin."""
    made = shutil.ignore_patterns(
        *(".venv", ".git", "__pycache__", "dist", "kvchaos-runs", ".*cache", ".coverage*")
    )
    here = folder / "repository"
    shutil.copytree(TOP, here, ignore=made)
    who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
    for words in (
        ["init", "--quiet", "--bare", str(folder / "origin.git")],
        ["init", "--quiet"],
        ["remote", "add", "origin", str(folder / "origin.git")],
        ["add", "."],
        [*who, "commit", "--quiet", "--message", "all of it"],
    ):
        subprocess.run(["git", *words], cwd=here, check=True, timeout=50)
    return here
