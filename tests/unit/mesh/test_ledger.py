"""The ledger: on disk before the fault, readable whatever happened while it was written."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import rmtree

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

    assert Ledger(ledger.path).entries() == [{"n": 1}, {"n": 3}]


def test_a_ledger_that_takes_no_line_refuses_the_fault(tmp_path: Path) -> None:
    """Here its folder is a file."""
    (tmp_path / "runs").write_text("")

    with pytest.raises(FaultRefused, match="no ledger, no fault"):
        Ledger(tmp_path / "runs" / "ledger.jsonl").record({})


def test_what_was_recorded_is_known_when_the_file_is_gone(tmp_path: Path) -> None:
    """Somebody tidied up in mid-run: the run still has to end its faults."""
    ledger = Ledger(tmp_path / "run" / "ledger.jsonl")
    ledger.record({"n": 1})
    ledger.record({"n": 2})

    rmtree(ledger.path.parent)

    assert ledger.entries() == [{"n": 1}, {"n": 2}]


def test_what_was_recorded_is_known_when_the_file_cannot_be_read(tmp_path: Path) -> None:
    """A folder is in its place; who recorded nothing here is told the error."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.record({"n": 1})
    ledger.path.unlink()
    ledger.path.mkdir()

    assert ledger.entries() == [{"n": 1}]
    with pytest.raises(IsADirectoryError):
        Ledger(ledger.path).entries()
