"""Ledgers of earlier runs: every fault in them, whatever else is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kvchaos.mesh.fault import Fault
from kvchaos.mesh.ledger import Ledger
from kvchaos.mesh.lines import Line, of_context, read_ledgers
from kvchaos.mesh.past import Past
from tests.scripted import partition

FAULT = Fault.of(partition())
ENTRY = {"event": "inject", "wall": "1970-01-01T00:18:20.000+00:00", "fault": FAULT.to_json()}


def written(runs: Path, run: str, *entries: Any) -> Path:
    path = runs / run / "ledger.jsonl"
    for entry in entries:
        Ledger(path).record(entry)
    return path


def test_every_runs_ledger_is_read(tmp_path: Path) -> None:
    """Also when one run is meant: others tell of namespaces; entries of other events are none."""
    other = {**ENTRY, "fault": {**FAULT.to_json(), "run": "r2", "name": "cut-r2"}}
    written(tmp_path, "r1", ENTRY, {"event": "note"})
    written(tmp_path, "r2", other)

    lines, unread = read_ledgers(tmp_path)

    assert lines[0] == Line(FAULT, 1100.0)
    assert [line.fault.run for line in lines] == ["r1", "r2"]
    assert unread == []
    assert read_ledgers(tmp_path, run="r2") == (lines, unread)


def test_a_line_knows_what_became_of_its_run(tmp_path: Path) -> None:
    """By the record beside the ledger."""
    path = written(tmp_path, "r1", ENTRY)
    path.with_name("record.json").write_text('{"residue": [], "run": {"context": "c"}}')

    assert read_ledgers(tmp_path)[0] == [Line(FAULT, 1100.0, Past(over=True, context="c"))]


HERE, ELSEWHERE, UNTOLD = (Line(FAULT, 1.0, Past(context=each)) for each in ("c", "d", None))


def test_runs_of_other_contexts_are_passed_over_and_told() -> None:
    """What is not known to be elsewhere may be here."""
    kept, notes = of_context([HERE, ELSEWHERE, UNTOLD], "c")

    assert kept == [HERE, UNTOLD]
    assert notes == ["runs of the ledgers in other contexts (d) are passed over: 1"]
    assert of_context([HERE, UNTOLD], "c") == ([HERE, UNTOLD], [])
    assert of_context([Line(FAULT, 1.0, Past(over=True, context="d"))], "c") == ([], [])


def test_a_run_that_is_named_is_looked_for_wherever_it_was() -> None:
    """Two contexts may be one cluster; but it is told. Nothing is said of other runs."""
    told = "the run r1 was in the context d, not in c"

    assert of_context([HERE, ELSEWHERE], "c", run="r1") == ([HERE, ELSEWHERE], [told])
    assert of_context([HERE, ELSEWHERE], "c", run="r2") == ([HERE], [])


def test_no_folder_is_no_ledger(tmp_path: Path) -> None:
    """A step that runs always also runs when nothing did."""
    assert read_ledgers(tmp_path / "none") == ([], [])


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"kind": "Pod", "name": "x", "namespace": "y", "run": "z", "action": "a"},
        {**FAULT.to_json(), "name": 7},
        {**FAULT.to_json(), "run": ""},
        {**FAULT.to_json(), "namespaces": "everywhere"},
    ],
)
def test_an_entry_that_is_no_fault_is_told_and_passed_over(tmp_path: Path, fault: Any) -> None:
    """The next one may be one."""
    path = written(tmp_path, "r1", {**ENTRY, "fault": fault}, ENTRY)

    lines, (told,) = read_ledgers(tmp_path)

    assert lines == [Line(FAULT, 1100.0)]
    assert told.startswith(f"{path}: not a fault: ")


def test_torn_lines_and_odd_dates_are_no_reason_to_stop(tmp_path: Path) -> None:
    """A fault without a date is one all the same."""
    path = written(tmp_path, "r1", {**ENTRY, "wall": "yesterday"})
    with path.open("ab") as file:
        file.write(json.dumps(ENTRY).encode()[:40])

    assert read_ledgers(tmp_path) == ([Line(FAULT, None)], [])


def test_a_ledger_that_cannot_be_read_is_told_unless_another_run_is_meant(tmp_path: Path) -> None:
    """A folder in its place."""
    (tmp_path / "r1" / "ledger.jsonl").mkdir(parents=True)

    _, (told,) = read_ledgers(tmp_path)

    assert "not readable" in told
    assert read_ledgers(tmp_path, run="r2") == ([], [])
