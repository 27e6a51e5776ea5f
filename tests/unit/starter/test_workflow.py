"""The workflow of a new folder keeps to what GitHub takes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kvchaos.starter.answers import Answers
from kvchaos.starter.starter import WORKFLOW, starter

SCHEMA = [
    str(Path(sys.executable).with_name("check-jsonschema")),
    "--builtin-schema",
    "vendor.github-workflows",
]


@pytest.fixture(params=["", "tests/chaos tests"], ids=["top", "below"])
def workflow(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file, for a folder at the top of its repository or below it."""
    path = tmp_path / "kvchaos.yml"
    path.write_text(starter(Answers(), version="1.2.3", below=request.param)[WORKFLOW])
    return path


def found(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=50, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_it_keeps_to_the_schema_of_workflows(workflow: Path) -> None:
    """The one that check-jsonschema carries."""
    assert found(*SCHEMA, workflow) == ""


def test_actionlint_finds_nothing(workflow: Path) -> None:
    """Expressions, triggers, scripts."""
    tool = shutil.which("actionlint") or pytest.skip("actionlint is not here; CI installs it")

    assert found(tool, "-no-color", workflow) == ""
