"""What of Chaos Toolkit's journal is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kvchaos.redact import MARK, Redactor
from kvchaos.run.journal import CUT, LARGEST, cut_to, redact_journal


def journal_of(output: Any) -> dict[str, Any]:
    record = {"activity": {"name": "p"}, "output": output, "status": "succeeded"}
    return {
        "experiment": {
            "secrets": {
                "inline": {"password": "hunter2", "pin": "12"},
                "env": {"token": {"type": "env", "key": "TOKEN"}},
                "plain": "hunter2",
            },
            "configuration": {
                "namespace": "kvchaos",
                "api_key": "k",
                "token": {"type": "env", "key": "T", "default": "x"},
            },
        },
        "steady_states": {
            "before": {"probes": [dict(record)]},
            "after": None,
            "during": [{"probes": [dict(record)]}],
        },
        "run": [dict(record), {"activity": {}, "exception": ["a\n", "ValueError: hunter2\n"]}],
        "rollbacks": [dict(record)],
        "status": "completed",
    }


def test_no_secret_is_left_in_the_journal() -> None:
    """Not in the experiment, the outputs, the exceptions; what is declared stays readable."""
    journal = journal_of({"stdout": "it is hunter2"})
    redact_journal(journal, Redactor(["hunter2"]))
    record = {
        "activity": {"name": "p"},
        "output": {"stdout": f"it is {MARK}"},
        "status": "succeeded",
    }

    assert journal == {
        "experiment": {
            "secrets": {
                "inline": {"password": MARK, "pin": MARK},
                "env": {"token": {"type": "env", "key": "TOKEN"}},
                "plain": MARK,
            },
            "configuration": {
                "namespace": "kvchaos",
                "api_key": MARK,
                "token": {"type": "env", "key": "T", "default": MARK},
            },
        },
        "steady_states": {
            "before": {"probes": [record]},
            "after": None,
            "during": [{"probes": [record]}],
        },
        "run": [record, {"activity": {}, "exception": ["a\n", f"ValueError: {MARK}\n"]}],
        "rollbacks": [record],
        "status": "completed",
    }


def test_the_running_experiment_is_not_changed() -> None:
    """The journal shares its parts with the experiment that is still being played."""
    journal = journal_of(1)
    experiment = journal["experiment"]
    before = json.dumps(experiment)
    redact_journal(journal, Redactor(["hunter2"]))

    assert json.dumps(experiment) == before


@pytest.mark.parametrize(
    "output",
    [
        "x" * 200_000,
        "\x00" * 200_000,
        {"a": ["y" * 40_000, "ü" * 40_000], "b": 1},
        list(range(50_000)),
        {str(number): number for number in range(20_000)},
        [[[["deep"] * 1000] * 10] * 10],
    ],
)
def test_a_long_output_is_cut_and_says_so(output: Any) -> None:
    """No probe makes the journal large, whatever shape its answer has."""
    journal = journal_of(output)
    redact_journal(journal, Redactor())
    kept = json.dumps(journal["run"][0]["output"], ensure_ascii=False)

    assert CUT in kept
    assert LARGEST // 12 < len(kept.encode()) < LARGEST * 1.2


def test_what_fits_is_kept_whole() -> None:
    """Only what is too long is touched."""
    value = {"a": ["x" * 60_000, 1, None, True], "b": {"c": 1.5}}

    assert cut_to(value) == value


def test_a_journal_of_unforeseen_shape_is_kept() -> None:
    """A run that was interrupted early has a journal with holes."""
    journal: dict[str, Any] = {"steady_states": None, "run": None, "experiment": None}
    redact_journal(journal, Redactor(["hunter2"]))

    assert journal == {"steady_states": None, "run": None, "experiment": None}


def test_what_is_no_json_becomes_text() -> None:
    """Chaos Toolkit would leave a journal that breaks off in the middle."""
    journal = journal_of({"error": ValueError("hunter2"), 1: b"hunter2"})
    redact_journal(journal, Redactor(["hunter2"]))

    assert json.loads(json.dumps(journal))["run"][0]["output"] == {"error": MARK, "1": MARK}
