"""What an experiment may say under ``extensions``, and what is found wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kvchaos.errors import ExperimentInvalid
from kvchaos.experiment import check
from kvchaos.extension import StopCondition, findings, stop_conditions

Json = dict[str, Any]

PROBE: Json = {"type": "python", "module": "os.path", "func": "isdir", "arguments": {"s": "/"}}
HTTP: Json = {"type": "http", "url": "http://127.0.0.1:1/"}
READY: Json = {"name": "engines are ready", "every": 2, "tolerance": True, "provider": PROBE}


def experiment(*conditions: object, **rest: Any) -> Json:
    return {
        "runtime": {"rollbacks": {"strategy": "always"}},
        "method": [],
        "extensions": [
            {"name": "somebody else's", "any": 1},
            {"name": "kvchaos", "stop_conditions": [*conditions], **rest},
        ],
    }


def without(key: str) -> Json:
    return {name: value for name, value in READY.items() if name != key}


def found(experiment: Json, configuration: Json | None = None) -> list[str]:
    return list(findings(experiment, configuration or {}, {}))


@pytest.mark.parametrize(
    "sound",
    [
        {},
        {"extensions": []},
        {"extensions": [{"name": "kvchaos"}]},
        experiment(),
        experiment(READY, READY | {"name": "other", "type": "probe", "deadline": 0.5}),
    ],
)
def test_a_sound_extension_has_no_findings(sound: Json) -> None:
    """None is asked for, and what others say in theirs is their own."""
    assert found(sound) == []


@pytest.mark.parametrize(
    ("condition", "finding"),
    [
        (without("name"), "stop condition 1: it has no name"),
        (READY | {"name": " "}, "stop condition ' ': it has no name"),
        (without("tolerance"), "stop condition 'engines are ready': it has no tolerance"),
        (without("provider"), "stop condition 'engines are ready': it has no provider"),
        (READY | {"every": 0}, "every: wanted seconds above 0, saw 0"),
        (READY | {"every": -1.5}, "every: wanted seconds above 0, saw -1.5"),
        (READY | {"every": True}, "every: wanted seconds above 0, saw true"),
        (READY | {"every": "2s"}, 'every: wanted seconds above 0, saw "2s"'),
        (READY | {"every": float("nan")}, "every: wanted seconds above 0, saw NaN"),
        (READY | {"every": float("inf")}, "every: wanted seconds above 0, saw Infinity"),
        (READY | {"every": None}, "every: wanted seconds above 0, saw null"),
        (READY | {"deadline": 0}, "deadline: wanted seconds above 0, saw 0"),
        (READY | {"type": "action"}, 'type: wanted probe, saw "action"'),
        (
            READY | {"each": 1, "timeout": 3},
            "unknown ['each', 'timeout'], it takes ['deadline', 'every', 'name', 'provider', 'tol",
        ),
        (READY | {"tolerance": 0.5}, "tolerance must either be an integer"),
        (READY | {"tolerance": None}, "tolerance must either be an integer"),
        (READY | {"tolerance": {"type": "jsonpath"}}, "must have a `path` key"),
        (READY | {"tolerance": {"type": "regex", "pattern": "("}}, "pattern ( seems invalid"),
        (READY | {"tolerance": {"type": "range", "range": [1]}}, "made of two values"),
        (READY | {"provider": {"type": "shell"}}, "unknown provider type 'shell'"),
        (READY | {"provider": PROBE | {"func": "nope"}}, "a function called 'nope'"),
        (READY | {"provider": PROBE | {"module": "no.such"}}, "Python module 'no.such'"),
        (READY | {"provider": PROBE | {"arguments": [1]}}, "stop condition 'engines are ready': "),
        (READY | {"provider": {"type": "process", "path": "/no/such"}}, "'/no/such' cannot be"),
        (READY | {"provider": {"type": "http"}}, "a HTTP activity must have a URL"),
        (READY | {"provider": ["x"]}, "it has no provider"),
        (
            READY | {"provider": {"type": "python", "module": "kvchaos.actions", "func": "x"}},
            "x is an action, wanted a probe",
        ),
        (
            READY
            | {
                "provider": {
                    "type": "python",
                    "module": "kvchaos.probes",
                    "func": "index_recovered",
                }
            },
            "index_recovered records evidence of the run's fault, wanted a probe that only looks",
        ),
    ],
)
def test_what_is_wrong_with_a_condition_is_told(condition: Json, finding: str) -> None:
    """A condition that cannot be asked would stop nothing."""
    assert finding in "\n".join(found(experiment(condition)))


def test_a_module_that_breaks_when_imported_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback for a user's mistake."""
    (tmp_path / "broken_probes.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)

    assert found(experiment(READY | {"provider": PROBE | {"module": "broken_probes"}})) == [
        "stop condition 'engines are ready': division by zero"
    ]


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"extensions": {"name": "kvchaos"}}, "extensions: wanted a list of objects, saw"),
        ({"extensions": ["kvchaos"]}, "extensions: wanted a list of objects, saw"),
        (
            {"extensions": [{"name": "kvchaos"}, {"name": "kvchaos"}]},
            "extensions: 2 are named 'kvchaos', wanted one",
        ),
        (
            {"extensions": [{"name": "kvchaos", "stop_condition": []}]},
            "unknown ['stop_condition'], extension 'kvchaos' takes ['name', 'stop_conditions']",
        ),
        ({"extensions": [{"name": "kvchaos", "stop_conditions": {}}]}, "saw {}"),
        (
            {"extensions": [{"name": "kvchoas", "stop_conditions": [READY]}]},
            "stop_conditions in extension 'kvchoas': wanted the name kvchaos",
        ),
        (
            {"extensions": [{"stop_conditions": [READY]}]},
            "stop_conditions in extension null: wanted the name kvchaos",
        ),
        (experiment("text"), "stop_conditions: wanted a list of objects, saw"),
        (experiment(READY, READY), "stop condition 'engines are ready': named 2 times"),
    ],
)
def test_what_is_wrong_around_conditions_is_told(wrong: Json, finding: str) -> None:
    """A misspelt key must not pass for an experiment without conditions."""
    assert finding in "\n".join(found(wrong))


