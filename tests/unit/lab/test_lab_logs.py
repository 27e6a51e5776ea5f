"""Finding and cutting logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvchaos.errors import LabError
from kvchaos.lab.directory import LabDirectory
from kvchaos.lab.logs import container_logs, find_log, selected


def write(directory: LabDirectory, pod: str, container: str, life: int, text: str) -> Path:
    path = directory.logs / f"ns_{pod}_uid" / container / f"{life}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_lives_are_counted_not_spelt(tmp_path: Path) -> None:
    """The tenth life comes after the second."""
    directory = LabDirectory(tmp_path)
    paths = [write(directory, "p", "c", life, "") for life in (10, 2, 0)]

    assert container_logs(directory, "ns", "p", "uid", "c") == paths[::-1]


def test_newest_life_is_shown_unless_the_one_before_is_asked_for(tmp_path: Path) -> None:
    """As ``kubectl logs`` and ``kubectl logs -p``."""
    directory = LabDirectory(tmp_path)
    first, second = (write(directory, "p", "c", life, "") for life in (0, 1))

    assert find_log(directory, "p") == second
    assert find_log(directory, "p", previous=True) == first


def test_names_there_are_stand_in_the_error(tmp_path: Path) -> None:
    """Wrong pod, several containers, no life before: each says what would work."""
    directory = LabDirectory(tmp_path)
    write(directory, "one", "a", 0, "")
    write(directory, "one", "b", 0, "")

    with pytest.raises(LabError, match="one of one"):
        find_log(directory, "two")
    with pytest.raises(LabError, match=r"-c a \| b"):
        find_log(directory, "one")
    with pytest.raises(LabError, match="no previous log"):
        find_log(directory, "one", container="a", previous=True)


@pytest.mark.parametrize(
    ("tail", "limit", "expected"),
    [
        (None, None, b"a\nb\nc\n"),
        (2, None, b"b\nc\n"),
        (0, None, b""),
        (2, 1, b"b"),
        (9, None, b"a\nb\nc\n"),
    ],
)
def test_tail_counts_lines_and_limit_bytes(
    tail: int | None, limit: int | None, expected: bytes
) -> None:
    """The limit applies to what the tail leaves."""
    assert selected(b"a\nb\nc\n", tail=tail, limit=limit) == expected
