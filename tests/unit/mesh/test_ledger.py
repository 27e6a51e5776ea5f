"""The ledger: on disk before the fault, readable whatever happened while it was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kvchaos.errors import FaultRefused
from kvchaos.mesh.ledger import Ledger


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    """The first entry makes the file and its folders."""
    ledger = Ledger(tmp_path / "runs" / "ledger.jsonl")

    assert ledger.entries() == []
    ledger.record({"n": 1})
    Ledger(ledger.path).record({"n": 2})

    assert ledger.entries() == [{"n": 1}, {"n": 2}]


def test_an_entry_is_on_disk_when_record_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line, and for a new file its folder, are synced."""
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(_name(fd)))
    ledger = Ledger(tmp_path / "ledger.jsonl")

    ledger.record({"n": 1})
    ledger.record({"n": 2})

    assert synced == [str(ledger.path), str(tmp_path), str(ledger.path)]


def _name(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_a_torn_line_hides_no_other(tmp_path: Path) -> None:
    """A run killed while writing had sent nothing; what came before and after it stands."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.record({"n": 1})
    with ledger.path.open("ab") as file:
        file.write(b'{"n": 2, "fau')

    assert ledger.entries() == [{"n": 1}]
    ledger.record({"n": 3})

    assert ledger.entries() == [{"n": 1}, {"n": 3}]


def test_a_ledger_that_takes_no_line_refuses_the_fault(tmp_path: Path) -> None:
    """Here its folder is a file."""
    (tmp_path / "runs").write_text("")

    with pytest.raises(FaultRefused, match="no ledger, no fault"):
        Ledger(tmp_path / "runs" / "ledger.jsonl").record({})