def test_all_findings_come_at_once() -> None:
    """Among those of the rest of the experiment; names that nobody gives are told once."""
    condition = {"name": "x", "every": "${often}", "tolerance": {"type": "maybe"}, "provider": HTTP}

    with pytest.raises(ExperimentInvalid) as caught:
        check(experiment(condition, without("name")) | {"runtime": {}}, {}, {})

    assert str(caught.value).splitlines()[1:] == [
        '  - runtime.rollbacks.strategy is not "always": a failed run would leave its fault',
        "  - stop condition 'x', every: ${often} is not in the configuration",
        "  - stop condition 'x': hypothesis probe tolerance type 'maybe' is unsupported",
        "  - stop condition 2: it has no name",
    ]


def test_a_condition_is_what_chaos_toolkit_takes() -> None:
    """Times from the configuration; the tolerance filled in, but shown without its secrets."""
    raw = {
        "name": "x",
        "every": "${often}",
        "tolerance": ["${low}", "${token}"],
        "provider": HTTP,
    }
    configuration = {"often": 5, "low": 1}

    (condition,) = stop_conditions(experiment(raw), configuration, {"s": {"token": "hush"}})

    assert condition == StopCondition(
        name="x",
        every=5.0,
        deadline=15.0,
        probe={
            "type": "probe",
            "name": "x",
            "provider": HTTP | {"timeout": 15.0},
            "tolerance": ["${low}", "${token}"],
        },
        tolerance=[1, "hush"],
        shown=json.dumps([1, "${token}"]),
    )
    check(experiment(raw), configuration, {"s": {"token": "hush"}})


@pytest.mark.parametrize(
    ("raw", "every", "deadline", "timeout"),
    [
        ({"provider": PROBE}, 1.0, 10.0, None),
        ({"provider": PROBE, "every": 0.2}, 0.2, 10.0, None),
        ({"provider": PROBE, "every": 60}, 60.0, 180.0, None),
        ({"provider": HTTP, "deadline": 2}, 1.0, 2.0, 2.0),
        ({"provider": HTTP | {"timeout": 1}, "deadline": 2}, 1.0, 2.0, 1),
        ({"provider": {"type": "process", "path": "true"}}, 1.0, 10.0, 10.0),
    ],
)
def test_times_that_are_not_said_have_defaults(
    raw: Json, every: float, deadline: float, timeout: float | None
) -> None:
    """A provider that can end by itself ends at the deadline, so that nothing of it is left."""
    (condition,) = stop_conditions(experiment({"name": "x", "tolerance": 0, **raw}), {}, {})

    assert (condition.every, condition.deadline) == (every, deadline)
    assert condition.probe["provider"].get("timeout") == timeout
