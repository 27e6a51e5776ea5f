"""What a run's folder says of its end: what it does not say well, it does not say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kvchaos.mesh.past import LARGEST, LONGEST, Past, read_past

STARTED = {"event": "run_started", "context": "c"}


def folder(path: Path, *, record: Any = None, history: Any = None) -> Path:
    for name, said in (("record.json", record), ("history.jsonl", history)):
        if said is not None:
            (path / name).write_text(said if isinstance(said, str) else json.dumps(said))
    return path


@pytest.mark.parametrize(
    ("record", "over"),
    [
        ({"residue": [], "unconfirmed": []}, True),
        ({"residue": []}, True),
        ({"residue": [], "unconfirmed": ["a create that may still come"]}, False),
        ({"residue": ["a fault"]}, False),
        ({"residue": None}, False),
        ({}, False),
        ([], False),
        ("", False),
        ('{"residue": [], ', False),
        ("[" * 100_000, False),
        (None, False),
    ],
)
def test_a_run_is_over_when_its_record_says_that_nothing_is_left(
    tmp_path: Path, record: Any, over: bool
) -> None:
    """And nothing unconfirmed; a record that says something else, or nothing, is no such word."""
    assert read_past(folder(tmp_path, record=record)) == Past(over=over)


@pytest.mark.parametrize(
    ("record", "history", "context"),
    [
        ({"run": {"context": "r"}}, STARTED, "r"),
        ({"run": {"context": ""}}, STARTED, "in-cluster"),
        ({"run": {"context": 7}}, STARTED, "c"),
        ({"run": None}, STARTED, "c"),
        (None, json.dumps(STARTED) + "\n{torn", "c"),
        (None, {**STARTED, "event": "preflight"}, None),
        (None, {**STARTED, "context": ["c"]}, None),
        (None, "\n", None),
        (None, None, None),
    ],
)
def test_the_context_is_the_records_or_the_first_of_the_history(
    tmp_path: Path, record: Any, history: Any, context: str | None
) -> None:
    """None where neither says."""
    assert read_past(folder(tmp_path, record=record, history=history)) == Past(context=context)


def test_files_without_bounds_say_nothing(tmp_path: Path) -> None:
    """Nor do folders in their places."""
    long = {"residue": [], "x": " " * LARGEST}
    line = {**STARTED, "x": " " * LONGEST}
    assert read_past(folder(tmp_path, record=long, history=line)) == Past()

    (tmp_path / "other" / "record.json").mkdir(parents=True)
    (tmp_path / "other" / "history.jsonl").mkdir()
    assert read_past(tmp_path / "other") == Past()


@pytest.mark.parametrize(
    ("was", "asked", "elsewhere"),
    [("c", "c", False), ("c", "d", True), ("in-cluster", "", False), (None, "d", False)],
)
def test_a_run_is_elsewhere_only_when_that_is_known(
    was: str | None, asked: str, elsewhere: bool
) -> None:
    """The context of the cluster that we are in has two names."""
    assert Past(context=was).is_elsewhere(asked) is elsewhere
