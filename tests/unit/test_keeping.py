"""Files that are whole or not there."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from kvchaos.keeping import try_writing, write_json, write_text


def test_a_file_is_for_its_owner_alone_from_its_first_byte_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And on the disk before it has its name."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_mode & 0o777))

    write_text(tmp_path / "a.txt", "text")
    write_text(tmp_path / "b.txt", "text", sync=False)
    write_json(tmp_path / "c.json", {"at": Path("x")})

    assert synced == [0o600, 0o600]
    assert {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == dict.fromkeys(
        ("a.txt", "b.txt", "c.json"), 0o600
    )
    assert json.loads((tmp_path / "c.json").read_text()) == {"at": "x"}


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """Whole or not at all."""
    (tmp_path / "report.html").mkdir()

    with pytest.raises(OSError, match="report"):
        write_text(tmp_path / "report.html", "text")

    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_full_disk_names_the_file_that_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system says of it names none."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space") as told:
        write_text(tmp_path / "report.html", "text")

    assert told.value.filename == str(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_what_utf8_cannot_say_is_replaced(tmp_path: Path) -> None:
    """Half a pair of surrogates, say."""
    write_text(tmp_path / "report.html", "a\ud800b")

    assert (tmp_path / "report.html").read_text() == "a?b"


def test_trying_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """Also where the file is not there yet."""
    try_writing(tmp_path / "journal.json")

    assert list(tmp_path.iterdir()) == []
