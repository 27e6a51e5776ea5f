"""The composite action's scripts, run as a runner does, against the lab."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.chaosrun import kvchaos
from tests.workflows.steps import ACTION, Runner, gitlab_steps, shell_steps

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]
STEPS = shell_steps(ACTION)


def environment(lab: Path, *, recovery_budget: int) -> dict[str, str]:
    """A short cut, and a lab of the test's own."""
    lab.mkdir(exist_ok=True)
    return {
        "HOME": str(lab),
        "KVCHAOS_LAB_DIR": str(lab / "lab"),
        "KVCHAOS_FAULT_SECONDS": "3",
        "KVCHAOS_RECOVERY_BUDGET": str(recovery_budget),
    }


def used(folder: Path, given: dict[str, str], *, environment: dict[str, str]) -> Runner:
    """The action as a job would use it: all its scripts that run whatever came before."""
    runner = Runner(
        folder=folder / "repository",
        home=folder / "home",
        context={
            "runner.temp": str(folder / "home"),
            "inputs.context": "kvchaos-lab",
            "inputs.arguments": "",
            "inputs.runs": "kvchaos-runs",
            **{f"inputs.{key}": value for key, value in given.items()},
        },
        environment=environment,
    )
    runner.folder.mkdir()
    return runner


def through(runner: Runner) -> dict[str, int]:
    """The exit code of each script, by its step's name."""
    codes: dict[str, int] = {}
    for step in STEPS:
        done = runner.run(step)
        codes[step.name] = done.returncode
        sys.stdout.write(f"== {step.name}: {done.returncode}\n{done.stdout}")
    return codes


@contextmanager
def up(folder: Path, *, recovery: str, budget: int) -> Iterator[dict[str, str]]:
    """A lab whose router recovers or not; the variables of steps that use it."""
    variables = environment(folder, recovery_budget=budget)
    whole = dict(os.environ) | variables
    done = kvchaos(whole, "lab", "up", "--router-recovery", recovery)
    try:
        assert done.returncode == 0, done.stderr
        yield variables
    finally:
        kvchaos(whole, "lab", "down")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A lab with a router that recovers."""
    with up(tmp_path_factory.mktemp("lab"), recovery="replay", budget=30) as variables:
        yield variables


@pytest.fixture(scope="module")
def passed(
    lab: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Runner, dict[str, int]]:
    """Two experiments against a router that recovers."""
    given = {"experiments": "network-partition\nengine-restart", "arguments": "--var seed:int=11"}
    runner = used(tmp_path_factory.mktemp("passed"), given, environment=lab)
    return runner, through(runner)


def test_a_gateway_that_recovers_passes(passed: tuple[Runner, dict[str, int]]) -> None:
    """Every script ends well, and the outputs say so."""
    runner, codes = passed

    assert set(codes.values()) == {0}
    assert runner.outputs == {"code": "0", "verdict": "pass", "report": "kvchaos-runs"}


def test_the_report_is_where_the_output_says(passed: tuple[Runner, dict[str, int]]) -> None:
    """A page for each run, JUnit over both, the summary on the job's page."""
    runner, _ = passed
    folder = runner.folder / runner.outputs["report"]
    suites = ET.parse(folder / "junit.xml").getroot().iter("testsuite")

    assert len(list(folder.glob("*/report.html"))) == 2
    assert len(list(suites)) == 2
    assert runner.summary() == (folder / "summary.md").read_text(encoding="utf-8")
    assert "pass" in runner.summary()


@pytest.fixture
def deaf_lab(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A lab whose router does not recover what it missed."""
    with up(tmp_path / "deaf", recovery="none", budget=2) as variables:
        yield variables | {"KVCHAOS_FAULT_SECONDS": "6"}  # so long that events are lost


def test_a_gateway_that_does_not_recover_fails_the_job(
    deaf_lab: dict[str, str], tmp_path: Path
) -> None:
    """The last script's exit code is the run's; the report is made all the same."""
    runner = used(tmp_path, {"experiments": "network-partition"}, environment=deaf_lab)

    codes = through(runner)

    assert (codes["Run the experiments"], codes["Report"], codes["Verdict"]) == (0, 0, 1)
    assert runner.outputs["verdict"] == "fail"
    assert "fail" in runner.summary()


def test_a_file_that_is_not_there_fails_the_job(tmp_path: Path) -> None:
    """Nothing was run: no report, and the summary says where to look."""
    variables = environment(tmp_path, recovery_budget=2)
    runner = used(tmp_path, {"experiments": "nowhere.json"}, environment=variables)

    codes = through(runner)

    assert (codes["Verdict"], runner.outputs["verdict"]) == (4, "unusable")
    assert "nothing was run" in runner.summary()


def test_the_gitlab_job_passes_and_leaves_its_report(lab: dict[str, str], tmp_path: Path) -> None:
    """Its scripts, as written."""
    runner = used(tmp_path, {}, environment=lab)

    done = [runner.run(step) for step in gitlab_steps()]

    assert [each.returncode for each in done] == [0, 0, 0], [each.stdout for each in done]
    folder = runner.folder / "kvchaos-runs"
    assert len(list(ET.parse(folder / "junit.xml").getroot().iter("testsuite"))) == 1


def test_every_script_of_the_action_was_run(passed: tuple[Runner, dict[str, int]]) -> None:
    """None is left out of the proof."""
    _, codes = passed

    assert list(codes) == [step.name for step in STEPS]
