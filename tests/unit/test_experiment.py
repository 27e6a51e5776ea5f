"""What is found wrong with an experiment before anything is touched."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from kvchaos.assets import asset
from kvchaos.errors import ExperimentInvalid
from kvchaos.experiment import activities, check, load

Json = dict[str, Any]
SHIPPED = sorted(asset("experiments").glob("*.json"))


def experiment(template: str, values: dict[str, Any]) -> dict[str, Any]:
    provider = {
        "type": "python",
        "module": "kvchaos.actions",
        "func": "inject_fault",
        "arguments": {"template": template, "values": values},
    }
    return {
        "runtime": {"rollbacks": {"strategy": "always"}},
        "method": [{"type": "action", "name": "cut", "provider": provider}],
    }


GOOD = {"namespace": "n", "labels": "a=b", "mode": "one"}


def test_a_sound_experiment_is_let_through() -> None:
    """The run's id is supplied, everything else is in the values."""
    check(experiment("pod-kill", GOOD), {}, {})


def test_an_unresolved_name_is_found_wherever_it_stands() -> None:
    """Chaos Toolkit would pass it on as it is, into a label selector."""
    with pytest.raises(ExperimentInvalid, match=r"\$\{where\} is not in the configuration"):
        check(experiment("pod-kill", GOOD | {"namespace": "${where}"}), {"other": 1}, {})


@pytest.mark.parametrize("budget", [math.nan, math.inf, -1, "soon"])
def test_a_time_that_is_none_is_found_before_anything_is_cut(budget: object) -> None:
    """Not when the link was cut for it."""
    recovers = {
        "type": "probe",
        "name": "recovers",
        "provider": {
            "type": "python",
            "module": "kvchaos.probes",
            "func": "index_recovered",
            "arguments": {"budget": budget},
        },
    }
    found = experiment("pod-kill", GOOD)
    found["method"].append(recovers)

    with pytest.raises(ExperimentInvalid, match="budget: wanted seconds, 0 or more"):
        check(found, {}, {})


def test_a_dry_run_of_chaos_toolkit_is_refused() -> None:
    """It skips actions or probes, and would be judged by what it never asked."""
    with pytest.raises(ExperimentInvalid, match="kvchaos preflight shows whom it would hit"):
        check(experiment("pod-kill", GOOD) | {"dry": "activities"}, {}, {})


def test_a_name_that_the_configuration_has_is_resolved() -> None:
    """What Chaos Toolkit will substitute is no finding."""
    check(experiment("pod-kill", GOOD | {"namespace": "${where}"}), {"where": "n"}, {})


def test_an_unknown_template_is_named_with_those_there_are() -> None:
    """A typing error is seen before the run."""
    with pytest.raises(ExperimentInvalid, match=r"no template 'pod-kil'.*pod-kill"):
        check(experiment("pod-kil", GOOD), {}, {})


def test_missing_and_misspelt_variables_are_found_together() -> None:
    """All findings at once, not one per try."""
    values = {"namespace": "n", "labels": "a=b", "mod": "one"}

    with pytest.raises(ExperimentInvalid) as caught:
        check(experiment("pod-kill", values), {}, {})

    assert "missing ['mode']" in str(caught.value)
    assert "unknown ['mod']" in str(caught.value)


@pytest.mark.parametrize(
    ("duration", "held", "finding"),
    [
        ("banana", 1, "duration: wanted a number with a unit"),
        ("-5s", 1, "held: the fault's own duration of -5 s ends it before 1 s"),
        ("5s", 10.0, "held: the fault's own duration of 5 s ends it before 10 s"),
        ("5s", -3, "held: wanted seconds, 0 or more, saw -3"),
        ("5s", "abc", "held: wanted seconds, 0 or more, saw 'abc'"),
        ("5s", math.nan, "held: wanted seconds, 0 or more, saw nan"),
        ("5s", 5, "held: the fault's own duration of 5 s ends it before 5 s"),
    ],
)
def test_a_fault_that_cannot_stand_as_long_as_asked_is_found(
    duration: str, held: object, finding: str
) -> None:
    """A cut that is shorter than asked would be a test of something else."""
    values = {"namespace": "n", "labels": "a=b", "mode": "one", "duration": duration}
    found = experiment("pod-failure", values)
    provider = {
        "type": "python",
        "module": "kvchaos.actions",
        "func": "recover_fault",
        "arguments": {"held": held},
    }
    found["method"].append({"type": "action", "name": "heal", "provider": provider})

    with pytest.raises(ExperimentInvalid, match=finding):
        check(found, {}, {})


