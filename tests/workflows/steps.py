"""Workflows and the composite action as data, and their scripts run as a runner does.

A runner runs ``bash --noprofile --norc -e -o pipefail FILE`` where the shell is said to be bash,
and ``bash -e FILE`` where nothing is said; it hands over the step's ``env`` with its expressions
put in, and reads what the script appended to the files that ``GITHUB_OUTPUT``, ``GITHUB_PATH`` and
``GITHUB_STEP_SUMMARY`` name (GitHub's documentation, "Workflow syntax", "Workflow commands").
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TOP = Path(__file__).resolve().parent.parent.parent
ACTION = TOP / "action.yml"
GITLAB = TOP / "examples" / "gitlab-ci.yml"
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
STANDIN = Path(__file__).with_name("standin.py")
STANDINS = ("docker", "gh", "helm", "kind", "kubectl", "make", "python", "sudo")
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)(?:\s*\|\|\s*'\w*')?\s*\}\}")

SHELLS = {"": ("bash", "-e"), "bash": ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step with a script: where it stands, its name, its script and its variables."""

    file: str
    job: str
    name: str
    script: str
    env: Mapping[str, str]
    id: str
    shell: str = ""

    @property
    def label(self) -> str:
        """How a test is named."""
        return f"{self.file}: {self.job}: {self.name}"


def shell_steps(path: Path) -> list[Step]:
    """Every step with a script, in order; a workflow's variables are those of its steps too."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = told.get("jobs") or {"action": {"steps": told["runs"]["steps"]}}
    return [
        Step(
            file=path.name,
            job=job,
            name=str(step.get("name", "")),
            script=str(step["run"]),
            env={**_text(told.get("env")), **_text(spec.get("env")), **_text(step.get("env"))},
            id=str(step.get("id", "")),
            shell=str(step.get("shell") or _shell(spec) or _shell(told)),
        )
        for job, spec in jobs.items()
        for step in spec["steps"]
        if "run" in step
    ]


def gitlab_steps() -> list[Step]:
    """The scripts of the GitLab job, in the order in which a runner runs them."""
    told = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    job = told["chaos"]
    return [
        Step(GITLAB.name, "chaos", key, "\n".join(job[key]), _text(told["variables"]), key, "bash")
        for key in ("before_script", "script", "after_script")
    ]


def _shell(place: Json) -> str:
    """What ``defaults`` of a workflow or a job says."""
    told: Json = place.get("defaults", {}).get("run", {})
    return str(told.get("shell", ""))


def _text(env: Mapping[str, object] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (env or {}).items()}


@dataclass(slots=True)
class Runner:
    """A machine that runs steps one after the other in ``folder``; ``context`` answers expressions.

    Tools that a test machine has not, or must not use, are stand-ins that write down each call and
    refuse one that could not work; ``kvchaos`` is the real one.
    """

    folder: Path
    home: Path
    context: dict[str, str]
    environment: Mapping[str, str]
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tools = self.home / "tools"
        tools.mkdir(parents=True)
        for name in STANDINS:
            tool = tools / name
            tool.write_text(f"#!{sys.executable}\n" + STANDIN.read_text(encoding="utf-8"))
            tool.chmod(0o755)
        for name in ("path", "summary", "calls"):
            (self.home / name).touch()

    def run(self, step: Step) -> subprocess.CompletedProcess[str]:
        """The step's script, ended; what it put out is in ``outputs`` and in the context."""
        output = self.home / "output"
        output.write_text("")
        script = self.home / "step.sh"
        script.write_text(self._filled(step.script))
        given = {key: self._filled(value) for key, value in step.env.items()}
        done = subprocess.run(
            [*SHELLS[step.shell], script],
            cwd=self.folder,
            env=self._variables() | given | {"GITHUB_OUTPUT": str(output)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        self._take(step, output.read_text())
        return done

    def summary(self) -> str:
        """The job's summary page so far."""
        return (self.home / "summary").read_text()

    def calls(self) -> list[str]:
        """What the stand-ins were asked, a line each."""
        return (self.home / "calls").read_text().splitlines()

    def _variables(self) -> dict[str, str]:
        added = (self.home / "path").read_text().split()
        real = [str(Path(sys.executable).parent), os.environ["PATH"]]
        return {
            **self.environment,
            "PATH": ":".join([str(self.home / "tools"), *reversed(added), *real]),
            "GITHUB_ACTION_PATH": str(TOP),
            "GITHUB_PATH": str(self.home / "path"),
            "GITHUB_STEP_SUMMARY": str(self.home / "summary"),
            "STANDIN_CALLS": str(self.home / "calls"),
            "RUNNER_TEMP": str(self.home),
        }

    def _take(self, step: Step, said: str) -> None:
        told = dict(line.split("=", 1) for line in said.splitlines())
        self.outputs |= told
        self.context |= {f"steps.{step.id}.outputs.{key}": value for key, value in told.items()}

    def _filled(self, text: str) -> str:
        return EXPRESSION.sub(lambda found: self._value(found[1]), text)

    def _value(self, name: str) -> str:
        """Of an output that no step gave nothing, as on GitHub; another name has to be known."""
        return self.context.get(name, "") if name.startswith("steps.") else self.context[name]
