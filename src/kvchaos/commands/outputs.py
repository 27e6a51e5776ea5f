"""Runs that verbs read, and files that they write: what ``report`` and ``compare`` have in common.

The rule guarded here: what cannot be read is told and counted, and costs no other run its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from kvchaos.errors import KVChaosError, UsageError
from kvchaos.report.figures import figures
from kvchaos.report.folder import RunData, find_runs, read_run
from kvchaos.settings import Settings

STDOUT = "-"
FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Gathered:
    """Runs that were read, the oldest first, and folders that could not be, with the reason."""

    runs: list[RunData] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)


def gathered(folders: Sequence[Path], *, whole: bool = False) -> Gathered:
    """All runs in these folders, each once; UsageError when there is none in one of them.

    Of each its record alone is kept, unless ``whole``: many long histories are more than memory.
    """
    found = Gathered()
    paths = {run.resolve(): run for folder in folders for run in find_runs(folder)}
    for path in paths.values():
        try:
            run = read_run(path)
            found.runs.append(run if whole else replace(run, events=[], objects={}, logs={}))
        except (KVChaosError, OSError) as error:
            found.unread.append((str(path), str(error)))
    found.runs.sort(key=_began)
    tell(found)
    return found


def newest() -> Path:
    """The folder of the newest run in ``kvchaos-runs``; UsageError when there is none."""
    folder = Path(Settings().runs)
    if not folder.is_dir():
        from kvchaos.gameday.folder import DAYS  # noqa: PLC0415 - of use here alone

        raise UsageError(
            "no FOLDER",
            wanted="a run's folder",
            saw=f"no {folder} here, either",
            look=f"kvchaos report {DAYS}" if Path(DAYS).is_dir() else "",
        )
    return find_runs(folder)[-1]


def tell(found: Gathered) -> None:
    """Say what could not be read, on the error stream."""
    for run in found.runs:
        for note in run.notes:
            click.echo(f"kvchaos: {run.folder}: {note}", err=True)
    for folder, why in found.unread:
        click.echo(f"kvchaos: {folder} could not be read: {why}", err=True)


def write(text: str, target: str, *, quiet: bool = False) -> None:
    """The text, in UTF-8, to the file ``target``, or to the standard output when it is ``-``.

    Folders that lack are made. That it was written is said, unless ``quiet``.
    """
    raw = text.encode(errors="replace")
    if target == STDOUT:
        click.echo(raw, nl=False)
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    if not quiet:
        click.echo(f"{path} written")


def at_most_one_stdout(targets: Sequence[str | None]) -> bool:
    """Whether one of the targets is the standard output; UsageError when two are."""
    count = targets.count(STDOUT)
    if count > 1:
        raise UsageError("the standard output", wanted="one report at most", saw=f"{count} on it")
    return bool(count)


def _began(run: RunData) -> tuple[datetime, str]:
    return figures(run.record).began or FIRST, run.folder.name
