"""The run's record: on the disk as it happens, whole, bounded, and readable after a kill."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from kvchaos.errors import KVChaosError
from kvchaos.verdict.history import MAX_ITEMS, MAX_TEXT, History, read


@dataclass
class SlowClock:
    """A clock on which each look takes a quarter of a second."""

    seconds: float = 100.0

    def now(self) -> float:
        self.seconds += 0.25
        return self.seconds

    def wall(self) -> float:
        return 1_786_197_780.0 + self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(tmp_path / "run" / "history.jsonl", SlowClock()) as history:
        yield history


def test_added_event_is_stamped_and_in_the_file_at_once(history: History) -> None:
    """What ``add`` returns, what is held and what stands in the file are the same."""
    first = history.add("sample", agrees=True, missing=0)

    assert first == {
        "at": 0.25,
        "wall": "2026-08-08T14:04:40.250Z",
        "event": "sample",
        "agrees": True,
        "missing": 0,
    }
    assert history.events() == read(history.path) == [first]


def test_field_that_is_nested_too_deeply_is_left_out_and_told(history: History) -> None:
    """A line that cannot be written would be worse."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    entry = history.add("activity", deep=deep, name="it")

    assert (entry["deep"], entry["name"]) == (None, "it")
    assert entry["cut"] == ["deep: nested too deeply"]
    assert read(history.path) == [entry]


def test_field_that_bears_a_stamps_name_keeps_its_value_under_the_events(history: History) -> None:
    """The time of an effect is not the time at which it was written down."""
    entry = history.add("effect", at=4.71, wall="x", event="y")

    del entry["wall"]
    assert entry == {
        "at": 0.25,
        "event": "effect",
        "effect_at": 4.71,
        "effect_wall": "x",
        "effect_event": "y",
    }


def test_values_become_plain_json(history: History) -> None:
    """Sets, paths, tuples, errors and unsigned 64-bit hashes survive; NaN becomes null."""
    entry = history.add(
        "sample",
        path=Path("a/b"),
        pods={"one"},
        pair=(1, 2**64 - 1),
        error=OSError("gone"),
        nan=float("nan"),
        by_rank={0: "zero"},
        odd="\udc80",
    )

    assert [entry[key] for key in ("path", "pods", "pair", "error")] == [
        "a/b",
        ["one"],
        [1, 2**64 - 1],
        "gone",
    ]
    assert (entry["nan"], entry["by_rank"], entry["odd"]) == (None, {"0": "zero"}, "?")
    assert read(history.path) == [entry]


def test_long_text_is_cut_and_says_so(history: History) -> None:
    """One error of a server's whole page must not fill the disk."""
    entry = history.add("activity", error="x" * 10_000, evidence=[{"text": "y" * MAX_TEXT}])

    assert entry["error"] == "x" * MAX_TEXT + f"... [cut: {MAX_TEXT} of 10000 characters]"
    assert entry["evidence"] == [{"text": "y" * MAX_TEXT}]


def test_long_collections_are_cut_and_the_event_says_where(history: History) -> None:
    """The rest is dropped, the kind of the field stays."""
    many = {f"engine-{n}": {"missing": n} for n in range(MAX_ITEMS + 1)}

    entry = history.add("sample", engines=many, left={"ghosts": list(range(5_000))})

    assert len(entry["engines"]) == len(entry["left"]["ghosts"]) == MAX_ITEMS
    assert entry["cut"] == [
        f"engines: {MAX_ITEMS} of {MAX_ITEMS + 1} entries",
        f"left.ghosts: {MAX_ITEMS} of 5000 entries",
    ]


def test_what_concerns_a_fault_is_synced(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power may go, and still the record says what was injected; samples are not worth the wait."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)

    for event in ("sample", "fault_injected", "recovery", "fault_recovered", "fault_failed"):
        history.add(event)

    assert len(synced) == 3


def test_threads_do_not_mix_their_lines(history: History) -> None:
    """The observer's thread and the run's write at once."""

    def write(name: str) -> None:
        for number in range(100):
            history.add("sample", name=name, number=number, padding="." * 200)

    threads = [Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    kept = read(history.path)
    assert kept == history.events()
    assert sorted((each["name"], each["number"]) for each in kept) == [
        (name, number) for name in "abcd" for number in range(100)
    ]
    assert [each["at"] for each in kept] == sorted(each["at"] for each in kept)


def test_every_beginning_of_a_file_can_be_read(history: History) -> None:
    """Killed at any byte, a run leaves the events before the one that was being written."""
    for number in range(3):
        history.add("sample", text="é✂", number=number)
    whole = history.path.read_bytes()
    lines = whole.splitlines(keepends=True)
    torn = history.path.with_name("torn.jsonl")

    for length in range(len(whole) + 1):
        torn.write_bytes(whole[:length])
        complete = sum(length >= len(b"".join(lines[: n + 1])) - 1 for n in range(3))
        assert read(torn) == history.events()[:complete]


def test_line_that_is_broken_inside_the_file_is_an_error(tmp_path: Path) -> None:
    """A tampered record is not quietly read around."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"at": 0}\n[1]\n{"at": 2}\n')

    with pytest.raises(KVChaosError, match=r"is broken in line 2: saw .*array"):
        read(path)


def test_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(KVChaosError, match=r"history .*none\.jsonl cannot be read: saw"):
        read(tmp_path / "none.jsonl")


def test_history_is_never_written_over(history: History) -> None:
    """One file is one run."""
    with pytest.raises(KVChaosError, match=r"cannot be created: saw .*File exists"):
        History(history.path, SlowClock())


def test_closed_history_takes_no_more(history: History) -> None:
    """A thread that outlives the run is told so; what was recorded stays."""
    history.add("sample")
    history.close()

    with pytest.raises(KVChaosError, match="cannot be written"):
        history.add("sample")

    assert len(history.events()) == len(read(history.path)) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_an_error_and_leaves_the_event_out(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be recorded is not held either: the verdict rests on the record."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(history, "_file", full)
        with pytest.raises(KVChaosError, match=r"cannot be written: saw .*No space left"):
            history.add("sample")

    assert history.events() == []


def test_line_that_was_written_in_part_is_taken_back(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next event begins on a line of its own."""
    history.add("sample", number=1)
    whole = history._file

    class HalfFile:
        """A file on a disk that is full after ten bytes."""

        def write(self, line: bytes) -> int | None:
            return whole.write(line[:10])

        def fileno(self) -> int:
            return whole.fileno()

    with monkeypatch.context() as patch:
        patch.setattr(history, "_file", HalfFile())
        with pytest.raises(KVChaosError, match="No space left"):
            history.add("sample", number=2)
    history.add("sample", number=3)

    assert [each["number"] for each in read(history.path)] == [1, 3]
