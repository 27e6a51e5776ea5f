"""A run's folder is read back within bounds, and what could not be read is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.folder import MAX_TEXT, RunData, find_runs, read_run
from kvchaos.report.json import as_json
from kvchaos.verdict.verdict import judge
from tests.builders import Json, run_that_recovered, run_that_stayed_wrong

LINES = [json.dumps(each) for each in run_that_recovered()]
TOLD_FROM_HISTORY = "record.json: not there; the verdict is from the history"


def kept(folder: Path, history: list[Json] | None = None) -> Path:
    """A folder as a run leaves it."""
    history = run_that_recovered() if history is None else history
    folder.mkdir(parents=True)
    text = "".join(f"{json.dumps(each)}\n" for each in history)
    (folder / "history.jsonl").write_text(text, encoding="utf-8")
    (folder / "record.json").write_text(json.dumps(told(history)), encoding="utf-8")
    return folder


def told(history: list[Json]) -> Json:
    return as_json(history, judge(history))


def test_run_is_read_back_whole(tmp_path: Path) -> None:
    """Objects and logs go by the names of their files, and the record knows where it is now."""
    folder = kept(tmp_path / "run")
    for name, text in {
        "objects/cut.yaml": "kind: NetworkChaos\n",
        "logs/engine.log": "up\n",
    }.items():
        (folder / name).parent.mkdir()
        (folder / name).write_text(text, encoding="utf-8")

    assert read_run(folder) == RunData(
        folder=folder,
        events=[*run_that_recovered()],
        record=told(run_that_recovered()) | {"folder": str(folder)},
        objects={"cut": "kind: NetworkChaos\n"},
        logs={"engine": "up\n"},
    )


@pytest.mark.parametrize("record", [None, "", "{", "[]", '{"verdict": "pass"}', '{"verdict": 1}'])
def test_a_run_without_a_whole_record_is_judged_from_its_history(
    record: str | None, tmp_path: Path
) -> None:
    """It was killed, or the file was damaged: the history is what counts, and this is told."""
    folder = kept(tmp_path / "run", run_that_stayed_wrong())
    (folder / "record.json").unlink()
    if record is not None:
        (folder / "record.json").write_text(record, encoding="utf-8")

    data = read_run(folder)

    assert data.record == told(run_that_stayed_wrong()) | {"folder": str(folder)}
    assert [note.partition(":")[0] for note in data.notes] == ["record.json"]


@pytest.mark.parametrize("cut", ['{"at": 17.5, "wa', "nonsense\n"])
def test_last_line_that_was_cut_off_is_left_out_and_told(cut: str, tmp_path: Path) -> None:
    """A run that is killed may leave a part of a line; it never makes a run a pass."""
    folder = tmp_path / "run"
    folder.mkdir()
    text = "\n".join([*LINES[:-1], cut])
    (folder / "history.jsonl").write_text(text, encoding="utf-8")

    data = read_run(folder)

    assert data.events == run_that_recovered()[:-1]
    assert data.record["status"] == "unknown"
    assert data.notes == (
        "history.jsonl: its last line was cut off, and is left out",
        TOLD_FROM_HISTORY,
    )


def test_history_broken_inside_is_an_error(tmp_path: Path) -> None:
    """What happened in between is not known, so nothing is told of the run."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "history.jsonl").write_text("\n".join([LINES[0], "{", LINES[1]]), encoding="utf-8")

    with pytest.raises(KVChaosError, match="is broken in line 2"):
        read_run(folder)


def test_record_without_its_history_is_told(tmp_path: Path) -> None:
    """The verdict is known, its course is not."""
    folder = kept(tmp_path / "run")
    (folder / "history.jsonl").unlink()

    data = read_run(folder)

    assert (data.events, data.record["status"]) == ([], "pass")
    assert data.notes == ("history.jsonl: not there",)


def test_of_a_long_log_the_end_is_kept(tmp_path: Path) -> None:
    """The end says what happened; that there was more is told."""
    folder = kept(tmp_path / "run")
    (folder / "logs").mkdir()
    (folder / "logs" / "pod.log").write_bytes(b"x" * MAX_TEXT + b"last\xff\n")

    data = read_run(folder)

    assert len(data.logs["pod"]) == MAX_TEXT
    assert data.logs["pod"].endswith("last�\n")
    assert data.notes == (f"logs/pod.log: the last {MAX_TEXT} of {MAX_TEXT + 6} bytes",)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A folder that somebody hands over does not put other files into a report."""
    folder = kept(tmp_path / "run")
    for name in ("private", "private.yaml"):
        (tmp_path / name).write_text("secret", encoding="utf-8")
    (folder / "logs").mkdir()
    (folder / "logs" / "pod.log").symlink_to(tmp_path / "private")
    (folder / "objects").symlink_to(tmp_path)

    data = read_run(folder)

    assert (data.logs, data.objects, data.notes) == ({}, {}, ())


@pytest.mark.parametrize("name", ["", "no-such"])
def test_what_is_no_runs_folder_is_said(name: str, tmp_path: Path) -> None:
    """With what was wanted, and where runs are."""
    saw = "no such folder" if name else "neither"

    with pytest.raises(UsageError, match=rf"is no run's folder: wanted .*, saw {saw}; see: kvch"):
        read_run(tmp_path / name)


def test_runs_are_found_in_a_folder_the_oldest_first(tmp_path: Path) -> None:
    """By when they began, whatever their folders are called; what is no run is passed over."""
    late = kept(tmp_path / "a")
    early = kept(tmp_path / "b", run_that_recovered())
    text = (early / "history.jsonl").read_text(encoding="utf-8")
    (early / "history.jsonl").write_text(text.replace("2026-08-", "2026-07-"), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("", encoding="utf-8")

    assert find_runs(tmp_path) == [early, late]
    assert find_runs(late) == [late]


def test_runs_of_a_game_day_are_found(tmp_path: Path) -> None:
    """They are in its folder's ``runs``; in a folder of days they are those of all days."""
    run = kept(tmp_path / "days" / "first" / "runs" / "one")
    more = kept(tmp_path / "days" / "second" / "runs" / "two")

    assert find_runs(tmp_path / "days" / "first") == [run]
    assert find_runs(tmp_path / "days") == [run, more]


@pytest.mark.parametrize("name", ["", "no-such"])
def test_where_no_run_is_it_is_said(name: str, tmp_path: Path) -> None:
    """An empty answer would pass for one over no runs."""
    with pytest.raises(UsageError, match="wanted"):
        find_runs(tmp_path / name)
