"""One experiment as ``kvchaos run`` plays it: by Chaos Toolkit, with a journal whatever happens.

As ``chaos run``, but: rollbacks are always played, and the journal is written whole or not at all,
also when an error rose through Chaos Toolkit or something never returned.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from chaoslib.exceptions import InterruptExecution
from chaoslib.log import encoder
from chaoslib.run import Runner, initialize_run_journal
from chaoslib.types import Schedule, Strategy

from kvchaos.errors import ExperimentInvalid, KVChaosError, RunStopped, UsageError
from kvchaos.keeping import try_writing, write_json
from kvchaos.run import current, secrecy
from kvchaos.run.folder import keep_journal
from kvchaos.run.journal import redact_journal
from kvchaos.run.session import Run

logger = logging.getLogger("chaostoolkit")

Json = dict[str, Any]

STRATEGIES = (
    "default",
    "before-method-only",
    "after-method-only",
    "during-method-only",
    "continuously",
)


class Shown(Protocol):
    """What shows a run to people while it goes on."""

    def begin(self) -> None: ...

    def opened(self, run: Run) -> None: ...

    def closing(self) -> None: ...


class Playing:
    """An experiment that is played: its journal, and the run that comes of it, once there is one.

    ``beside`` is the folder of its file: from there its templates are looked for.
    ``journal_path`` is where the journal goes beside the run's folder, None for nowhere.
    """

    def __init__(
        self,
        experiment: Json,
        *,
        beside: Path | None = None,
        journal_path: Path | None,
        shown: Sequence[Shown],
    ) -> None:
        self.folder: Path | None = None
        self._experiment = experiment
        self._beside = beside
        self._journal: Json = initialize_run_journal(experiment)
        self._journal_path = journal_path
        self._shown = shown

    def play(self) -> Json:
        """What came of it, as the journal has it under ``kvchaos``."""
        strategy = strategy_of(self._experiment)
        current.listen(self.keep, onlooker=self, beside=self._beside)
        for each in self._shown:
            each.begin()
        try:
            play(self._experiment, strategy, self._journal)
        except Exception as error:  # the control has finished the run all the same
            logger.critical("Chaos Toolkit broke: %s: %s", type(error).__name__, error)
            logger.debug("Chaos Toolkit broke", exc_info=True)
            broken = current.outcome() or _not_begun(error)
            self.keep(broken)
            return broken
        finally:
            self.closing()
        outcome: Json = self._journal.setdefault(
            "kvchaos", current.outcome() or current.not_started()
        )
        self._write()
        return outcome

    def keep(self, outcome: Json) -> None:
        """Write the journal of a run that Chaos Toolkit did not bring to its end."""
        self._journal["status"] = "aborted"
        self._journal["kvchaos"] = outcome
        redact_journal(self._journal, secrecy.redactor())
        self._write()

    def opened(self, run: Run) -> None:
        """The run has a folder."""
        self.folder = run.folder
        for each in self._shown:
            each.opened(run)

    def closing(self) -> None:
        """Its summary comes now."""
        for each in self._shown:
            each.closing()

    def _write(self) -> None:
        if self.folder is not None:
            keep_journal(self.folder, self._journal, default=_plain)
        if self._journal_path is not None:
            write_json(self._journal_path, self._journal, default=_plain)


def play(experiment: Json, strategy: str, journal: Json) -> None:
    """Have Chaos Toolkit play it with this journal, which is filled while it is played."""
    runtime = {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": strategy}}
    with Runner(Strategy.from_string(strategy), Schedule()) as runner:
        runner.run(experiment, {"runtime": runtime}, experiment_vars=({}, {}), journal=journal)


def strategy_of(experiment: Json) -> str:
    """When the hypothesis is asked, as Chaos Toolkit names it; else ``ExperimentInvalid``."""
    said = experiment.get("runtime", {}).get("hypothesis", {}).get("strategy", STRATEGIES[0])
    if said not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise ExperimentInvalid(
            "runtime.hypothesis.strategy", wanted=f"one of {known}", saw=repr(said)
        )
    return str(said)


def ensure_writable(journal_path: Path) -> None:
    """UsageError when the journal could not be written, which is said before the run."""
    if not journal_path.parent.is_dir():
        raise UsageError("--journal-path", wanted="a folder that is there", saw=str(journal_path))
    try:
        try_writing(journal_path)
    except OSError as error:
        wanted, saw = "a file that can be written", f"{journal_path}: {error.strerror}"
        raise UsageError("--journal-path", wanted=wanted, saw=saw) from error


def ensure_room(runs: Path) -> None:
    """UsageError when no run's folder could be made in ``runs``, which may not be there yet."""
    place = next(
        each for each in (runs.absolute(), *runs.absolute().parents) if os.access(each, os.F_OK)
    )
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        wanted, saw = "a folder that can be made or written", f"no leave to write {place}"
        raise UsageError(f"--runs {runs}", wanted=wanted, saw=saw)


def _not_begun(error: Exception) -> Json:
    """The outcome when the control was never asked."""
    told = RunStopped if isinstance(error, InterruptExecution) else KVChaosError
    current.end(because=told("the run did not begin", saw=str(error)))
    return current.not_started()


def _plain(value: Any) -> Any:
    try:
        return encoder(value)
    except TypeError:
        return str(value)
