"""A history keeps no secret, and is its owner's alone."""

from __future__ import annotations

from pathlib import Path
from stat import S_IMODE

from kvchaos.redact import MARK, Redactor
from kvchaos.verdict.history import MAX_TEXT, History
from tests.scripted import FakeClock


def test_a_secret_is_in_no_event(tmp_path: Path) -> None:
    """Neither in memory nor in the file; also where the text around it is cut."""
    path = tmp_path / "run" / "history.jsonl"
    with History(path, FakeClock(), redact=Redactor(["hunter2"]).fields) as history:
        history.add("activity", error="got hunter2", deep={"a": ["hunter2"]})
        history.add("activity", error="x" * (MAX_TEXT - 3) + "hunter2")
        events = history.events()

    assert events[0]["error"] == f"got {MARK}"
    assert events[0]["deep"] == {"a": [MARK]}
    assert "hun" not in path.read_text()


def test_a_history_is_private(tmp_path: Path) -> None:
    """Its folder too, when it makes it."""
    path = tmp_path / "run" / "history.jsonl"
    with History(path, FakeClock()):
        assert S_IMODE(path.stat().st_mode) == 0o600
        assert S_IMODE(path.parent.stat().st_mode) == 0o700
