"""One asking of a stop condition: an answer comes back, whatever the probe and its tolerance do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from kvchaos.extension import stop_conditions
from kvchaos.run.asking import STOPPED, Answer, Asker, answer_of
from tests.stops import SOON

Json = dict[str, Any]


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of probes, importable as ``own_probes``."""
    module = ModuleType("own_probes")
    monkeypatch.setitem(sys.modules, "own_probes", module)
    return module


def asked(
    probes: ModuleType,
    probe: Callable[..., object],
    tolerance: object,
    *,
    arguments: Json | None = None,
    configuration: Json | None = None,
    secrets: Json | None = None,
) -> Answer:
    """The answer to one asking of ``probe``, as an experiment would name it."""
    probes.probe = probe  # type: ignore[attr-defined]
    provider: Json = {"type": "python", "module": "own_probes", "func": "probe"}
    provider |= {"arguments": arguments} if arguments else {}
    raw = {"name": "x", "tolerance": tolerance, "provider": provider}
    extension = {"name": "kvchaos", "stop_conditions": [raw]}
    (condition,) = stop_conditions({"extensions": [extension]}, configuration or {}, secrets or {})
    return answer_of(condition, configuration or {}, secrets or {})


@pytest.mark.parametrize(
    ("value", "tolerance", "met", "shown"),
    [
        (True, True, True, "true"),
        (False, True, False, "false"),
        (3, 3, True, "3"),
        (4, 3, False, "4"),
        ({"status": 200}, 200, True, '{"status": 200}'),
        (2, [1, 3], True, "2"),
        (0.5, [1, 3], False, "0.5"),
        ("b", ["a", "b", "c"], True, "b"),
        ("up", "up", True, "up"),
        ("down", {"type": "regex", "pattern": "^up"}, False, "down"),
        (0.2, {"type": "range", "range": [0.0, 0.1]}, False, "0.2"),
        ({"rate": 0.05}, {"type": "range", "target": "rate", "range": [0, 0.1]}, True, None),
        ({"agrees": True}, {"type": "jsonpath", "path": "$.agrees", "expect": [True]}, True, None),
        (
            {"agrees": False},
            {"type": "jsonpath", "path": "$.agrees", "expect": [True]},
            False,
            None,
        ),
        ("no number", {"type": "range", "range": [0, 1]}, False, "no number"),
    ],
)
def test_every_tolerance_of_chaos_toolkit_judges(
    probes: ModuleType, value: object, tolerance: object, met: bool, shown: str | None
) -> None:
    """Its own code does, so a stop condition means what the same hypothesis means."""
    answer = asked(probes, lambda: value, tolerance)

    assert (answer.met, answer.why) == (met, "")
    assert shown is None or answer.value == shown


@pytest.mark.parametrize("judgement", [True, False])
def test_a_probe_judges_the_value(probes: ModuleType, judgement: bool) -> None:
    """With and without ``arguments``, which Chaos Toolkit's own code trips on."""
    seen: list[object] = []

    def judge(value: object) -> bool:
        seen.append(value)
        return judgement

    probes.judge = judge  # type: ignore[attr-defined]
    provider = {"type": "python", "module": "own_probes", "func": "judge"}
    tolerance = {"type": "probe", "name": "j", "provider": provider}

    answers = [asked(probes, lambda: 7, tolerance) for _ in range(2)]

    assert answers == [Answer(judgement, "7")] * 2
    assert (seen, sorted(provider)) == ([7, 7], ["func", "module", "type"])


def raising(error: BaseException) -> Callable[[], object]:
    def probe() -> object:
        raise error

    return probe


@pytest.mark.parametrize(
    ("probe", "tolerance", "answer"),
    [
        (raising(ValueError("no way")), True, Answer(None, why="ValueError: no way")),
        (raising(SystemExit(20)), True, Answer(None, why="SystemExit: 20")),
        (raising(KeyboardInterrupt()), True, Answer(None, why="KeyboardInterrupt: ")),
        (raising(ValueError("x" * 999)), True, Answer(None, why=f"ValueError: {'x' * 188}...")),
        (lambda: None, [0, 1], Answer(None, why="it answered nothing")),
        (lambda: None, True, Answer(None, why="it answered nothing")),
        (lambda: 7, 0.5, Answer(None, "7", "Chaos Toolkit has no such tolerance")),
        (lambda: 7, {"type": "odd"}, Answer(None, "7", "Chaos Toolkit has no such tolerance")),
        (
            lambda: {"agrees": None, "unknown": {"router": "down"}},
            {"type": "jsonpath", "path": "$.agrees", "expect": [True]},
            Answer(None, '{"agrees": null, "unknown": {"router": "down"}}', "it does not know"),
        ),
        (
            lambda: {"agrees": None},
            {"type": "jsonpath", "path": "$"},
            Answer(True, '{"agrees": null}'),
        ),
    ],
)
def test_what_cannot_be_told_is_neither_met_nor_a_breach(
    probes: ModuleType, probe: Callable[[], object], tolerance: object, answer: Answer
) -> None:
    """It is counted apart."""
    assert asked(probes, probe, tolerance) == answer


