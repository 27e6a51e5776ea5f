"""The run that this process is in: Chaos Toolkit runs one experiment at a time.

Actions and probes are plain functions that Chaos Toolkit calls, so they find their run here;
the control puts it in at the start and takes it out at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from kvchaos.ending.stopping import Stopping
from kvchaos.errors import KVChaosError, RunMissing, RunStopped
from kvchaos.run.session import Run
from kvchaos.verdict.result import Status, Verdict

Json = dict[str, Any]

NOTHING_TO_UNDO = {"skipped": "the run did not start, so there is nothing to undo"}
"""What rollbacks answer then, so that the error itself is the last thing that is read."""


class Onlooker(Protocol):
    """Who shows a run to people while it goes on; neither method may raise or wait long."""

    def opened(self, run: Run) -> None:
        """The run has a folder and a history from here on."""
        ...

    def closing(self) -> None:
        """Its summary is about to be printed, where the onlooker may have drawn; again: nothing."""
        ...


_current: list[Run] = []
_failed: list[KVChaosError] = []
_refused: list[Json] = []
_stopping: list[Stopping] = []
_outcomes: list[Json] = []
_listeners: list[Callable[[Json], None]] = []
_onlookers: list[Onlooker] = []
_folders: list[Path] = []


def begin(run: Run) -> None:
    """Make ``run`` the one that actions and probes work on."""
    _current[:] = [run]
    _failed.clear()
    _outcomes.clear()


def end(*, because: KVChaosError | None = None) -> None:
    """There is no run any more; ``because`` is why it did not start."""
    _current.clear()
    _failed[:] = [because] if because else []
    if because is None:
        _refused.clear()


def refused(events: Sequence[Json]) -> None:
    """The preflight refused the run that is starting; ``events`` are its history."""
    _refused[:] = events


def refused_history() -> Sequence[Json]:
    """The history of the run that the preflight refused; empty when it did not."""
    return list(_refused)


def not_started() -> Json:
    """The outcome of a run that did not start, for the journal."""
    why = str(_failed[0]) if _failed else "the control did not start a run"
    code = _failed[0].exit_code if _failed else KVChaosError.exit_code
    status = Status.ABORTED if code == RunStopped.exit_code else Status.UNKNOWN
    return {
        "verdict": str(Verdict.UNKNOWN),
        "status": str(status),
        "exit_code": code,
        "why": why,
        "checks": [],
    }


def stopped_by(stopping: Stopping | None) -> None:
    """What ends the run of this process early, from before it starts; closes the one before."""
    for each in _stopping:
        each.close()
    _stopping[:] = [stopping] if stopping else []


def ended(record: Json) -> None:
    """The run has been finished, and this came of it."""
    _outcomes[:] = [record]


def outcome() -> Json | None:
    """What came of the last run of this process; None before its end."""
    return _outcomes[0] if _outcomes else None


def listen(
    listener: Callable[[Json], None],
    *,
    onlooker: Onlooker | None = None,
    beside: Path | None = None,
) -> None:
    """Call ``listener`` with the record of a run whose process ends without Chaos Toolkit.

    A run is about to be played, of a file in the folder ``beside``: nothing that came of an earlier
    one in this process is its own.
    """
    lies_in(beside)
    _listeners[:] = [listener]
    _onlookers[:] = [onlooker] if onlooker else []
    for of_an_earlier_run in (_failed, _refused, _outcomes):
        of_an_earlier_run.clear()


def lies_in(folder: Path | None) -> None:
    """The file of the experiment that is played is in ``folder``; None: nobody knows."""
    _folders[:] = [folder] if folder else []


def beside() -> Path | None:
    """That folder, from which the experiment's templates are looked for."""
    return _folders[0] if _folders else None


def tell(record: Json) -> None:
    """Such a run has ended."""
    for listener in _listeners:
        listener(record)


def opened(run: Run) -> None:
    """The run that is starting has its folder and its history."""
    for onlooker in _onlookers:
        onlooker.opened(run)


def closing() -> None:
    """What came of the run is about to be printed."""
    for onlooker in _onlookers:
        onlooker.closing()


def did_not_start() -> bool:
    """Whether the control tried to start a run and could not: there is nothing to roll back."""
    return bool(_failed)


def current() -> Run:
    """The run; ``RunMissing`` when the control did not start one."""
    if not _current:
        raise RunMissing(
            "no run",
            wanted="the control kvchaos.control in the experiment, started without an error",
            look='the experiment\'s "controls", and the messages before this one',
        )
    return _current[0]


def is_running() -> bool:
    """Whether there is a run."""
    return bool(_current)