def test_rollbacks_that_may_be_skipped_are_refused() -> None:
    """Chaos Toolkit skips them by default when a run failed."""
    sound = experiment("pod-kill", GOOD)
    del sound["runtime"]

    with pytest.raises(ExperimentInvalid, match="strategy"):
        check(sound, {}, {})


def control(**more: Any) -> Json:
    provider = {"type": "python", "module": "kvchaos.control"}
    return {"name": "kvchaos", "provider": provider, **more}


@pytest.mark.parametrize(
    ("controls", "finding"),
    [
        ([control(scope="before")], "has the scope 'before', wanted none"),
        ([control(automatic=False)], "is not automatic"),
        ([control(), control(name="again")], "is declared 2 times, wanted once"),
    ],
    ids=["scope", "not automatic", "twice"],
)
def test_a_control_that_is_not_told_all_is_refused(controls: list[Json], finding: str) -> None:
    """One that is called before the experiment only leaves a journal that says completed."""
    found = {**experiment("pod-kill", GOOD), "controls": controls}

    with pytest.raises(ExperimentInvalid, match=finding):
        check(found, {}, {})


def test_a_control_that_an_activity_declares_again_is_refused() -> None:
    """It is called for every activity anyhow."""
    found = {**experiment("pod-kill", GOOD), "controls": [control()]}
    found["method"][0]["controls"] = [control()]

    with pytest.raises(ExperimentInvalid, match="declared 2 times"):
        check(found, {}, {})


def test_a_control_that_is_declared_once_is_sound() -> None:
    """Beside those of others; or not at all, for settings may declare it."""
    other = {"name": "other", "provider": {"type": "python", "module": "other"}, "scope": "before"}

    check({**experiment("pod-kill", GOOD), "controls": [control(), other]}, {}, {})
    check(experiment("pod-kill", GOOD), {}, {})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_experiment_names_what_there_is(path: Path) -> None:
    """Its templates exist, and all its names are in its configuration."""
    found = load(path)
    configuration = dict.fromkeys(found["configuration"], "x=y") | {
        "fault_seconds": 10,
        "traffic_seconds": 3,
        "recovery_budget": 60,
        "fault_duration": "60s",
    }

    check(found, configuration, {})

    assert [activity["name"] for activity in activities(found)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_in_every_shipped_experiment_traffic_goes_on_until_the_index_agrees(path: Path) -> None:
    """In production it never ends; and a report is to show how it was before, and is after."""
    method = load(path)["method"]
    steps = [each["provider"]["func"] for each in method]
    around = {
        each["provider"]["arguments"]["held"]
        for each in method
        if each["provider"]["func"] in ("start_traffic", "stop_traffic")
    }

    named = ("start_traffic", "inject_fault", "recover_fault", "index_recovered", "stop_traffic")
    assert [steps.count(name) for name in named] == [1] * 5
    assert sorted(named, key=steps.index) == list(named)
    assert around == {"${traffic_seconds}"}


def test_the_first_error_of_a_file_has_a_line_and_a_column(tmp_path: Path) -> None:
    """An editor shows no bytes."""
    path = tmp_path / "e.json"
    path.write_text('{\n  "title": "Größe",\n  "tß": x\n}')

    with pytest.raises(ExperimentInvalid) as caught:
        load(path)

    assert str(caught.value) == (
        f"{path} is not JSON: wanted JSON, "
        "saw JSON is malformed: invalid character (line 3, column 9)"
    )


def test_a_folder_and_yaml_say_what_is_wanted(tmp_path: Path) -> None:
    """Chaos Toolkit reads YAML, so that somebody will try."""
    path = tmp_path / "e.yaml"
    path.write_text("title: x\n")

    with pytest.raises(ExperimentInvalid, match=r"wanted JSON; YAML is not read, saw .*line 1, co"):
        load(path)
    with pytest.raises(ExperimentInvalid, match="wanted a JSON file, saw a folder"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_experiment_says_so(tmp_path: Path, text: str) -> None:
    """No traceback for a user's mistake."""
    path = tmp_path / "e.json"
    path.write_text(text)

    with pytest.raises(ExperimentInvalid, match="JSON"):
        load(path)
    with pytest.raises(ExperimentInvalid, match="no experiment at"):
        load(tmp_path / "none.json")