@pytest.mark.parametrize(
    ("value", "tolerance"),
    [
        ("text", [0, 1]),
        ({"no": "status"}, [0, 1]),
        (7, {"type": "regex", "pattern": "7"}),
        ([1], {"type": "range", "range": [0, 1]}),
        (7, {"type": "jsonpath", "path": "$.a", "target": "a"}),
        (7, {"type": "jsonpath"}),
    ],
)
def test_a_tolerance_that_trips_on_a_value_is_caught(
    probes: ModuleType, value: object, tolerance: object
) -> None:
    """In a hypothesis the same would end Chaos Toolkit without rollbacks."""
    answer = asked(probes, lambda: value, tolerance)

    assert answer.met is None
    assert answer.why.startswith("the tolerance cannot judge it: ")
    assert answer.value


def test_configuration_and_secrets_reach_probe_and_tolerance(probes: ModuleType) -> None:
    """As in any other probe."""

    def probe(number: int, configuration: Json) -> list[object]:
        return [number, configuration["limit"]]

    answer = asked(
        probes,
        probe,
        {"type": "jsonpath", "path": "$.*", "expect": ["${number}", "${limit}"]},
        arguments={"number": "${number}"},
        configuration={"limit": 5},
        secrets={"s": {"number": 7}},
    )

    assert answer == Answer(True, "[7, 5]")


def test_long_values_are_cut(probes: ModuleType) -> None:
    """They go into history and reasons."""
    assert asked(probes, lambda: "x" * 5000, "y").value == "x" * 200 + "..."


def test_values_that_are_no_json_are_shown_all_the_same(probes: ModuleType) -> None:
    """A probe may answer anything."""
    assert asked(probes, lambda: {1, 2}, True) == Answer(False, '"{1, 2}"')


def test_processes_are_asked_too() -> None:
    """Their exit code is what a number is compared with."""
    raw = {"name": "x", "tolerance": 0, "provider": {"type": "process", "path": "false"}}
    extension = {"name": "kvchaos", "stop_conditions": [raw]}
    (condition,) = stop_conditions({"extensions": [extension]}, {}, {})

    assert answer_of(condition, {}, {}) == Answer(
        False, '{"status": 1, "stdout": "", "stderr": ""}'
    )


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging probes wait for; open at the end, so that none is left."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_probe_that_hangs_is_waited_for_until_its_deadline(gate: threading.Event) -> None:
    """And no second one is begun beside it."""
    begun: list[int] = []

    def ask() -> Answer:
        begun.append(1)
        assert gate.wait(SOON)
        return Answer(True)

    asker = Asker(ask, deadline=0.05, name="x")

    answers = [asker(), asker()]

    assert answers == [Answer(None, why="no answer within 0.05 s")] * 2
    assert begun == [1]


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(gate: threading.Event) -> None:
    """It told of another moment."""
    answers = [Answer(False, "late"), Answer(True, "in time")]
    came = threading.Event()

    def ask() -> Answer:
        if len(answers) == 2:
            assert gate.wait(SOON)
            came.set()
        return answers.pop(0)

    asker = Asker(ask, deadline=0.05, name="x")
    asker()
    asker._deadline = SOON

    gate.set()
    assert came.wait(SOON)

    assert asker() == Answer(True, "in time")


def test_waiting_for_an_answer_can_be_ended(gate: threading.Event) -> None:
    """A run that ends does not wait for its conditions."""
    began = threading.Event()

    def ask() -> Answer:
        began.set()
        assert gate.wait(SOON)
        return Answer(True)

    asker = Asker(ask, deadline=SOON, name="x")

    def end() -> None:
        assert began.wait(SOON)
        asker.stop()

    threading.Thread(target=end, daemon=True).start()

    assert asker() is STOPPED


def test_a_process_without_threads_to_spare_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a dead watch."""
    asker = Asker(lambda: Answer(True), deadline=1.0, name="x")

    def full() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(asker, "_begin", full)

    assert asker() == Answer(None, why="RuntimeError: can't start new thread")
